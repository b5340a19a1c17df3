//! What operators ask for, and what they are told.

use super::six;
use super::world::{TIMEOUT_MS, World};
use crate::migration::DOUBT_MS;
use crate::{Answer, Command, Health, NodeId, Output, SlotSet, SlotState};

/// Asks a node for something, and looks at the error.
#[track_caller]
fn refused(world: &mut World, number: usize, command: Command<'_>, expected: &str) {
    let refused = world.command(number, command).expect_err(expected);
    assert_eq!(refused.0, format!("ERR {expected}"));
}

#[test]
fn slots_are_refused_in_the_words_of_redis() {
    let world = &mut six(21);
    let (other, replica) = (world.id(1), world.id(3));
    let (other, replica, nobody) = (other.as_bytes(), replica.as_bytes(), b"zz".as_slice());
    let slot = |slot, state, keys| Command::SetSlot { slot, state, keys };
    let stable = slot(6, SlotState::Stable, 0);
    refused(world, 3, stable, "Please use SETSLOT only with masters.");
    let foreign = slot(9999, SlotState::Migrating(nobody), 0);
    refused(world, 0, foreign, "I'm not the owner of hash slot 9999");
    let unknown = slot(6, SlotState::Migrating(nobody), 0);
    refused(world, 0, unknown, "I don't know about node zz");
    let to_replica = slot(6, SlotState::Migrating(replica), 0);
    refused(world, 0, to_replica, "Target node is not a master");
    let own = slot(6, SlotState::Importing(other), 0);
    refused(world, 0, own, "I'm already the owner of hash slot 6");
    let unknown = slot(6, SlotState::Node(nobody), 0);
    refused(world, 0, unknown, "Unknown node zz");
    let to_replica = slot(6, SlotState::Node(replica), 0);
    refused(world, 0, to_replica, "Target node is not a master");
    let full = slot(6, SlotState::Node(other), 3);
    let why = "Can't assign hashslot 6 to a different node while I still hold keys for this hash \
               slot.";
    refused(world, 0, full, why);
    let busy = Command::AddSlots(&[7..=7]);
    refused(world, 0, busy, "Slot 7 is already busy");
    let twice = Command::DelSlots(&[7..=7, 7..=7]);
    refused(world, 0, twice, "Slot 7 specified multiple times");
}

#[test]
fn nodes_are_refused_in_the_words_of_redis() {
    let world = &mut six(21);
    let (mine, other, replica) = (world.id(0), world.id(1), world.id(3));
    let (mine, other, replica) = (mine.as_bytes(), other.as_bytes(), replica.as_bytes());
    refused(world, 0, Command::Replicate(b"zz"), "Unknown node zz");
    refused(world, 0, Command::Replicate(mine), "Can't replicate myself");
    let why = "I can only replicate a master, not a replica.";
    refused(world, 0, Command::Replicate(replica), why);
    let why = "To set a master the node must be empty and without assigned slots.";
    refused(world, 0, Command::Replicate(other), why);
    let why = "I tried hard but I can't forget myself...";
    refused(world, 0, Command::Forget(mine), why);
    refused(world, 3, Command::Forget(mine), "Can't forget my master!");
    let why = "You should send CLUSTER FAILOVER to a replica";
    let force = Command::Failover(crate::Failover::Force);
    refused(world, 0, force, why);
    let why = "The user can assign a config epoch only when the node does not know any other node.";
    refused(world, 0, Command::SetConfigEpoch(9), why);
    for (ip, port) in [("1.2.3", 44), ("1.2.3.4", 0)] {
        let bus_port = port;
        let meet = Command::Meet { ip, port, bus_port };
        let why = format!("Invalid node address specified: {ip}:{port}");
        refused(world, 0, meet, &why);
    }
}

