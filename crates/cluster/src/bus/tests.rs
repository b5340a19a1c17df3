//! Packets of real Redis 7.0.15 nodes, as a relay between them has seen them.

use expect_test::{Expect, expect};
use stdx::prng::Prng;

use super::*;

const CAPTURED: [(&str, &[u8]); 10] = [
    ("ping", include_bytes!("fixtures/ping.bin")),
    ("pong", include_bytes!("fixtures/pong.bin")),
    ("meet", include_bytes!("fixtures/meet.bin")),
    ("fail", include_bytes!("fixtures/fail.bin")),
    ("publish", include_bytes!("fixtures/publish.bin")),
    ("auth-req", include_bytes!("fixtures/auth-req.bin")),
    ("auth-ack", include_bytes!("fixtures/auth-ack.bin")),
    ("update", include_bytes!("fixtures/update.bin")),
    ("mfstart", include_bytes!("fixtures/mfstart.bin")),
    ("publishshard", include_bytes!("fixtures/publishshard.bin")),
];

#[test]
fn captured_packets_are_read_and_written_byte_for_byte() {
    for (name, bytes) in CAPTURED {
        let packet = decode(bytes).expect(name);
        assert_eq!(packet.body.kind().name(), name);
        assert_eq!(&*packet.encode(), bytes, "{name}");
    }
}

#[track_caller]
fn check(name: &str, expected: Expect) {
    let (_, bytes) = CAPTURED
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a name");
    let packet = decode(bytes).expect("captured packets are whole");
    let header = &packet.header;
    let slots: crate::SlotSet = crate::slots::each_slot(header.slots).collect();
    let text = format!(
        "{name} of {:?} port {} bus {}\nepochs {} {} offset {} down {}\n{slots:?} of {:?}\n{:?}\n",
        header.flags,
        header.port,
        header.bus_port,
        header.current_epoch,
        header.config_epoch,
        header.offset,
        header.is_down,
        header.primary,
        header.marks,
    );
    let body = match &packet.body {
        Body::Heartbeat {
            gossip, extensions, ..
        } => {
            let line = |told: &Gossip<'_>| {
                let (id, ip, port, bus_port) = (told.id, told.ip, told.port, told.bus_port);
                let times = (told.ping_sent_s, told.pong_s);
                format!(
                    "{id} {ip}:{port}@{bus_port}\n  {:?} {times:?}\n",
                    told.flags
                )
            };
            let lines = gossip.iter().map(line);
            lines.collect::<String>() + &format!("{extensions:?}\n")
        }
        Body::Update {
            config_epoch, node, ..
        } => format!("{node} has {config_epoch}\n"),
        Body::Publish {
            channel, message, ..
        } => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!("{} to {}\n", text(message), text(channel))
        }
        other => format!("{other:?}\n"),
    };
    expected.assert_eq(&(text + &body));
}

