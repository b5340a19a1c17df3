use expect_test::expect;
use resp::value::Value;

use super::{Bench, PEERS, info_of_master};
use crate::{Input, Output, Way};

/// What is asked first on each connection to a port.
fn first_requests(bench: &mut Bench, port: u16) -> String {
    bench.now_ms = bench.machine.next_deadline().max(bench.now_ms);
    bench.step(Input::Tick);
    let conns = bench.conns.values().filter(|conn| conn.port == port);
    conns
        .map(|conn| format!("{:?}: {}\n", conn.way, conn.asked.join(", ")))
        .collect()
}

#[test]
fn an_instance_is_greeted() {
    let mut bench = Bench::new(&["monitor mymaster 127.0.0.1 6379 2"]);
    expect![[r#"
        Command: CLIENT SETNAME sentinel-a0ada7ff-cmd, PING, INFO
        Subscription: CLIENT SETNAME sentinel-a0ada7ff-pubsub, SUBSCRIBE __sentinel__:hello
    "#]]
    .assert_eq(&first_requests(&mut bench, 6379));
}

#[test]
fn credentials_and_renamed_commands_are_used() {
    let mut bench = Bench::new(&[
        "monitor mymaster 127.0.0.1 6379 2",
        "auth-pass mymaster secret",
        "auth-user mymaster watcher",
        "rename-command mymaster client klient",
        "rename-command mymaster AUTH auth2",
        "sentinel-pass other",
        "known-sentinel mymaster 127.0.0.1 26380 a64986e12f1f94b89fa5d37e473a75f55ac9c290",
    ]);
    expect![[r#"
        Command: auth2 watcher secret, klient SETNAME sentinel-a0ada7ff-cmd, PING, INFO
        Subscription: auth2 watcher secret, klient SETNAME sentinel-a0ada7ff-pubsub, SUBSCRIBE __sentinel__:hello
    "#]].assert_eq(&first_requests(&mut bench, 6379));
    expect![[r#"
        Command: AUTH other, CLIENT SETNAME sentinel-a0ada7ff-cmd, PING
    "#]]
    .assert_eq(&first_requests(&mut bench, 26380));
}

#[test]
fn other_credentials_mean_other_connections() {
    let mut bench = Bench::well();
    let count = |bench: &Bench, ports: &[u16]| {
        let conns = bench.conns.values();
        conns.filter(|conn| ports.contains(&conn.port)).count()
    };
    assert_eq!(count(&bench, &[6379, 6380, 6381]), 6);
    bench.say("set mymaster auth-pass secret");
    assert_eq!(count(&bench, &[6379, 6380, 6381]), 0);
    assert_eq!(count(&bench, &[26380, 26381]), 2);
    bench.say("config set sentinel-pass secret");
    assert_eq!(count(&bench, &[26380, 26381]), 0);
    bench.pass(2_000);
    assert_eq!(count(&bench, &[6379, 6380, 6381, 26380, 26381]), 8);
}

#[test]
fn a_refused_subscription_is_tried_again() {
    let mut bench = Bench::new(&["monitor mymaster 127.0.0.1 6379 2"]);
    bench.step(Input::Tick);
    let subscription = bench
        .conns
        .iter()
        .find(|(_, conn)| conn.way == Way::Subscription);
    let connection = *subscription.expect("there is one").0;
    for value in [
        Value::Simple(b"OK".to_vec()),
        Value::Error(b"NOAUTH".to_vec()),
    ] {
        let value = &value;
        bench.step(Input::Reply { connection, value });
    }
    assert!(!bench.conns.contains_key(&connection));
    assert!(
        bench
            .say("master mymaster")
            .contains("flags master,disconnected")
    );
}

#[test]
fn a_hello_tells_where_to_find_this_sentinel() {
    let mut bench = Bench::new(&["monitor mymaster 127.0.0.1 6379 2", "announce-port 7"]);
    bench.nodes.insert(6379, Some(info_of_master(&[])));
    bench.pass(500);
    let asked = |bench: &mut Bench| {
        bench.now_ms += 2_100;
        // Not by too long a step, which would not be trusted.
        bench.machine.core.last = None;
        bench.step(Input::Tick);
        let mut asked = bench.conns.values().flat_map(|conn| conn.asked.clone());
        asked.find(|request| request.starts_with("PUBLISH"))
    };
    let first = asked(&mut bench).expect("a hello");
    let hello = |address: &str| {
        let id = "a0ada7ffb56db449584c4ffdca05f8a9105c8f36";
        format!("PUBLISH __sentinel__:hello {address},7,{id},0,mymaster,127.0.0.1,6379,0")
    };
    assert_eq!(first, hello("127.0.0.1"));
    bench.answer_all();
    bench.say("config set announce-ip 10.1.2.3");
    let second = asked(&mut bench).expect("a hello");
    assert_eq!(second, hello("10.1.2.3"));
}

#[test]
fn sentinels_move_and_take_the_place_of_others() {
    let mut bench = Bench::well();
    let [first, second] = PEERS;
    let other = "c".repeat(40);
    bench.hello(&format!(
        "127.0.0.1,27000,{first},0,mymaster,127.0.0.1,6379,0"
    ));
    bench.hello(&format!(
        "127.0.0.1,26381,{other},0,mymaster,127.0.0.1,6379,0"
    ));
    expect![[r#"
        +sentinel-address-switch master mymaster 127.0.0.1 6379 ip 127.0.0.1 port 27000 for a64986e12f1f94b89fa5d37e473a75f55ac9c290
        +sentinel-invalid-addr sentinel 17c7c101217043e076930d0d5b32ef1fa68ad7cd 127.0.0.1 26381 @ mymaster 127.0.0.1 6379
        +sentinel sentinel cccccccccccccccccccccccccccccccccccccccc 127.0.0.1 26381 @ mymaster 127.0.0.1 6379
    "#]].assert_eq(&bench.take_lines());
    let peers = bench.say("sentinels mymaster");
    assert!(peers.contains(first) && peers.contains(&other) && !peers.contains(second));
}

#[test]
fn one_link_serves_all_masters_of_a_sentinel() {
    let mut bench = Bench::new(&[
        "monitor one 127.0.0.1 6379 2",
        "monitor two 127.0.0.1 6380 2",
    ]);
    for (name, port) in [("one", 6379), ("two", 6380)] {
        let id = PEERS[0];
        bench.hello(&format!("127.0.0.1,26380,{id},0,{name},127.0.0.1,{port},0"));
    }
    bench.step(Input::Tick);
    assert!(bench.say("sentinels two").contains("link-refcount 2"));
    let to_peer = bench.conns.values().filter(|conn| conn.port == 26380);
    assert_eq!(to_peer.count(), 1);
    bench.say("remove one");
    assert!(bench.say("sentinels two").contains("link-refcount 1"));
    bench.say("remove two");
    assert_eq!(bench.conns.len(), 0);
}

#[test]
fn hostile_hellos_change_nothing() {
    let mut bench = Bench::well();
    let before = bench.machine.statements();
    let own = bench.machine.id().to_owned();
    let id = PEERS[0];
    for hello in [
        "".to_owned(),
        format!("127.0.0.1,26380,{id},1,mymaster,127.0.0.1,6380"),
        format!("127.0.0.1,26380,{id},1,mymaster,127.0.0.1,6380,1,1"),
        format!("127.0.0.1,26380,{id},18446744073709551615,mymaster,127.0.0.1,6379,0"),
        format!("127.0.0.1,26380,{id},1,mymaster,127.0.0.1,6380,18446744073709551615"),
        format!("::,26380,{id},9,mymaster,127.0.0.1,6380,9"),
        format!("127.0.0.1,26380,{id},9,mymaster,::,6380,9"),
        format!("127.0.0.1,26379,{own},9,mymaster,127.0.0.1,6380,9"),
        format!("127.0.0.1,26380,{id},9,other,127.0.0.1,6380,9"),
        format!("host.example,26380,{id},9,mymaster,127.0.0.1,6380,9"),
        "127.0.0.1,26380,x\nsentinel monitor,9,mymaster,127.0.0.1,6380,9".to_owned(),
    ] {
        bench.hello(&hello);
        assert_eq!(bench.machine.statements(), before, "{hello}");
    }
    assert_eq!(bench.take_lines(), "\n");
}

#[test]
fn hostile_replies_change_nothing() {
    let values = [
        Value::Null,
        Value::NullArray,
        Value::Integer(i64::MIN),
        Value::Bulk(Vec::new()),
        Value::Bulk(vec![0xff; 1_000_000]),
        Value::Bulk(
            b"slave0:ip=0.0.0.0,port=1\r\nslave1:ip=x y,port=7\r\nrun_id:x\r\n:::".to_vec(),
        ),
        Value::Bulk(b"slave0:ip=1.2.3.4,port=99999\r\nslave1:\r\nslave2:,\r\nslave:1,2".to_vec()),
        Value::Array(vec![Value::Integer(1); 3]),
        Value::Array(vec![
            Value::Integer(1),
            Value::Bulk(b"*".to_vec()),
            Value::Integer(-1),
        ]),
        Value::Map(Vec::new()),
        Value::Error(b"ERR".to_vec()),
    ];
    let mut bench = Bench::well();
    let before = bench.machine.statements();
    let conns = bench.conns.keys().copied().collect::<Vec<_>>();
    // Twice each: once as an answer to something, once to nothing.
    for value in values.iter().chain(&values) {
        for connection in &conns {
            let connection = *connection;
            bench.step(Input::Reply { connection, value });
        }
        bench.now_ms = bench.machine.next_deadline();
        bench.step(Input::Tick);
    }
    assert_eq!(bench.machine.statements(), before);
}

#[test]
fn names_are_looked_up_and_announced() {
    let mut bench = Bench::new(&[
        "monitor mymaster redis.example 6379 2",
        "resolve-hostnames yes",
        "announce-hostnames yes",
    ]);
    bench.step(Input::Tick);
    let host = "redis.example".to_owned();
    assert_eq!(bench.others, [Output::Resolve { host: host.clone() }]);
    assert_eq!(bench.conns.len(), 0);
    let ip = Some([127, 0, 0, 1].into());
    bench.step(Input::Resolved { host: &host, ip });
    bench.now_ms = bench.machine.next_deadline();
    bench.step(Input::Tick);
    assert_eq!(bench.conns.len(), 2);
    assert!(
        bench
            .say("get-master-addr-by-name mymaster")
            .contains("redis.example")
    );
    bench.say("config set announce-hostnames no");
    assert!(
        bench
            .say("get-master-addr-by-name mymaster")
            .contains("127.0.0.1")
    );
    bench.step(Input::Resolved {
        host: "nowhere",
        ip: None,
    });
    assert!(
        bench
            .take_lines()
            .contains("Failed to resolve hostname 'nowhere'")
    );
}

#[test]
fn a_silent_connection_is_made_anew() {
    let mut bench = Bench::well();
    bench.pass(20_000);
    let of_master = |bench: &Bench| {
        let conns = bench.conns.iter();
        let to_it = |conn: &super::Conn| (conn.port, conn.way) == (6379, Way::Command);
        conns
            .filter(|(_, conn)| to_it(conn))
            .map(|(id, _)| *id)
            .collect::<Vec<_>>()
    };
    let before = of_master(&bench);
    // It does not answer, and nobody says that it is gone.
    bench.nodes.insert(6379, None);
    bench.pass(3_000);
    let after = of_master(&bench);
    assert_eq!(after.len(), 1);
    assert!(after.iter().all(|connection| !before.contains(connection)));
}
