//! What nodes do when they cannot hear each other, as in rows 20, 36 to 42, 46, 47 and 61 of the
//! table of faults: real processes in a network of their own.
//!
//! Each test runs itself again in a namespace that has no network but its loopback, where nodes have
//! addresses of their own and rules of the routes say who cannot speak to whom. Packets that may
//! not go are dropped, and connections are there again when the rule is gone.

#[path = "partitions/net.rs"]
mod net;
#[path = "partitions/pauses.rs"]
mod pauses;
#[path = "partitions/places.rs"]
mod places;

use net::{City, MASTER, Net, in_a_net_of_its_own};

/// What the row of partitions promises: the minority stops, one is elected, and when all hear each
/// other again they agree, without what the minority alone has heard of.
#[test]
fn a_primary_that_is_cut_off_stops_before_another_is_elected() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &[]);
        let epoch = city.epoch();
        city.cut_off(net, 0);
        let heir = city.wait_for_heir_of(0);
        // Who is elected is the only one: the old one has stopped by itself.
        let refused = city.nodes[0].ask("SET {b}minority v");
        assert!(refused.starts_with("-CLUSTERDOWN"), "{refused}");
        city.wait_for_ok(&[1, 2, heir]);
        city.write(heir, "{b}majority", "v");
        net.heal();
        city.wait_for_agreement();
        assert_eq!(city.epoch(), epoch + 1, "one election is enough");
        city.wait("the old primary follows", |city| {
            let info = city.nodes[0].ask("INFO replication");
            info.contains("role:slave") && info.contains("master_link_status:up")
        });
        assert_eq!(city.get("{b}majority"), "$1\r\nv");
        assert_eq!(city.get("{b}minority"), "$-1");
    });
}

/// A node that is heard by nobody hears that it is no primary any more, and has stopped before.
#[test]
fn a_primary_that_hears_and_cannot_speak_is_replaced() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &[]);
        for other in 1..6 {
            net.block(0, other);
        }
        let heir = city.wait_for_heir_of(0);
        let refused = city.nodes[0].ask("SET {b}minority v");
        let has_stopped = ["-CLUSTERDOWN", "-MOVED"];
        assert!(
            has_stopped.iter().any(|word| refused.starts_with(word)),
            "{refused}"
        );
        city.write(heir, "{b}majority", "v");
        net.heal();
        city.wait_for_agreement();
        assert_eq!(city.get("{b}majority"), "$1\r\nv");
        assert_eq!(city.get("{b}minority"), "$-1");
    });
}

/// Two that cannot speak to each other, and a third that speaks to both: nobody is replaced, for it
/// takes most of them to say that a node has failed.
#[test]
fn a_bridge_between_two_is_no_reason_to_replace_either() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 3, &[]);
        let epoch = city.epoch();
        net.block(0, 2);
        net.block(2, 0);
        city.wait("each suspects the other", |city| {
            [(0, 2), (2, 0)].iter().all(|&(one, other)| {
                let line = city.line_of(one, other);
                line.contains("fail?")
            })
        });
        for node in 0..3 {
            let info = city.nodes[node].ask("CLUSTER INFO");
            assert!(info.contains("cluster_state:ok"), "{info}");
            assert!(!city.line_of(1, node).contains("fail"));
        }
        city.write(0, "{b}k", "v");
        net.heal();
        city.wait_for_agreement();
        assert_eq!(city.epoch(), epoch);
        assert_eq!(city.get("{b}k"), "$1\r\nv");
    });
}

/// However often the net breaks, there is no more than one election for each time.
#[test]
fn a_net_that_comes_and_goes_makes_no_more_elections_than_breaks() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &[]);
        let epoch = city.epoch();
        let breaks = 2;
        for _ in 0..breaks {
            city.cut_off(net, 0);
            city.wait("somebody suspects it, or it does others", |city| {
                city.line_of(1, 0).contains("fail") || city.line_of(0, 1).contains("fail")
            });
            net.heal();
            city.wait_for_agreement();
        }
        let after = city.epoch();
        assert!(after <= epoch + breaks, "{epoch} became {after}");
    });
}

/// Writes that wait for a manual failover do not wait for ever when the two lose each other.
#[test]
fn a_handover_that_is_cut_in_two_ends() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &[]);
        let replica = city.replica_of(0);
        city.wait("the replica follows", |city| {
            let info = city.nodes[replica].ask("INFO replication");
            info.contains("master_link_status:up")
        });
        // The replica's wish arrives, and no answer to it.
        net.block(0, replica);
        assert_eq!(city.nodes[replica].ask("CLUSTER FAILOVER"), "+OK");
        city.wait("writes are served again", |city| {
            // It waits as long as writes are paused.
            let reply = city.nodes[0].ask("SET {b}k v");
            reply == "+OK" || reply.starts_with("-MOVED")
        });
        city.wait("the replica gives up, or has taken over", |city| {
            let log = city.nodes[replica].log();
            log.contains("Manual failover timed out.") || city.nodes[replica].is(MASTER)
        });
        net.heal();
        city.wait_for_agreement();
        assert_eq!(city.get("{b}k"), "$1\r\nv");
    });
}

/// A primary without replicas that it hears refuses writes, and takes them again later.
#[test]
fn writes_are_refused_while_too_few_replicas_are_heard() {
    in_a_net_of_its_own(|net| {
        let least = [
            "--min-replicas-to-write",
            "1",
            "--min-replicas-max-lag",
            "2",
        ];
        let primary = net.start(0, &least);
        let replica = net.start(1, &[]);
        replica.ask(&format!("REPLICAOF {} 7000", Net::address(0)));
        let accepts = |text: &str| primary.ask("SET k v").starts_with(text);
        crate::process::wait_until("the replica is heard", || accepts("+OK"));
        net.block(1, 0);
        crate::process::wait_until("the replica is missed", || {
            accepts("-NOREPLICAS Not enough good replicas to write.")
        });
        assert_eq!(primary.ask("GET k"), "$1\r\nv");
        net.heal();
        crate::process::wait_until("the replica is heard again", || accepts("+OK"));
    });
}