#[test]
fn a_slot_moves_and_everybody_learns_it() {
    let mut world = six(22);
    let (from, to) = (world.id(0), world.id(1));
    let set = |state, keys| Command::SetSlot {
        slot: 100,
        state,
        keys,
    };
    world
        .command(1, set(SlotState::Importing(from.as_bytes()), 0))
        .expect("it is not its");
    world
        .command(0, set(SlotState::Migrating(to.as_bytes()), 5))
        .expect("it is its");
    let map = &world.peers[0].map;
    assert_eq!(map.nodes[usize::from(map.migrating[0].1)].id, to);
    assert!(world.peers[1].file.contains(&format!("[100-<-{from}]")));
    assert!(world.peers[0].file.contains(&format!("[100->-{to}]")));
    world
        .command(1, set(SlotState::Node(to.as_bytes()), 5))
        .expect("it imports");
    world
        .command(0, set(SlotState::Node(to.as_bytes()), 0))
        .expect("it has no keys");
    assert!(world.logged(1, "configEpoch updated after importing slot 100"));
    world.run_until(3000, "the news", |world| {
        world.agree() && world.owner(5, 100) == Some(to)
    });
    assert!(world.peers[0].map.migrating.is_empty() && world.peers[1].map.importing.is_empty());
    assert!(world.serves(1, 100) && !world.serves(0, 100));
}

/// All of it is in the file before the answer. Only the new owner's epoch is worth a sync.
#[test]
fn resharding_does_not_wait_for_the_disk() {
    let mut world = six(22);
    let (from, to) = (world.id(0), world.id(1));
    let [source, target, other] = [0, 1, 2];
    for (number, slot, state, syncs) in [
        (target, 100, SlotState::Importing(from.as_bytes()), false),
        (source, 100, SlotState::Migrating(to.as_bytes()), false),
        (target, 100, SlotState::Node(to.as_bytes()), true),
        (source, 100, SlotState::Node(to.as_bytes()), false),
        (other, 100, SlotState::Node(to.as_bytes()), false),
        // It has the greatest epoch by now.
        (target, 101, SlotState::Importing(from.as_bytes()), false),
        (target, 101, SlotState::Node(to.as_bytes()), false),
    ] {
        let view = world.view(number);
        let (mut out, keys) = (Vec::new(), 0);
        let command = Command::SetSlot { slot, state, keys };
        let peer = &mut world.peers[number];
        peer.machine
            .command(&view, command, &mut out)
            .expect("it is in order");
        assert_eq!(out[0], Output::Save { sync: syncs }, "{number} {slot}");
    }
}

/// Whoever hears of slots that change hands one by one syncs them together, with a tick.
#[test]
fn claims_that_follow_each_other_are_synced_together() {
    let mut world = six(32);
    let mut before = 0;
    for slot in 100..150 {
        let slots: SlotSet = std::iter::once(slot).collect();
        let beyond = world.peers[0].machine.config_epoch();
        let take = Command::TakeSlots {
            slots: &slots,
            beyond,
        };
        world.command(1, take).expect("it serves");
        world.run(10);
        assert_eq!(world.owner(2, slot), Some(world.id(1)));
        if slot == 100 {
            // The new epoch is synced at once.
            before = world.peers[2].syncs;
        }
    }
    world.run(100);
    let syncs = world.peers[2].syncs - before;
    assert!((4..=7).contains(&syncs), "{syncs}");
}

/// Who imports a slot goes on serving, and imports it from whoever has replaced its source.
#[test]
fn an_importer_believes_who_replaces_the_source() {
    let mut world = six(31);
    let (from, heir) = (world.id(0), world.id(3));
    let importing = Command::SetSlot {
        slot: 100,
        state: SlotState::Importing(from.as_bytes()),
        keys: 0,
    };
    world.command(1, importing).expect("it is not its");
    let force = Command::Failover(crate::Failover::Force);
    world.command(3, force).expect("it is a replica");
    world.run_until(5000, "the heir's news", |world| {
        world.owner(2, 100) == Some(heir) && world.owner(1, 100) == Some(heir)
    });
    assert!(world.peers[1].file.contains(&format!("[100-<-{heir}]")));
    assert!(world.peers[1].map.ok);
}

#[test]
fn many_slots_move_at_once() {
    let mut world = six(23);
    let slots: SlotSet = (0..2000).collect();
    world
        .command(
            1,
            Command::TakeSlots {
                slots: &slots,
                beyond: 0,
            },
        )
        .expect("it is a primary");
    world.run_until(3000, "the news", World::agree);
    assert_eq!(world.owner(4, 1999), Some(world.id(1)));
    assert_eq!(world.owner(4, 2000), Some(world.id(0)));
    assert_eq!(
        world.peers[0].deleted, 2000,
        "who lost them deletes their keys"
    );
}

