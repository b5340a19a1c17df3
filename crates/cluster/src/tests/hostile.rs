//! What nobody may say: it changes nothing, and is counted.

use bytes::Bytes;
use stdx::prng::Prng;

use super::six;
use super::world::World;
use crate::bus::{Beat, Body, Gossip, Header, Marks, Packet, decode};
use crate::{Flags, Input, LinkId, NodeId, SlotSet};

/// A link that nobody knows.
const STRANGER: LinkId = LinkId::In(1 << 40);

fn stranger() -> NodeId {
    NodeId::parse(&[b'f'; 40]).expect("forty digits")
}

fn packet(sender: NodeId, epoch: u64, slots: &SlotSet, body: Body<'_>) -> Bytes {
    let header = Header {
        port: 6379,
        plain_port: 0,
        bus_port: 16379,
        current_epoch: epoch,
        config_epoch: epoch,
        offset: 77,
        sender,
        slots: slots.as_bytes(),
        primary: None,
        ip: "10.9.9.9",
        flags: Flags::MYSELF | Flags::PRIMARY,
        is_down: false,
        marks: Marks::default(),
    };
    Packet { header, body }.encode()
}

fn beat<'a>(beat: Beat, gossip: Vec<Gossip<'a>>) -> Body<'a> {
    Body::Heartbeat {
        beat,
        gossip,
        extensions: Vec::new(),
    }
}

fn send(world: &mut World, bytes: &[u8]) {
    let (peer, local) = ("10.9.9.9", "10.0.0.1");
    world.input(
        0,
        Input::Accepted {
            link: STRANGER,
            peer,
            local,
        },
    );
    world.input(
        0,
        Input::Received {
            link: STRANGER,
            bytes,
        },
    );
    world.input(
        0,
        Input::Lost {
            link: STRANGER,
            why: "gone",
        },
    );
}

/// What a node knows, but for clocks and counters.
fn state(world: &World) -> String {
    let machine = &world.peers[0].machine;
    let map = machine.map();
    format!(
        "{} {} {:?} {:?} {:?}",
        machine.current_epoch(),
        machine.last_vote_epoch(),
        map.nodes,
        map.ok,
        map.owners
    )
}

#[test]
fn strangers_change_nothing() {
    let mut world = six(51);
    world.run(2000);
    let all: SlotSet = (0..16384).collect();
    let victim = world.id(1);
    let told = Gossip {
        id: NodeId::parse(&[b'e'; 40]).expect("forty digits"),
        ping_sent_s: 0,
        pong_s: u32::MAX,
        ip: "10.9.9.8",
        port: 1,
        bus_port: 2,
        flags: Flags::PRIMARY,
        plain_port: 0,
    };
    let bodies = || {
        vec![
            beat(Beat::Ping, vec![told]),
            beat(Beat::Pong, vec![told]),
            Body::Fail(victim),
            Body::AskVote,
            Body::Vote,
            Body::StartFailover,
            Body::Module,
            Body::Publish {
                channel: b"c",
                message: b"m",
                sharded: false,
            },
            Body::Update {
                config_epoch: 1 << 40,
                node: victim,
                slots: all.as_bytes(),
            },
        ]
    };
    let before = state(&world);
    let refused = world.peers[0].machine.refused();
    for sender in [stranger(), world.id(0)] {
        for body in bodies() {
            send(&mut world, &packet(sender, 1 << 40, &all, body));
            assert_eq!(state(&world), before);
        }
    }
    assert!(world.peers[0].machine.refused() >= refused + 14);
    assert_eq!(world.peers[0].delivered, [""; 0]);
    let info = world.peers[0].machine.info_text();
    assert!(info.contains("cluster_stats_messages_refused:"), "{info}");
}

