//! No primary and no replica makes the machine panic, or the cutter keep more than it was sent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use replication::{
    Born, Cutter, Input, LinkId, Loaded, Machine, Output, PeerId, Primary, Settings, Span, View,
};

/// Parts of the input are set apart by this byte; the first byte of a part says what it is.
const SEPARATOR: u8 = 0xff;

fuzz_target!(|input: &[u8]| {
    let sent = input.len();
    let mut view = View {
        now_ms: 0,
        log: Span::default(),
        holds_data: false,
    };
    let settings = Settings::of(&config::Config::default(), 6379);
    let mut machine = Machine::new(settings, Born::default(), [1, 2], &view);
    let mut cutter = Cutter::default();
    let mut link = LinkId(0);
    for part in input.split(|byte| *byte == SEPARATOR) {
        let Some((kind, bytes)) = part.split_first() else {
            continue;
        };
        view.now_ms += u64::from(*kind) * 10;
        let peer = PeerId(u64::from(kind / 16));
        let words = bytes.split(|byte| *byte == b' ').collect::<Vec<_>>();
        let words = &words[..];
        let (address, owes_replies) = ("peer:1", false);
        let primary = Some(Primary {
            host: "primary".to_owned(),
            port: 1,
        });
        let mut out = Vec::new();
        let input = match kind % 10 {
            0..3 => Input::FromPrimary { link, bytes },
            3 => Input::Replconf { peer, words },
            4 => Input::Psync {
                peer,
                words,
                address,
                owes_replies,
            },
            5 => Input::ReplicaOf { primary, by: "x" },
            6 => Input::Connected { link },
            7 => Input::Inspected {
                link,
                is_empty: false,
            },
            8 => Input::Loaded {
                link,
                result: Loaded::Whole,
            },
            _ => Input::Tick,
        };
        machine.step(&view, input, &mut out);
        for output in out {
            match output {
                Output::Connect { link: next, .. } => {
                    link = next;
                    cutter = Cutter::default();
                }
                Output::Adopt { offset, .. } => {
                    view.log = Span {
                        start: offset,
                        end: offset,
                    };
                }
                Output::Stream { range, .. } => cutter.push(&bytes[range]),
                _ => {}
            }
        }
        while let Ok(Some(unit)) = cutter.next_unit() {
            view.log.end += unit.bytes.len() as u64;
        }
        assert!(cutter.pending() <= sent);
        machine.info(&view);
    }
});