#[test]
fn what_is_given_is_believed_before_the_news() {
    let mut world = six(25);
    let slots: SlotSet = (0..2000).collect();
    let to = world.id(1);
    world
        .command(
            1,
            Command::TakeSlots {
                slots: &slots,
                beyond: 0,
            },
        )
        .expect("it is a primary");
    let slots = &slots;
    world
        .command(0, Command::GiveSlots { slots, to })
        .expect("the other is known");
    assert_eq!(world.owner(0, 1999), Some(to));
    assert_eq!(world.peers[0].deleted, 2000);
    world.run_until(3000, "the news", World::agree);
    assert_eq!(world.owner(4, 1999), Some(to));
    assert_eq!(world.peers[0].deleted, 2000, "once");
}

#[test]
fn who_reclaims_gets_back_what_was_taken_unheard() {
    let mut world = six(26);
    let slots: SlotSet = (0..2000).collect();
    let take = Command::TakeSlots {
        slots: &slots,
        beyond: 0,
    };
    world.isolate(&[1]);
    world.command(1, take).expect("it serves yet");
    reclaim(&mut world, &slots);
    world.heal();
    let mine = world.id(0);
    world.run_until(5000, "the news", World::agree);
    assert_eq!(world.owner(4, 1999), Some(mine));
    assert_eq!(world.peers[0].deleted, 0);
}

#[test]
fn what_cannot_be_written_down_is_not_taken() {
    let mut world = six(27);
    let slots: SlotSet = (0..2000).collect();
    let (slots, beyond) = (&slots, 0);
    world.peers[1].disk_fails = true;
    let _ = world.command(1, Command::TakeSlots { slots, beyond });
    let theirs = Some(world.id(0));
    assert_eq!(world.owner(1, 100), theirs);
    let again = world.command(1, Command::TakeSlots { slots, beyond });
    assert!(again.is_err(), "it is known that the disk fails");
    world.peers[1].disk_fails = false;
    world.run(3000);
    assert_eq!(world.owner(1, 100), theirs);
    assert_eq!(world.owner(4, 100), theirs);
    assert_eq!(world.peers[0].deleted, 0);
}

/// The target and the replica would both have them.
#[test]
fn no_slots_are_handed_over_while_a_replica_takes_over() {
    let mut world = six(34);
    let failover = Command::Failover(crate::Failover::Agreed);
    world.command(3, failover).expect("it is a replica");
    world.run_until(1000, "the request", |world| {
        world.logged(0, "Manual failover requested by replica")
    });
    let slots: SlotSet = (0..2000).collect();
    let refused = world.command(0, Command::HandOver(&slots));
    assert!(refused.is_err(), "a replica has what was written");
    world.run_until(5000, "the replica", |world| world.serves(3, 100));
}

/// Nor is a slot that was moved key by key: it goes on being imported.
#[test]
fn a_slot_whose_move_cannot_be_written_down_stays_where_it_was() {
    let mut world = six(33);
    let (from, to) = (world.id(0), world.id(1));
    let set = |state| Command::SetSlot {
        slot: 100,
        state,
        keys: 1,
    };
    let importing = set(SlotState::Importing(from.as_bytes()));
    world.command(1, importing).expect("it is not its");
    world.peers[1].disk_fails = true;
    let _ = world.command(1, set(SlotState::Node(to.as_bytes())));
    assert_eq!(world.owner(1, 100), Some(from));
    let again = world.command(1, set(SlotState::Node(to.as_bytes())));
    assert!(again.is_err(), "it is known that the disk fails");
    world.peers[1].disk_fails = false;
    world.run(3000);
    assert!(world.peers[1].file.contains(&format!("[100-<-{from}]")));
    world
        .command(1, set(SlotState::Node(to.as_bytes())))
        .expect("it imports");
    world.run_until(3000, "the news", |world| world.owner(5, 100) == Some(to));
}

