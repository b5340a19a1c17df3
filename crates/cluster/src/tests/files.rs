//! Files: what real nodes wrote, what operators made of it, and what cannot be read.

use super::world::{World, settings};
use crate::nodes_conf::{Corrupt, NodesConf};
use crate::{Command, Input, Machine, Output, PrimaryLink, View};

/// Of a real Redis 7.0.15, while a primary had failed.
const FAILED: &str = include_str!("fixtures/failed.conf");

/// Of a real Redis 7.0.15, while a slot was moved away.
const MIGRATING: &str = include_str!("fixtures/migrating.conf");

#[test]
fn files_of_real_nodes_are_written_as_they_were_read() {
    for text in [FAILED, MIGRATING] {
        let conf = NodesConf::parse(text.as_bytes()).expect("a real node wrote it");
        assert_eq!(conf.to_string(), text);
    }
}

fn view() -> View {
    View {
        now_ms: 5000,
        wall_ms: 1_795_252_500_000,
        replication_offset: 0,
        primary_link: PrimaryLink::Down { since_ms: None },
        holds_keys: false,
    }
}

fn machine(text: &str) -> Result<Machine, Corrupt> {
    Machine::new(settings(0), Some(text.as_bytes()), [1, 2], &view())
}

/// What of a file does not change with the clock or with who listens where.
fn facts(text: &str) -> Vec<String> {
    let conf = NodesConf::parse(text.as_bytes()).expect("it was read before");
    let mut facts: Vec<String> = Vec::new();
    for mut entry in conf.entries {
        (entry.ping_sent_ms, entry.pong_ms, entry.connected) = (0, 0, true);
        if entry.flags.has(crate::Flags::MYSELF) {
            (entry.port, entry.bus_port) = (0, 0);
        }
        facts.push(entry.to_string());
    }
    facts.push(format!("{} {}", conf.current_epoch, conf.last_vote_epoch));
    facts.sort();
    facts
}

#[test]
fn a_machine_keeps_what_a_real_node_knew() {
    for text in [FAILED, MIGRATING] {
        let machine = machine(text).expect("a real node wrote it");
        assert_eq!(facts(&machine.nodes_conf(&view())), facts(text));
    }
}

/// Whoever forgot over a restart what an owner does not claim any longer would tell others that it
/// is that owner's.
#[test]
fn slots_that_are_not_claimed_any_longer_outlast_a_restart() {
    let mut conf = NodesConf::parse(FAILED.as_bytes()).expect("a real node wrote it");
    let is_anothers = |entry: &&crate::nodes_conf::Entry| {
        !entry.flags.has(crate::Flags::MYSELF) && !entry.slots.is_empty()
    };
    let theirs = conf.entries.iter().find(is_anothers);
    let first = *theirs.expect("somebody has slots").slots[0].start();
    let is_mine = |entry: &&crate::nodes_conf::Entry| entry.flags.has(crate::Flags::MYSELF);
    let mine = conf.entries.iter().find(is_mine);
    conf.released = [first, first + 2, first + 3].into_iter().collect();
    let text = conf.to_string();
    let line = format!(" releasedSlots {first},{}-{}\n", first + 2, first + 3);
    assert!(text.ends_with(&line), "{text}");
    let written = machine(&text).expect("it can be read").nodes_conf(&view());
    let read = NodesConf::parse(written.as_bytes()).expect("the machine wrote it");
    assert_eq!(read.released, conf.released);
    // Of a node's own slots it is not the file that says whether it claims them.
    for slot in mine
        .iter()
        .flat_map(|mine| mine.slots.iter().cloned())
        .flatten()
    {
        conf.released.insert(slot);
    }
    let written = machine(&conf.to_string())
        .expect("it can be read")
        .nodes_conf(&view());
    let again = NodesConf::parse(written.as_bytes()).expect("the machine wrote it");
    assert_eq!(again.released, read.released);
}