/// Whoever wants to be met is only asked who it is; and of many such not many are.
#[test]
fn a_flood_of_meets_ends() {
    let mut world = six(52);
    world.run(2000);
    let before = state(&world);
    let none = SlotSet::default();
    for number in 0..500u16 {
        let body = beat(Beat::Meet, Vec::new());
        let mut bytes = packet(stranger(), 1 << 40, &none, body).to_vec();
        bytes[2248..2250].copy_from_slice(&(20_000 + number).to_be_bytes());
        let (peer, local) = ("10.9.9.9", "127.0.0.1");
        world.input(
            0,
            Input::Accepted {
                link: STRANGER,
                peer,
                local,
            },
        );
        world.input(
            0,
            Input::Received {
                link: STRANGER,
                bytes: &bytes,
            },
        );
        world.input(
            0,
            Input::Lost {
                link: STRANGER,
                why: "gone",
            },
        );
    }
    assert_eq!(state(&world), before);
    let view = world.view(0);
    let text = world.peers[0].machine.nodes_text(&view, false);
    assert_eq!(text.matches("handshake").count(), 64);
    assert!(world.peers[0].machine.refused() >= 400);
}

#[test]
fn known_nodes_cannot_say_what_is_impossible() {
    let mut world = six(53);
    world.run(2000);
    let before = state(&world);
    let none = SlotSet::default();
    let (known, other) = (world.id(1), world.id(2));
    // An epoch that cannot be, news of this node itself, an update of nobody known.
    let body = || beat(Beat::Ping, Vec::new());
    send(&mut world, &packet(known, u64::MAX, &none, body()));
    assert_eq!(state(&world), before);
    let update = Body::Update {
        config_epoch: 1 << 40,
        node: stranger(),
        slots: none.as_bytes(),
    };
    let mut bytes = packet(known, 2, &none, update).to_vec();
    bytes[2128..2168].copy_from_slice(known.as_bytes());
    send(&mut world, &bytes);
    assert_eq!(state(&world), before, "it replicates itself");
    // On a link that is one node's, another speaks.
    let (peer, local) = ("127.0.0.1", "127.0.0.1");
    world.input(
        0,
        Input::Accepted {
            link: STRANGER,
            peer,
            local,
        },
    );
    let first = packet(
        known,
        2,
        &world.peers[0].machine.slots_of(known),
        Body::Module,
    );
    world.input(
        0,
        Input::Received {
            link: STRANGER,
            bytes: &first,
        },
    );
    let refused = world.peers[0].machine.refused();
    let forged = packet(other, 1 << 40, &none, body());
    world.input(
        0,
        Input::Received {
            link: STRANGER,
            bytes: &forged,
        },
    );
    assert_eq!(state(&world), before);
    assert_eq!(world.peers[0].machine.refused(), refused + 1);
}

/// Packets with any bytes changed, on links of strangers and of known nodes: nothing panics.
#[test]
fn changed_packets_do_no_harm() {
    let mut world = six(54);
    world.run(2000);
    let mut prng = Prng::new(54);
    let all: SlotSet = (0..100).collect();
    for round in 0..3000 {
        let sender = match round % 3 {
            0 => stranger(),
            1 => world.id(1),
            _ => world.id(4),
        };
        let told = Gossip {
            id: world.id(prng.below(6) as usize),
            ping_sent_s: prng.next_u64() as u32,
            pong_s: prng.next_u64() as u32,
            ip: "10.9.9.8",
            port: 1,
            bus_port: 2,
            flags: Flags(prng.next_u64() as u16),
            plain_port: 0,
        };
        let body = match prng.below(6) {
            0 => Body::AskVote,
            1 => Body::Vote,
            2 => Body::StartFailover,
            3 => Body::Fail(told.id),
            4 => Body::Update {
                config_epoch: prng.below(50),
                node: told.id,
                slots: all.as_bytes(),
            },
            _ => beat(
                [Beat::Ping, Beat::Pong, Beat::Meet][round % 3],
                vec![told; 3],
            ),
        };
        let mut bytes = packet(sender, prng.below(20), &all, body).to_vec();
        for _ in 0..prng.below(4) {
            let at = 10 + prng.below(bytes.len() as u64 - 10) as usize;
            bytes[at] = prng.next_u64() as u8;
        }
        let is_packet = decode(&bytes).is_ok();
        let refused = world.peers[0].machine.refused();
        send(&mut world, &bytes);
        assert!(is_packet || world.peers[0].machine.refused() > refused);
        if round % 100 == 0 {
            world.run(50);
        }
    }
    world.run(3000);
}