#[test]
fn no_epoch_is_taken_while_slots_are_handed_over() {
    let mut world = six(28);
    let given: SlotSet = (0..2000).collect();
    let others: SlotSet = (2000..3000).collect();
    let taken: SlotSet = (6000..7000).collect();
    for slots in [&given, &others] {
        let order = Command::HandOver(slots);
        world.command(0, order).expect("it is obeyed");
    }
    let epoch = world.peers[0].machine.config_epoch();
    let (slots, beyond) = (&taken, 0);
    for order in [
        Command::BumpEpoch,
        Command::TakeSlots { slots, beyond },
        Command::Reclaim(&given),
    ] {
        let refused = world
            .command(0, order)
            .expect_err("the others are not settled");
        assert!(refused.0.starts_with("TRYAGAIN "), "{refused:?}");
    }
    assert_eq!(world.peers[0].machine.config_epoch(), epoch);
    // Whoever takes them is behind what the source has ever said of them.
    let (slots, beyond) = (&others, epoch + 40);
    let take = Command::TakeSlots { slots, beyond };
    world.command(1, take).expect("it is a primary");
    assert!(world.peers[1].machine.config_epoch() > epoch + 40);
    let to = world.id(1);
    let give = Command::GiveSlots { slots, to };
    world.command(0, give).expect("the other is known");
    reclaim(&mut world, &given);
    assert!(!world.peers[0].machine.is_handing_over());
}

/// A source that claims slots again may be cut off right then. Its heir is elected for an epoch
/// that it does not know, and has the slots when it is back.
#[test]
fn who_is_cut_off_while_it_reclaims_believes_its_heir() {
    for is_restarted in [false, true] {
        let mut world = six(33);
        world.run(3000);
        let slots: SlotSet = (0..2000).collect();
        let order = Command::HandOver(&slots);
        world.command(0, order).expect("it is obeyed");
        let refused = world.command(0, Command::Reclaim(&slots));
        let refused = refused.expect_err("nobody has heard of the epoch");
        assert!(refused.0.starts_with("TRYAGAIN "), "{refused:?}");
        world.isolate(&[0]);
        world.run_until(20_000, "the heir", |world| world.serves(3, 100));
        if is_restarted {
            world.kill(0);
            world.restart(0);
        }
        world.heal();
        world.run_until(20_000, "peace", World::is_ok);
        assert_eq!(world.owner(0, 100), Some(world.id(3)));
        assert!(world.serves(3, 100));
    }
}

/// Whoever was cut off reserves another epoch: an heir may have been elected for a later one.
#[test]
fn a_reservation_does_not_outlast_being_cut_off() {
    let mut world = six(34);
    world.run(3000);
    let slots: SlotSet = (0..100).collect();
    let order = Command::HandOver(&slots);
    world.command(0, order).expect("it is obeyed");
    let refused = world.command(0, Command::Reclaim(&slots));
    refused.expect_err("nobody has heard of the epoch");
    let reserved = world.peers[0].machine.current_epoch();
    // Nobody can be elected in its place.
    world.kill(3);
    world.isolate(&[0]);
    world.run(3 * TIMEOUT_MS);
    world.heal();
    world.run_until(20_000, "its return", |world| world.serves(0, 3000));
    reclaim(&mut world, &slots);
    assert!(world.peers[0].machine.config_epoch() > reserved);
}

/// Has the first node claim slots again, when most nodes have heard that it is about to.
fn reclaim(world: &mut World, slots: &SlotSet) {
    let end_ms = world.now_ms + 3000;
    while let Err(refused) = world.command(0, Command::Reclaim(slots)) {
        assert!(refused.0.starts_with("TRYAGAIN "), "{refused:?}");
        assert!(world.now_ms < end_ms, "{refused:?}");
        world.run(10);
    }
}

