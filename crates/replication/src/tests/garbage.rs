//! Peers that send anything at any time.

use stdx::prng::Prng;

use super::{Settings, settings_of_tests};
use crate::{
    Born, FailoverRequest, Input, LinkId, Loaded, Machine, Output, PeerId, Primary, SnapshotId,
    Span, View, WaitKind,
};

const LINES: &[&[u8]] = &[
    b"+PONG\r\n",
    b"+OK\r\n+OK\r\n+OK\r\n",
    b"+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 100\r\n",
    b"+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 9223372036854775807\r\n",
    b"+CONTINUE\r\n",
    b"+CONTINUE cccccccccccccccccccccccccccccccccccccccc\r\n",
    b"$EOF:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    b"$9223372036854775807\r\n",
    b"+OCHRE-LOG\r\n",
    b"s\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0abc",
    b"l\x03\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0abc",
    b"e\0\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0",
    b"$0\r\n",
    b"$3\r\nabc",
    b"-ERR no\r\n",
    b"-LOADING\r\n",
    b"\n",
    b"\r\n",
    b"*1\r\n$4\r\nPING\r\n",
];

const WORDS: &[&[u8]] = &[
    b"listening-port",
    b"capa",
    b"eof",
    b"psync2",
    b"ochre-log",
    b"ack",
    b"fack",
    b"ip-address",
    b"rdb-only",
    b"rdb-filter-only",
    b"functions",
    b"failover",
    b"?",
    b"-1",
    b"0",
    b"1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    b"\xff\r\n",
    b"",
];

fn primary_bytes(prng: &mut Prng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + prng.below(4) {
        bytes.extend_from_slice(LINES[prng.below(LINES.len() as u64) as usize]);
    }
    if prng.below(4) == 0 && !bytes.is_empty() {
        let at = prng.below(bytes.len() as u64) as usize;
        bytes[at] = prng.next_u64() as u8;
    }
    bytes
}

/// One step of any kind. Whatever it is, the machine must take it.
fn step_at_random(
    machine: &mut Machine,
    view: &View,
    prng: &mut Prng,
    link: LinkId,
    out: &mut Vec<Output>,
) {
    let peer = PeerId(prng.below(4));
    let snapshot = SnapshotId(prng.below(4));
    let words = (0..prng.below(6)).map(|_| WORDS[prng.below(WORDS.len() as u64) as usize]);
    let words = &words.collect::<Vec<_>>()[..];
    let bytes = &primary_bytes(prng)[..];
    let (address, owes_replies) = ("nowhere", prng.below(8) == 0);
    let number = match prng.below(3) {
        0 => u64::MAX,
        1 => view.log.end,
        _ => prng.below(1_000),
    };
    let primary = Primary {
        host: "nowhere".to_owned(),
        port: prng.below(3) as u16,
    };
    let input = match prng.below(24) {
        0..4 => Input::FromPrimary { link, bytes },
        4 => Input::Connected { link },
        5 => Input::LinkLost { link, why: "gone" },
        6 => Input::Applied {
            link,
            ack_asked: Some(number),
        },
        7 => Input::Corrupt { link, what: "x" },
        8 => Input::Inspected {
            link,
            is_empty: prng.below(2) == 0,
        },
        9 => Input::Loaded {
            link,
            result: match prng.below(2) {
                0 => Loaded::Whole,
                _ => Loaded::Failed("x"),
            },
        },
        10..13 => Input::Replconf { peer, words },
        13 | 14 => Input::Psync {
            peer,
            words,
            address,
            owes_replies,
        },
        15 => Input::Sync {
            peer,
            address,
            owes_replies,
        },
        16 => Input::Gone { peer },
        17 => Input::Sent {
            peer,
            offset: number,
        },
        18 => Input::SnapshotSent { peer },
        19 => match prng.below(4) {
            0 => Input::SnapshotTaken {
                snapshot,
                offset: view.log.end,
            },
            1 => Input::SnapshotWritten {
                snapshot,
                len: number,
            },
            2 => Input::SnapshotDone { snapshot },
            _ => Input::SnapshotFailed { snapshot },
        },
        20 => Input::Wait {
            client: peer,
            kind: WaitKind::Wait,
            offset: number,
            replicas: prng.below(3) as u32,
            timeout_ms: Some(number),
        },
        21 => Input::ReplicaOf {
            primary: (prng.below(3) > 0).then_some(primary),
            by: "x",
        },
        22 => Input::Failover {
            client: peer,
            request: match prng.below(3) {
                0 => FailoverRequest::Abort,
                _ => FailoverRequest::Begin {
                    target: None,
                    force: false,
                    timeout_ms: Some(number),
                },
            },
        },
        _ => Input::Tick,
    };
    machine.step(view, input, out);
}

#[test]
fn a_machine_takes_anything() {
    for seed in 0..200 {
        let mut prng = Prng::new(seed);
        let mut settings: Settings = settings_of_tests();
        settings.diskless_sync = seed % 2 == 0;
        let mut view = View {
            now_ms: 0,
            log: Span::default(),
            holds_data: false,
        };
        let mut machine = Machine::new(settings, Born::default(), [seed, 1], &view);
        let mut link = LinkId(0);
        for _ in 0..400 {
            view.now_ms += prng.below(2_000);
            view.holds_data = prng.below(2) == 0;
            view.log.end += prng.below(50);
            view.log.start = view.log.end - prng.below(100).min(view.log.end);
            let mut out = Vec::new();
            step_at_random(&mut machine, &view, &mut prng, link, &mut out);
            for output in out {
                match output {
                    Output::Connect { link: next, .. } => link = next,
                    Output::Adopt { offset, .. } => {
                        view.log = Span {
                            start: offset,
                            end: offset,
                        };
                    }
                    _ => {}
                }
            }
            machine.info(&view);
            machine.role_reply(&view);
            assert!(machine.next_deadline() > view.now_ms || machine.link_state().is_some());
        }
    }
}
