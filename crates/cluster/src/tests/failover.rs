//! Who replaces whom, when, and who may serve meanwhile.

use super::world::{TIMEOUT_MS, World};
use super::{FAILOVER_MS_MAX, six};
use crate::{Command, Failover, LinkId};

#[test]
fn nodes_that_meet_know_all_and_agree() {
    for seed in 0..4 {
        let world = six(seed);
        for number in 0..6 {
            let map = &world.peers[number].map;
            assert_eq!(map.nodes.len(), 6, "{}", world.picture());
            assert_eq!(world.serves(number, number as u16 * 5461), number < 3);
        }
    }
}

#[test]
fn a_replica_takes_the_place_of_a_primary_that_is_killed() {
    for seed in 0..4 {
        let mut world = six(seed);
        let heir = world.id(3);
        world.kill(0);
        let took = world.run_until(30_000, "a failover", |world| {
            world.owner(1, 0) == Some(heir) && world.is_ok()
        });
        assert!(took <= FAILOVER_MS_MAX, "{took} ms\n{}", world.picture());
        assert!(world.logged(3, "Failover election won: I'm the new master."));
        assert!(world.logged(1, "Failover auth granted to"));
        assert!(world.serves(3, 0));
        // Who comes back follows who has its place now.
        world.restart(0);
        world.run_until(10_000, "the old primary as a replica", |world| {
            world.peers[0].following == Some(3) && world.is_ok()
        });
        assert!(world.logged(0, "Reconfiguring myself as a replica of"));
    }
}

/// Whoever got the votes may have been elected and have died before anybody heard of it.
#[test]
fn who_comes_back_waits_for_an_heir_that_tells_nobody() {
    for seed in 0..3 {
        let mut world = six(seed);
        world.kill(0);
        world.run_until(30_000, "the heir", |world| {
            world.logged(3, "Start of election delayed")
        });
        world.cut.extend([(1, 3), (2, 3)]);
        world.run_until(30_000, "the votes", |world| {
            [1, 2]
                .into_iter()
                .all(|voter| world.logged(voter, "Failover auth granted"))
        });
        let voted_ms = world.now_ms;
        world.kill(3);
        world.restart(0);
        while world.now_ms < voted_ms + 2 * TIMEOUT_MS - 100 {
            world.run(10);
            assert!(!world.serves(0, 0), "{} ms", world.now_ms - voted_ms);
        }
        // If there is none, it goes on in the end.
        world.run_until(2 * TIMEOUT_MS, "the old primary", |world| {
            world.serves(0, 0)
        });
    }
}

#[test]
fn a_minority_stops_and_a_majority_goes_on() {
    for seed in 0..3 {
        let mut world = six(seed);
        world.run(3000);
        let cut_ms = world.now_ms;
        world.isolate(&[0]);
        let mut both = 0;
        let mut stopped_ms = 0;
        while world.now_ms < cut_ms + 15_000 {
            world.run(10);
            let (old, new) = (world.serves(0, 0), world.serves(3, 0));
            both += u64::from(old && new);
            if old {
                stopped_ms = world.now_ms - cut_ms;
            }
        }
        assert_eq!(both, 0, "two primaries served one slot");
        assert!(
            stopped_ms <= TIMEOUT_MS + 200,
            "it served for {stopped_ms} ms"
        );
        assert!(world.serves(3, 0));
        world.heal();
        world.run_until(15_000, "peace", |world| {
            world.peers[0].following == Some(3) && world.is_ok()
        });
    }
}

/// Whoever hears and is not heard is replaced, and stops by itself.
#[test]
fn who_is_not_heard_stops() {
    let mut world = six(7);
    world.run(3000);
    for other in 1..6 {
        world.cut.insert((0, other));
    }
    let mut both = 0;
    for _ in 0..1500 {
        world.run(10);
        both += u32::from(world.serves(0, 0) && world.serves(3, 0));
    }
    assert_eq!(both, 0);
    assert!(world.serves(3, 0), "{}", world.picture());
}