/// Whoever is started again in a hand-over serves nothing until somebody has claimed the slots, or
/// until it can claim them so that whoever took them unheard is refused.
#[test]
fn a_hand_over_outlasts_a_restart() {
    let mut world = six(29);
    let slots: SlotSet = (0..2000).collect();
    for is_taken in [false, true] {
        let order = Command::HandOver(&slots);
        world.command(0, order).expect("it is obeyed");
        let beyond = world.peers[0].machine.config_epoch();
        world.kill(0);
        world.restart(0);
        assert!(world.peers[0].machine.is_handing_over());
        if is_taken {
            let take = Command::TakeSlots {
                slots: &slots,
                beyond,
            };
            world.command(1, take).expect("it serves");
        }
        let waited_ms = world.run_until(20_000, "its return", |world| world.serves(0, 3000));
        assert_eq!(waited_ms < DOUBT_MS, is_taken, "{waited_ms}");
        assert!(!world.peers[0].machine.is_handing_over());
        assert_eq!(world.serves(1, 100), is_taken);
        assert_eq!(world.serves(0, 100), !is_taken);
        let epoch = world.peers[0].machine.config_epoch();
        assert_eq!(epoch > beyond, !is_taken);
    }
}

/// A node that takes slots twice has the same epoch all the while. What it said in between may
/// arrive last.
#[test]
fn what_was_said_before_slots_came_is_no_word_about_them() {
    let mut world = six(30);
    let [first, second]: [SlotSet; 2] = [(0..100).collect(), (100..200).collect()];
    let take = |slots| Command::TakeSlots { slots, beyond: 0 };
    world.command(1, take(&first)).expect("it serves");
    world.run(3000);
    let epoch = world.peers[1].machine.config_epoch();
    world.unanswered = Some((1, 2));
    world.run(1200);
    world.command(1, take(&second)).expect("it serves");
    assert_eq!(world.peers[1].machine.config_epoch(), epoch);
    let owner = Some(world.id(1));
    world.run_until(100, "the news", |world| world.owner(2, 150) == owner);
    world.unanswered = None;
    let releases = |world: &World| world.peers[2].file.contains("releasedSlots");
    for _ in 0..3000 {
        world.run(1);
        assert!(!releases(&world), "{}", world.peers[2].file);
    }
    // What it says afterwards counts.
    let range = [150..=150];
    let delete = Command::DelSlots(&range);
    world.command(1, delete).expect("it is its own");
    world.run_until(3000, "the news", releases);
}

/// Who was elected for the epoch that its primary had chosen alone is believed, also when it has
/// taken slots since.
#[test]
fn two_with_one_epoch_do_not_yield_to_each_other() {
    let mut world = six(31);
    world.run(3000);
    let [unheard, heard]: [SlotSet; 2] = [(0..100).collect(), (12_000..12_100).collect()];
    let take = |slots| Command::TakeSlots { slots, beyond: 0 };
    world.isolate(&[1]);
    world.command(1, take(&unheard)).expect("it serves yet");
    world.run_until(20_000, "the heir", |world| world.serves(4, 6000));
    world.command(4, take(&heard)).expect("it serves");
    let epochs = [1, 4].map(|number| world.peers[number].machine.config_epoch());
    assert_eq!(epochs[0], epochs[1]);
    world.heal();
    world.run_until(20_000, "peace", World::is_ok);
    for slot in [6000, 12_050] {
        assert_eq!(world.owner(0, slot), Some(world.id(4)));
    }
    assert_eq!(world.owner(0, 50), Some(world.id(1)));
}

/// Whoever was away may have been replaced. With another epoch it would have all its slots back, and
/// what was written since would be lost.
#[test]
fn who_was_away_takes_no_other_epoch_before_it_has_heard_of_its_heir() {
    let mut world = six(32);
    world.run(3000);
    // The one with the smaller name is to take another epoch.
    let (away, other) = match world.id(1) < world.id(2) {
        true => (1, 2),
        false => (2, 1),
    };
    let (heir, slot) = (away + 3, away as u16 * 5461 + 100);
    world.isolate(&[away]);
    for number in [away, other] {
        let bumped = world.command(number, Command::BumpEpoch);
        assert_eq!(bumped, Ok(Answer::Bumped(7)));
    }
    world.run_until(20_000, "the heir", |world| world.serves(heir, slot));
    // It hears the one with its own epoch first.
    world.heal();
    for number in (0..6).filter(|number| ![away, other].contains(number)) {
        world.cut.extend([(away, number), (number, away)]);
    }
    world.run(1000);
    assert_eq!(world.peers[away].machine.config_epoch(), 7);
    world.heal();
    world.run_until(20_000, "peace", World::is_ok);
    assert_eq!(world.owner(0, slot), Some(world.id(heir)));
}

