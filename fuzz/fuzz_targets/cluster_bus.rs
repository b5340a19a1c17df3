//! A packet of the bus is read the same after it was written again; packets are found however a
//! link cuts its bytes; and no link makes a machine panic, or keep more than it was sent.

#![no_main]

use cluster::bus::{Frames, Next, decode};
use cluster::{Input, LinkId, Machine, PrimaryLink, Settings, View};
use libfuzzer_sys::fuzz_target;

const FILE: &[u8] = b"\
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 10.0.0.1:6379@16379 myself,master - 0 0 1 connected \
    0\n\
    bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 10.0.0.2:6379@16379 master - 0 0 2 connected 1\n\
    cccccccccccccccccccccccccccccccccccccccc 10.0.0.3:6379@16379 slave \
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0 0 1 connected\n\
    vars currentEpoch 3 lastVoteEpoch 1\n";

fuzz_target!(|input: (u16, Vec<u8>)| {
    let (cut, bytes) = input;
    if let Ok(packet) = decode(&bytes) {
        assert_eq!(decode(&packet.encode()), Ok(packet));
    }
    let (first, second) = bytes.split_at(bytes.len().min(usize::from(cut)));
    assert_eq!(packets(&[&bytes]), packets(&[first, second]));

    let mut view = View {
        now_ms: 5000,
        wall_ms: 1_700_000_000_000,
        replication_offset: 0,
        primary_link: PrimaryLink::Down { since_ms: None },
        holds_keys: true,
    };
    let settings = Settings::of(&config::Config::default(), 6379, 0);
    let machine = Machine::new(settings, Some(FILE), [1, 2], &view);
    let mut machine = machine.expect("the file is whole");
    let mut out = Vec::new();
    machine.start(&view, &mut out);
    let link = LinkId::In(1);
    let (peer, local) = ("10.0.0.9", "10.0.0.1");
    machine.step(&view, Input::Accepted { link, peer, local }, &mut out);
    for bytes in [first, second] {
        machine.step(&view, Input::Received { link, bytes }, &mut out);
        view.now_ms += 100;
        machine.step(&view, Input::Tick, &mut out);
        assert!(machine.current_epoch() <= i64::MAX as u64);
        machine.nodes_conf(&view);
    }
});

/// The packets in pieces of a link's bytes, and whether the link is still one of the bus.
fn packets(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    let sent: usize = pieces.iter().map(|piece| piece.len()).sum();
    for piece in pieces {
        let fed = frames.feed(piece, true, |packet| {
            found.push(packet.to_vec());
            Next::Go { is_known: true }
        });
        assert!(frames.held() <= 2 * sent + 64);
        if fed.is_err() {
            return (found, false);
        }
    }
    (found, true)
}