#[test]
fn an_agreed_failover_waits_for_all_data_and_loses_none() {
    for seed in 0..3 {
        let mut world = six(seed);
        world
            .command(3, Command::Failover(Failover::Agreed))
            .expect("it is a replica");
        let mut written = 0;
        for _ in 0..3000 {
            if world.serves(0, 0) {
                world.peers[0].offset += 10;
                written = world.peers[0].offset;
            }
            world.run(1);
            if world.serves(3, 0) {
                break;
            }
        }
        assert!(world.serves(3, 0), "{}", world.picture());
        assert_eq!(world.peers[3].offset, written, "{}", world.picture());
        world.run_until(5000, "the roles", |world| {
            world.peers[0].following == Some(3) && world.is_ok()
        });
        assert_eq!(world.peers[0].paused_until_ms, 0);
    }
}

/// The replica that writes were stopped for goes on whatever happens to its primary.
#[test]
fn who_starts_again_in_an_agreed_failover_holds_writes_on() {
    for are_votes_late in [true, false] {
        let mut world = six(8);
        for number in 0..6 {
            // Links wait for long.
            world.give_patience(number);
        }
        for voter in [1, 2] {
            world.cut.insert((3, voter));
        }
        world
            .command(3, Command::Failover(Failover::Agreed))
            .expect("it is a replica");
        world.run_until(1000, "the replica", |world| {
            world.logged(3, "All master replication stream processed")
        });
        let asked_ms = world.now_ms;
        world.kill(0);
        world.restart(0);
        world.give_patience(0);
        // Nothing that it wrote now would reach the replica.
        world.cut.extend([(0, 3), (3, 0)]);
        let votes_ms = if are_votes_late { 6000 } else { 4500 };
        while world.now_ms < asked_ms + votes_ms {
            world.run(1);
            let is_over = world.logged(3, "Manual failover timed out.");
            assert!(is_over || !world.serves(0, 0), "{}", world.picture());
        }
        world.heal();
        let server = if are_votes_late { 0 } else { 3 };
        world.run_until(10_000, "one that serves", |world| {
            world.serves(server, 0) && world.is_ok()
        });
        assert!(!world.serves(3 - server, 0));
    }
}

#[test]
fn a_failover_that_nobody_agrees_to_ends_and_writes_go_on() {
    let mut world = six(3);
    // The voters do not hear the replica.
    for voter in [1, 2] {
        world.cut.insert((3, voter));
    }
    world
        .command(3, Command::Failover(Failover::Agreed))
        .expect("it is a replica");
    world.run(500);
    assert!(!world.serves(0, 0));
    world.run(11_000);
    assert!(world.serves(0, 0), "{}", world.picture());
    assert!(world.logged(3, "Manual failover timed out."));
}

#[test]
fn force_asks_the_others_and_takeover_nobody() {
    let mut world = six(5);
    world.kill(0);
    let forced = world.command(3, Command::Failover(Failover::Agreed));
    assert_eq!(
        forced.expect_err("the primary is gone").0,
        "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE"
    );
    world
        .command(3, Command::Failover(Failover::Force))
        .expect("it is a replica");
    world.run(100);
    assert_eq!(world.owner(1, 0), Some(world.id(3)), "{}", world.picture());

    let mut world = six(6);
    world.isolate(&[3]);
    world
        .command(3, Command::Failover(Failover::Takeover))
        .expect("it is a replica");
    world.run(100);
    assert_eq!(world.owner(3, 0), Some(world.id(3)));
    assert_eq!(world.owner(1, 0), Some(world.id(0)));
    world.heal();
    world.run_until(10_000, "the others' consent", World::is_ok);
    assert_eq!(world.owner(1, 0), Some(world.id(3)));
}