#[test]
fn who_loses_its_last_slot_follows_who_got_it() {
    let mut world = six(24);
    let slots: SlotSet = (0..5461).collect();
    world
        .command(
            1,
            Command::TakeSlots {
                slots: &slots,
                beyond: 0,
            },
        )
        .expect("it is a primary");
    world.run_until(5000, "the followers", |world| {
        world.peers[0].following == Some(1) && world.peers[3].following == Some(1)
    });
    assert!(world.logged(
        0,
        "Configuration change detected. Reconfiguring myself as a replica"
    ));
}

#[test]
fn two_with_one_epoch_settle_it() {
    let mut world = World::new(3, 25, None);
    for number in 0..3 {
        let first = number as u16 * 5000;
        let range = [first..=first + 4999];
        world
            .command(number, Command::AddSlots(&range))
            .expect("slots are free");
        world
            .command(number, Command::SetConfigEpoch(7))
            .expect("it is alone");
    }
    world.meet(0, 1);
    world.meet(0, 2);
    world.run(8000);
    let mut epochs: Vec<String> = (0..3).map(|number| epoch_of(&world, number)).collect();
    epochs.sort();
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "{}", world.picture());
}

fn epoch_of(world: &World, number: usize) -> String {
    let info = world.peers[number].machine.info_text();
    let row = info
        .lines()
        .find(|line| line.starts_with("cluster_my_epoch"));
    row.expect("every INFO has it").to_owned()
}

#[test]
fn an_epoch_is_bumped_only_if_another_is_as_great() {
    let mut world = six(26);
    assert_eq!(world.command(0, Command::BumpEpoch), Ok(Answer::Bumped(7)));
    assert_eq!(world.command(0, Command::BumpEpoch), Ok(Answer::Still(7)));
}

#[test]
fn who_is_forgotten_stays_away_for_a_minute() {
    let mut world = six(27);
    let gone = world.id(5);
    // Everybody else is told, or has heard it from those who were.
    for number in 0..5 {
        world
            .command(number, Command::Forget(gone.as_bytes()))
            .expect("it is known");
    }
    let knows = |world: &World, number: usize| {
        world.peers[number]
            .map
            .nodes
            .iter()
            .any(|node| node.id == gone)
    };
    for _ in 0..55 {
        world.run(1000);
        assert!(
            (0..5).all(|number| !knows(&world, number)),
            "{}",
            world.picture()
        );
    }
    world.run(20_000);
    assert!(
        (0..5).all(|number| !knows(&world, number)),
        "nobody speaks of it any more"
    );
    world.meet(0, 5);
    world.run_until(20_000, "its return", |world| {
        (0..5).all(|number| knows(world, number))
    });
}

#[test]
fn a_reset_leaves_a_node_alone() {
    let mut world = six(28);
    let before = world.id(5);
    world
        .command(5, Command::Reset { hard: false })
        .expect("it is a replica");
    assert_eq!(world.id(5), before);
    assert_eq!(world.peers[5].map.nodes.len(), 1);
    assert_eq!(world.peers[5].machine.current_epoch(), 6);
    assert_eq!(world.peers[5].following, None);
    let mut world = six(28);
    world
        .command(5, Command::Reset { hard: true })
        .expect("it is a replica");
    assert_ne!(world.id(5), before);
    assert_eq!(world.peers[5].machine.current_epoch(), 0);
}

