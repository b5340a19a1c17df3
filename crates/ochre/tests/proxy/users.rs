//! Users of the proxy's own: who says which name and password may run which commands on which keys.
//! And users of Debian's servers, who are asked who that is.

use std::path::Path;

use resp::value::Value;

use crate::arena::{Backend, wait_for_port};
use crate::process::{Process, free_port, wait_until};
use crate::reload::{Own, ring};

const USERS: &str = "users = [
    { name = \"default\", commands = [\"+ping\", \"+get\"], patterns = [\"open:*\"] },
    { name = \"app\", password = \"secret\", commands = [\"+@all\", \"-@admin\", \"-keys\"],
      patterns = [\"app:*\"], read_patterns = [\"app:*\", \"open:?\"] },
    { name = \"boss\", password = \"word\", rights = \"admin\" },
]
";

const NO_KEY: &str =
    "-NOPERM this user has no permissions to access one of the keys used as arguments";
const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";

fn no_command(name: &str) -> String {
    format!("-NOPERM this user has no permissions to run the '{name}' command")
}

#[test]
fn users_run_what_they_may_on_their_keys() {
    let backends = [Backend::start(), Backend::start()];
    let servers: Vec<&Backend> = backends.iter().collect();
    let own = Own::start(&(USERS.to_owned() + &ring(&servers)));
    let mut wire = own.connect();
    // Nobody in particular.
    assert_eq!(wire.ask("GET open:1"), "$-1");
    assert_eq!(wire.ask("GET app:1"), NO_KEY);
    assert_eq!(wire.ask("SET open:1 x"), no_command("set"));
    assert_eq!(wire.ask("AUTH app wrong"), WRONG);
    assert_eq!(wire.ask("AUTH nobody secret"), WRONG);
    assert_eq!(wire.ask("AUTH secret"), WRONG);
    assert_eq!(wire.ask("AUTH app secret"), "+OK");
    // One's own keys are written, others only read, and a request is refused as a whole.
    assert_eq!(wire.ask("SET app:1 x"), "+OK");
    assert_eq!(wire.ask("SET open:1 x"), NO_KEY);
    assert_eq!(wire.ask("MSET app:2 y open:2 y"), NO_KEY);
    assert_eq!(
        wire.ask("MGET app:1 app:2 open:1"),
        "*3\r\n$1\r\nx\r\n$-1\r\n$-1"
    );
    assert_eq!(wire.ask("MGET app:1 open:10"), NO_KEY);
    assert_eq!(wire.ask("DEL app:1 shut"), NO_KEY);
    assert_eq!(wire.ask("KEYS *"), no_command("keys"));
    assert_eq!(wire.ask("SCAN 0"), NO_KEY);
    assert_eq!(wire.ask("CONFIG GET x"), no_command("config|get"));
    assert!(wire.ask("CLIENT INFO").contains(" user=app "));
    // Within a transaction no more is allowed than outside.
    assert_eq!(wire.ask("MULTI"), "+OK");
    assert_eq!(wire.ask("SET shut y"), NO_KEY);
    assert!(wire.ask("EXEC").starts_with("-EXECABORT"));
    // A wrong password changes nothing, another user's does.
    assert_eq!(wire.ask("AUTH boss wrong"), WRONG);
    assert_eq!(wire.ask("GET app:1"), "$1\r\nx");
    assert!(wire.ask("HELLO 3 AUTH boss word").starts_with("%7"));
    assert_eq!(wire.ask("SET shut x"), "+OK");
    assert_eq!(wire.ask("DBSIZE"), ":2");
    assert_eq!(wire.ask("RESET"), "+RESET");
    assert_eq!(wire.ask("GET shut"), NO_KEY);
    // Whoever is somebody else is not let in by another's connection.
    let mut other = own.connect();
    assert_eq!(other.ask("GET shut"), NO_KEY);
}

#[test]
fn a_client_that_must_be_somebody_is_told_so() {
    let backend = Backend::start();
    let users = "users = [{ name = \"app\", password = \"secret\", rights = \"write\" }]\n";
    let own = Own::start(&(users.to_owned() + &ring(&[&backend])));
    let mut wire = own.connect();
    assert_eq!(wire.ask("GET k"), "-NOAUTH Authentication required.");
    assert!(
        wire.ask("HELLO 3")
            .starts_with("-NOAUTH HELLO must be called")
    );
    assert_eq!(wire.ask("HELLO 2 AUTH app wrong"), WRONG);
    assert_eq!(wire.ask("GET k"), "-NOAUTH Authentication required.");
    assert!(wire.ask("HELLO 2 AUTH app secret").starts_with("*14"));
    assert_eq!(wire.ask("SET k v"), "+OK");
    // Its rights are taken away with the file, and given back under another password.
    own.write(&(users.replace("secret", "other") + &ring(&[&backend])));
    assert!(own.http("POST /reload").contains(" 202 "));
    wait_until("the file is followed", || {
        wire.ask("GET k") == "-NOAUTH Authentication required."
    });
    assert_eq!(wire.ask("AUTH app other"), "+OK");
    assert_eq!(wire.ask("GET k"), "$1\r\nv");
}

const REDIS: &str = "/usr/bin/redis-server";

/// Servers that know these users, and their ports.
fn guarded(users: &[&str]) -> Option<[(Process, u16); 2]> {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return None;
    }
    let start = |_| {
        let port = free_port();
        let number = port.to_string();
        let mut args = vec!["--port", &number, "--save", ""];
        for user in users {
            args.push("--user");
            args.extend(user.split(' '));
        }
        let process = Process::start(Path::new(REDIS), "redis-server", &args, "");
        wait_for_port(port);
        (process, port)
    };
    Some([0, 1].map(start))
}

const PASSING: &str = "pass_users = true\nserver.password = \"own\"\n";

#[test]
fn users_of_the_servers_are_let_through() {
    let users = [
        "default on >own ~* &* +@all",
        "app on >secret ~app:* &* +@all -@admin",
        "reader on >read ~* &* +@read +@connection",
    ];
    let Some(servers) = guarded(&users) else {
        return;
    };
    let ring = |lines: &str| {
        let servers = servers.iter().enumerate();
        let servers: Vec<String> = servers
            .map(|(at, (_, port))| format!("\"127.0.0.1:{port}:1 s{at}\""))
            .collect();
        format!("{lines}ring = {{ servers = [{}] }}\n", servers.join(", "))
    };
    let own = Own::start(&ring(PASSING));
    let mut wire = own.connect();
    // The pool's own password is not everybody's.
    let nobody = "-NOAUTH Authentication required.";
    assert_eq!(wire.ask("GET app:1"), nobody);
    assert_eq!(wire.ask("AUTH app wrong"), WRONG);
    assert_eq!(wire.ask("GET app:1"), nobody);
    assert_eq!(wire.ask("AUTH app secret"), "+OK");
    for number in 0..20 {
        assert_eq!(wire.ask(&format!("SET app:{number} {number}")), "+OK");
    }
    assert!(wire.ask("CLIENT INFO").contains(" user=app "));
    assert!(wire.ask("SET other 1").starts_with("-NOPERM "));
    // What several servers say is put together, and what is asked at once comes in order.
    assert_eq!(wire.ask("EXISTS app:0 app:1 app:2 app:3 app:4"), ":5");
    let lines = [
        "AUTH reader read",
        "SET app:1 x",
        "GET app:1",
        "AUTH app secret",
        "INCR app:1",
    ];
    let replies = wire.ask_all(&lines);
    let shown = format!("{replies:?}");
    let (ok, number) = (Value::Simple(b"OK".to_vec()), Value::Bulk(b"1".to_vec()));
    assert_eq!(
        [&replies[0], &replies[2], &replies[3]],
        [&ok, &number, &ok],
        "{shown}"
    );
    assert!(
        matches!(&replies[1], Value::Error(text) if text.starts_with(b"NOPERM")),
        "{shown}"
    );
    assert_eq!(replies[4], Value::Integer(2), "{shown}");
    for name in ["slowlog", "proxy"] {
        assert_eq!(wire.ask(&format!("{name} reload")), no_command(name));
    }
    // Others are who they are.
    let mut reader = own.connect();
    assert!(reader.ask("HELLO 3 AUTH reader read").starts_with("%7"));
    assert_eq!(reader.ask("HELLO 3 AUTH reader secret"), WRONG);
    assert_eq!(reader.ask("GET app:1"), "$1\r\n2");
    assert!(reader.ask("DEL app:1").starts_with("-NOPERM "));
    assert_eq!(own.connect().ask("GET app:1"), nobody);
    // Transactions and waits have connections of their own, which are the user's as well.
    assert_eq!(wire.ask("WATCH app:1"), "+OK");
    assert!(
        wire.ask("AUTH reader read")
            .starts_with("-ERR the proxy does not change the user")
    );
    assert_eq!(wire.ask("MULTI"), "+OK");
    assert_eq!(wire.ask("INCR app:1"), "+QUEUED");
    assert_eq!(wire.ask("EXEC"), "*1\r\n:3");
    assert_eq!(wire.ask("RPUSH app:list a"), ":1");
    assert!(wire.ask("BLPOP app:list 5").ends_with("\r\na"));
    assert!(wire.ask("BLPOP list 5").starts_with("-NOPERM "));
    assert_eq!(wire.ask("RESET"), "+RESET");
    assert_eq!(wire.ask("GET app:1"), nobody);
    // A file that is read again keeps them who they are, as long as it passes them.
    let beside = free_port();
    let more = format!(
        "\n[pool.beside]\nlisten = \"127.0.0.1:{beside}\"\n{}",
        ring("")
    );
    own.write(&(ring(PASSING) + &more));
    assert!(own.http("POST /reload").contains(" 202 "));
    wait_for_port(beside);
    assert_eq!(reader.ask("GET app:1"), "$1\r\n3");
    assert!(reader.ask("DEL app:1").starts_with("-NOPERM "));
    own.write(&ring("server.password = \"own\"\n"));
    assert!(own.http("POST /reload").contains(" 202 "));
    wait_until("it is the pool's rights that count", || {
        reader.ask("DEL app:1") == ":1"
    });
}