#[test]
fn an_orphan_is_given_a_spare_replica() {
    // Replicas 4, 5 and 6 belong to primaries 0, 1 and 2; 7 is a second one of 0... by turns.
    let mut world = World::new(7, 11, None);
    world.create(3);
    world.kill(4);
    world.run_until(30_000, "a migration", |world| {
        let spare = world.peers[6].following == Some(1);
        spare || world.peers[3].following == Some(1)
    });
    let moved = if world.peers[6].following == Some(1) {
        6
    } else {
        3
    };
    let orphan = world.id(1);
    assert!(world.logged(moved, &format!("Migrating to orphaned master {orphan}")));
    let names = [world.id(3), world.id(6)];
    let smaller = if names[0] < names[1] { 3 } else { 6 };
    assert_eq!(moved, smaller, "the smaller name goes");
    world.run_until(5000, "an ok", World::is_ok);
}

#[test]
fn a_replica_without_fresh_data_does_not_ask() {
    let mut world = six(9);
    world.run(1000);
    // Cut off from its primary alone for longer than the factor allows.
    world.cut.insert((0, 3));
    world.cut.insert((3, 0));
    world.run(TIMEOUT_MS * 11 + 11_000);
    world.kill(0);
    world.run(10_000);
    assert!(world.logged(3, "Disconnected from master for longer than allowed."));
    assert!(!world.serves(3, 0));
    assert!(!world.serves(1, 16_000), "not all slots are served");
}

#[test]
fn the_replica_with_more_data_goes_first() {
    for seed in 0..3 {
        let mut world = World::new(9, seed, None);
        world.create(3);
        // The second replica of the first primary is behind.
        world.cut.insert((0, 6));
        world.cut.insert((6, 0));
        world.peers[0].offset += 100;
        world.run(2000);
        world.kill(0);
        world.heal();
        let heir = world.id(3);
        world.run_until(30_000, "a failover", |world| {
            world.owner(1, 0) == Some(heir)
        });
        world.run_until(10_000, "an ok", World::is_ok);
        assert!(
            !world.logged(6, "Starting a failover election"),
            "{}",
            world.picture()
        );
    }
}

#[test]
fn whoever_slept_does_not_accuse_the_others_and_does_not_serve() {
    let mut world = six(13);
    world.run(3000);
    // Asleep: nothing of it happens, and what is sent to it waits.
    world.peers[0].is_alive = false;
    world.run(10_000);
    assert!(world.serves(3, 0), "{}", world.picture());
    world.peers[0].is_alive = true;
    assert!(!world.serves(0, 0), "its lease is over before it knows");
    world.run_until(10_000, "its new role", |world| {
        world.peers[0].following == Some(3)
    });
    assert!(!world.logged(0, "Marking node"));
}

#[test]
fn full_links_are_cut_and_made_again() {
    let mut world = six(14);
    let mut settings = world.peers[0].machine.settings().clone();
    settings.link_unsent_bytes_max = 1000;
    world.input(0, crate::Input::Configured(settings));
    let link = LinkId::Out(1);
    world.input(
        0,
        crate::Input::Unsent {
            link,
            held: 2000,
            used: 1500,
        },
    );
    world.run(200);
    assert!(world.logged(0, "due to exceeding send buffer memory limit."));
    let info = world.peers[0].machine.info_text();
    assert!(
        info.contains("total_cluster_links_buffer_limit_exceeded:1\r\n"),
        "{info}"
    );
    world.run(1000);
    assert!(world.is_ok());
}

#[test]
fn who_cannot_save_is_silent_until_it_can() {
    let mut world = six(15);
    world.run(2000);
    world.peers[1].disk_fails = true;
    world.command(1, Command::SaveConfig).expect("it is tried");
    world.run(TIMEOUT_MS * 4);
    assert!(world.logged(0, "Marking node") || world.logged(0, "FAIL message received"));
    world.peers[1].disk_fails = false;
    world.run_until(20_000, "its return", World::is_ok);
}
