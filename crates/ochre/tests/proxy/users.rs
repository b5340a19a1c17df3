//! Users of the proxy's own: who says which name and password may run which commands on which keys.

use crate::arena::Backend;
use crate::process::wait_until;
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