#[test]
fn a_heartbeat_says_what_a_node_is_and_whom_it_knows() {
    check(
        "pong",
        expect![[r#"
            pong of myself,slave port 21204 bus 32204
            epochs 6 2 offset 0 down false
            [5461..=10922] of Some(7d72dc3e71f33471d7876710b92a1075debc6662)
            Marks { paused: false, forced: false, extended: false }
            c955b29f82c942a008b6cecd84ccad4c102bd0f4 127.0.0.1:21202@32202
              master (0, 1795252394)
            479a93ba085e2c0d337c20baa99f806b90aca40c 127.0.0.1:21200@32200
              master (0, 1795252394)
            b5f825887a7d6573658e8c09f41a33df913a2ba7 127.0.0.1:21205@32205
              master (0, 1795252393)
            [HostName("host-4.example.org")]
        "#]],
    );
}

#[test]
fn a_paused_primary_says_so_with_its_vote() {
    check(
        "auth-ack",
        expect![[r#"
            auth-ack of myself,master port 21200 bus 32200
            epochs 7 1 offset 0 down false
            [0..=5460] of None
            Marks { paused: true, forced: false, extended: false }
            Vote
        "#]],
    );
}

#[test]
fn a_forced_election_says_so() {
    check(
        "auth-req",
        expect![[r#"
            auth-req of myself,slave port 21203 bus 32203
            epochs 7 1 offset 0 down false
            [0..=5460] of Some(479a93ba085e2c0d337c20baa99f806b90aca40c)
            Marks { paused: false, forced: true, extended: false }
            AskVote
        "#]],
    );
}

#[test]
fn messages_are_cut_where_their_lengths_say() {
    check(
        "publishshard",
        expect![[r#"
            publishshard of myself,master port 21202 bus 32202
            epochs 6 3 offset 0 down false
            [10923..=16383] of None
            Marks { paused: false, forced: false, extended: false }
            hello to shardch{a}
        "#]],
    );
}

#[test]
fn an_update_names_somebody_else() {
    check(
        "update",
        expect![[r#"
            update of myself,master port 21204 bus 32204
            epochs 10 8 offset 14 down false
            [5461..=10922] of None
            Marks { paused: false, forced: false, extended: false }
            e82e984bab94918776d35dde7bb22a5b3f1a9f41 has 10
        "#]],
    );
}

#[test]
fn extensions_are_read_as_they_are_written() {
    let mut packet = decode(CAPTURED[1].1).expect("captured packets are whole");
    let node = packet.header.sender;
    packet.header.marks.extended = true;
    let Body::Heartbeat { extensions, .. } = &mut packet.body else {
        panic!("a pong is a heartbeat");
    };
    extensions.extend([
        Extension::HostName(""),
        Extension::HostName("seven77"),
        Extension::HostName("eight888"),
        Extension::Forgotten {
            id: node,
            ttl_s: 60,
        },
        Extension::Shard(node),
        Extension::Unknown(77),
    ]);
    let bytes = packet.encode();
    assert_eq!(bytes.len() % 8, 0);
    assert_eq!(decode(&bytes), Ok(packet.clone()));
}

/// Whatever a byte is changed to, the bytes are a packet or they are not; none of them panics.
#[test]
fn changed_packets_are_read_or_refused() {
    let mut prng = Prng::new(66);
    let mut refused = 0;
    for (name, bytes) in CAPTURED {
        for _ in 0..3000 {
            let mut hostile = bytes.to_vec();
            for _ in 0..=prng.below(3) {
                let len = hostile.len() as u64;
                // The slots are large, and any bits are slots.
                let at = match prng.below(3) {
                    0 => prng.below(80),
                    1 => 2128 + prng.below(len - 2128),
                    _ => prng.below(len),
                };
                hostile[at as usize] =
                    [0, 1, 0x7f, 0x80, 0xff, prng.next_u64() as u8][prng.below(6) as usize];
            }
            match prng.below(4) {
                0 => hostile.truncate(prng.below(hostile.len() as u64) as usize),
                1 => hostile.extend([0; 7]),
                _ => {}
            }
            match decode(&hostile) {
                Ok(packet) => assert_eq!(decode(&packet.encode()).as_ref(), Ok(&packet), "{name}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 10_000, "only {refused} refused");
}

#[test]
fn what_is_hostile_is_refused() {
    let ping = CAPTURED[0].1;
    let refused = |at: usize, with: &[u8], what: &str| {
        let mut hostile = ping.to_vec();
        hostile[at..at + with.len()].copy_from_slice(with);
        let malformed = decode(&hostile).expect_err(what);
        assert_eq!(malformed.what, what);
    };
    refused(0, b"RCmc", "signature");
    refused(4, &0u32.to_be_bytes(), "length");
    refused(4, &15u32.to_be_bytes(), "length");
    refused(4, &u32::MAX.to_be_bytes(), "length");
    refused(8, &2u16.to_be_bytes(), "version");
    refused(12, &11u16.to_be_bytes(), "type");
    refused(14, &u16::MAX.to_be_bytes(), "count");
    refused(14, &0u16.to_be_bytes(), "surplus");
    refused(40, b"\0", "name");
    refused(2128, b"zz", "primary");
    refused(2168, b"<script>", "address");
    refused(2168, &[b'1'; 46], "address");
    // The host name of the pong: its length, and what is in it.
    let pong = CAPTURED[1].1;
    let refused = |at: usize, with: &[u8], what: &str| {
        let at = pong.len() - 32 + at;
        let mut hostile = pong.to_vec();
        hostile[at..at + with.len()].copy_from_slice(with);
        let malformed = decode(&hostile).expect_err(what);
        assert_eq!(malformed.what, what);
    };
    refused(0, &0u32.to_be_bytes(), "extension length");
    refused(0, &31u32.to_be_bytes(), "extension length");
    refused(0, &40u32.to_be_bytes(), "end");
    refused(0, &24u32.to_be_bytes(), "extension");
    refused(8, b"a b", "extension");
    refused(8, &[b'a'; 24], "extension");
}

/// Packets are found however their bytes are cut, and nothing else is.
#[test]
fn frames_are_cut_where_packets_end() {
    let stream: Vec<u8> = CAPTURED
        .iter()
        .flat_map(|(_, bytes)| bytes.to_vec())
        .collect();
    let mut prng = Prng::new(1);
    for round in 0..200 {
        let (mut frames, mut found, mut rest) = (Frames::default(), Vec::new(), &*stream);
        while !rest.is_empty() {
            let most = if round == 0 { 1 } else { 1 + prng.below(5000) };
            let (piece, behind) = rest.split_at(rest.len().min(most as usize));
            rest = behind;
            let fed = frames.feed(piece, false, |packet| {
                found.push(packet.to_vec());
                Next::Go { is_known: false }
            });
            fed.expect("the stream is whole");
        }
        let expected: Vec<_> = CAPTURED.iter().map(|(_, bytes)| bytes.to_vec()).collect();
        assert!(found == expected, "round {round}");
    }
}

#[test]
fn links_that_bring_no_packets_end() {
    let ended = |bytes: &[u8], known: bool| {
        let go = |_: &[u8]| Next::Go { is_known: known };
        Frames::default().feed(bytes, known, go).is_err()
    };
    assert!(ended(b"GET / HTTP/1.1\r\n", false));
    assert!(ended(b"RX", false));
    assert!(!ended(b"RC", false));
    assert!(ended(b"RCmb\0\0\0\x10", false));
    assert!(ended(b"RCmb\xff\xff\xff\xff", true));
    // A message of 16 megabytes is a known node's right, and no stranger's.
    assert!(ended(b"RCmb\x01\0\0\0", false));
    assert!(!ended(b"RCmb\x01\0\0\0", true));
}