#[test]
fn reports_are_redis_ones() {
    let mut world = six(29);
    world.run(2000);
    world.peers[0].offset = 50;
    world.run(3000);
    let machine = &world.peers[0].machine;
    let info = machine.info_text();
    let start = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n\
                 cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:6\r\n\
                 cluster_size:3\r\ncluster_current_epoch:6\r\ncluster_my_epoch:1\r\n\
                 cluster_stats_messages_ping_sent:";
    assert!(info.starts_with(start), "{info}");
    assert!(
        info.ends_with("total_cluster_links_buffer_limit_exceeded:0\r\n"),
        "{info}"
    );
    let view = world.view(0);
    let rows = machine.slots_rows(&view, false);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (rows[0].first, rows[0].last, rows[0].nodes.len()),
        (0, 5460, 2)
    );
    // The other replicas have nothing yet.
    assert_eq!((rows[1].nodes.len(), rows[2].nodes.len()), (1, 1));
    assert_eq!(rows[0].nodes[0].id, world.id(0));
    assert_eq!(rows[0].nodes[0].endpoint.as_deref(), Some("127.0.0.1"));
    let shards = machine.shard_rows(&view);
    assert_eq!(shards.len(), 3);
    let own = shards
        .iter()
        .find(|row| row.slots == [(0, 5460)])
        .expect("slots have a shard");
    assert!(
        own.nodes.iter().all(|node| node.health == Health::Online),
        "{own:?}"
    );
    assert_eq!(own.nodes[1].replication_offset, 50);
    assert_eq!(machine.link_rows(&view).len(), 10);
    let lines = machine.replica_lines(&view, world.id(1).as_bytes(), false);
    assert_eq!(lines.expect("it is a primary").len(), 1);
    let lines = machine.replica_lines(&view, world.id(4).as_bytes(), false);
    assert_eq!(
        lines.expect_err("a replica").0,
        "ERR The specified node is not a master"
    );
    let count = machine.count_failure_reports(&view, world.id(4).as_bytes());
    assert_eq!(count, Ok(0));
    let text = machine.nodes_text(&view, false);
    let mine = format!("{} 127.0.0.1:7000@17000 myself,master - 0 ", world.id(0));
    assert!(text.contains(&mine), "{text}");
    let shard: Vec<NodeId> = [0, 3]
        .map(|number| world.peers[number].machine.shard())
        .to_vec();
    assert_eq!(shard[0], shard[1]);
}

#[test]
fn messages_reach_all_and_shard_messages_the_shard() {
    let mut world = six(30);
    let publish = |sharded| crate::Input::Publish {
        channel: b"news",
        message: if sharded { b"shard" } else { b"all" },
        sharded,
    };
    world.input(0, publish(false));
    world.input(0, publish(true));
    world.run(100);
    let delivered: Vec<&[String]> = world.peers.iter().map(|peer| &*peer.delivered).collect();
    assert_eq!(delivered[0], [""; 0]);
    assert_eq!(delivered[1], ["all"]);
    assert_eq!(delivered[3], ["all", "shard"]);
    assert_eq!(delivered[4], ["all"]);
}

#[test]
fn a_host_name_gets_around() {
    let mut world = six(31);
    let mut settings = world.peers[2].machine.settings().clone();
    settings.announce_hostname = "two.example.org".to_owned();
    world.input(2, crate::Input::Configured(settings));
    world.run(4000);
    for number in 0..6 {
        let view = world.view(number);
        let text = world.peers[number].machine.nodes_text(&view, false);
        assert!(
            text.contains("127.0.0.1:7002@17002,two.example.org"),
            "{text}"
        );
    }
}

/// A source that nobody hears claims nothing again, for others may serve by the target's word; and
/// it hears of that from any of them, also if the target's epoch was the greatest before.
#[test]
fn a_source_that_was_cut_off_hears_that_its_slots_were_taken() {
    let mut world = six(30);
    let slots: SlotSet = (0..2000).collect();
    world.command(1, Command::BumpEpoch).expect("it is obeyed");
    world.run(3000);
    let order = Command::HandOver(&slots);
    world.command(0, order).expect("it is obeyed");
    let beyond = world.peers[0].machine.config_epoch();
    let epoch = world.peers[1].machine.config_epoch();
    assert!(epoch > beyond);
    world.isolate(&[0]);
    let take = Command::TakeSlots {
        slots: &slots,
        beyond,
    };
    world.command(1, take).expect("it serves");
    assert_eq!(world.peers[1].machine.config_epoch(), epoch);
    world.run(TIMEOUT_MS + 200);
    let refused = world
        .command(0, Command::Reclaim(&slots))
        .expect_err("no majority answers");
    assert!(refused.0.starts_with("TRYAGAIN "), "{refused:?}");
    world.heal();
    world.cut.extend([(0, 1), (1, 0)]);
    let target = Some(world.id(1));
    world.run_until(10_000, "the news", |world| world.owner(0, 100) == target);
    assert!(!world.serves(0, 100));
}