/// As an operator leaves it: other addresses, no bus ports, lines in another order, white space.
#[test]
fn files_are_read_after_an_edit_by_hand() {
    let lines: Vec<&str> = MIGRATING.lines().rev().collect();
    let edited = format!("\r\n{}\r\n\n", lines.join(" \r\n\t"))
        .replace("127.0.0.1:21202@32202", "10.0.0.2:6379")
        .replace(" master ", "   master\t");
    let conf = NodesConf::parse(edited.as_bytes()).expect("an operator edited it");
    let moved = conf
        .entries
        .iter()
        .find(|entry| entry.ip == "10.0.0.2")
        .expect("it is there");
    assert_eq!((moved.port, moved.bus_port), (6379, 16379));
    assert_eq!(conf.entries.len(), 6);
    let machine = machine(&edited).expect("an operator edited it");
    let map = machine.map();
    assert_eq!(
        map.owners
            .iter()
            .filter(|&&owner| owner == crate::NOBODY)
            .count(),
        0
    );
    assert_eq!(map.migrating.len(), 1);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let first = FAILED.lines().next().expect("it has lines");
    let cases = [
        ("", "Unrecoverable error: corrupted cluster config file."),
        (
            "vars currentEpoch 1",
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            "vars currentEpoch\n",
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &first[..80],
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &first.replace("myself,slave", "slave"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &first.replace("myself", "mysolf"),
            "Unknown flag in redis cluster config file",
        ),
        (
            &first.replace("127.0.0.1:21200", "127.0.0.1"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &format!("{first} 16384"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &format!("{first} 5-99999"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &format!("{first} [5->-zz]"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &format!("zz{first}"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
        (
            &format!("{first}\n{first}"),
            "Unrecoverable error: corrupted cluster config file.",
        ),
    ];
    for (text, expected) in cases {
        let refused = machine(text).expect_err(text);
        assert_eq!(refused.to_string(), expected, "{text}");
    }
}

#[test]
fn unknown_variables_are_passed_over() {
    let text = FAILED.replace("vars ", "vars futureThing 17 ");
    let mut machine = machine(&text).expect("a later version wrote it");
    let mut out = Vec::new();
    machine.start(&view(), &mut out);
    let says = |line: &str| {
        let is_line =
            |output: &Output| matches!(output, Output::Log { line: said, .. } if said == line);
        out.iter().any(is_line)
    };
    assert!(says(
        "Skipping unknown cluster config variable 'futureThing'"
    ));
    assert!(says(
        "Node configuration loaded, I'm 479a93ba085e2c0d337c20baa99f806b90aca40c"
    ));
}

#[test]
fn keys_of_foreign_slots_are_guests() {
    let mut machine = machine(MIGRATING).expect("a real node wrote it");
    let mut out = Vec::new();
    let slots = [0, 100, 16000];
    machine.step(&view(), Input::Loaded { slots: &slots }, &mut out);
    assert_eq!(machine.map().importing.len(), 1);
    assert!(machine.nodes_conf(&view()).contains("[16000-<-"));
}

/// What depends on the file comes after it, and the whole state is in it.
#[test]
fn a_node_that_starts_again_is_the_same() {
    let mut world = World::new(4, 41, None);
    world.create(2);
    world
        .command(0, Command::BumpEpoch)
        .expect("bumping is free");
    world.run(3000);
    for number in 0..4 {
        let (id, shard) = (world.id(number), world.peers[number].machine.shard());
        let epoch = world.peers[number].machine.current_epoch();
        let vote = world.peers[number].machine.last_vote_epoch();
        world.kill(number);
        world.restart(number);
        assert_eq!(world.id(number), id);
        assert_eq!(world.peers[number].machine.shard(), shard);
        assert_eq!(world.peers[number].machine.current_epoch(), epoch);
        assert_eq!(world.peers[number].machine.last_vote_epoch(), vote);
        world.run_until(20_000, "an ok", World::is_ok);
    }
}
