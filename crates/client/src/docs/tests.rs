use super::*;
use resp::value::Value;

fn docs(arguments: &str) -> Command {
    let line = format!("X\t1.0.0\tg\t{arguments}\tDoes it.");
    table::read(&line).remove(0)
}

fn set() -> Command {
    docs(
        "key:key text:value oneof?:condition(pure-token:nx:NX pure-token:xx:XX) \
         pure-token?:get:GET oneof?:expiry(integer:seconds:EX integer:ms:PX pure-token:k:KEEPTTL)",
    )
}

#[track_caller]
fn hints(command: &Command, cases: &[(&str, Option<&str>)]) {
    for (line, expected) in cases {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(command.hint(&words).as_deref(), *expected, "{line}");
    }
}

#[test]
fn syntax_is_written_as_the_manual_writes_it() {
    assert_eq!(
        set().syntax(),
        "key value [NX|XX] [GET] [EX seconds|PX ms|KEEPTTL]"
    );
    let many = docs("block*:pair(key:key text:value) text?+*:pattern:GET");
    assert_eq!(
        many.syntax(),
        "key value [key value ...] [GET pattern [GET pattern ...]]"
    );
}

#[test]
fn optional_arguments_come_in_any_order() {
    hints(
        &set(),
        &[
            (
                "",
                Some("key value [NX|XX] [GET] [EX seconds|PX ms|KEEPTTL]"),
            ),
            ("k", Some("value [NX|XX] [GET] [EX seconds|PX ms|KEEPTTL]")),
            ("k v", Some("[NX|XX] [GET] [EX seconds|PX ms|KEEPTTL]")),
            ("k v ex", Some("seconds [NX|XX] [GET]")),
            ("k v ex 10", Some("[NX|XX] [GET]")),
            ("k v GET NX", Some("[EX seconds|PX ms|KEEPTTL]")),
            ("k v keepttl xx get", Some("")),
            ("k v ex ten", None),
            ("k v nx nx", None),
        ],
    );
}

#[test]
fn what_is_over_is_not_shown() {
    let find = docs("key:key pure-token?:first:FIRST integer?:count:COUNT text:end");
    hints(
        &find,
        &[
            ("k", Some("[FIRST] [COUNT count] end")),
            ("k COUNT", Some("count [FIRST] end")),
            ("k COUNT 3", Some("[FIRST] end")),
            ("k COUNT 3 e", Some("")),
            ("k COUNT 3 e FIRST", None),
        ],
    );
}

#[test]
fn repetitions_go_on() {
    let pairs = docs("block*:pair(key:key text:value)");
    hints(
        &pairs,
        &[
            ("", Some("key value [key value ...]")),
            ("a", Some("value [key value ...]")),
            ("a 1", Some("[key value ...]")),
            ("a 1 b", Some("value [key value ...]")),
            ("a 1 b 2", Some("[key value ...]")),
        ],
    );
    let sort = docs("key:key text?+*:pattern:GET");
    hints(
        &sort,
        &[
            ("k GET", Some("pattern [GET pattern ...]")),
            ("k GET a", Some("[GET pattern ...]")),
            ("k GET a b", None),
            ("k GET a GET b", Some("[GET pattern ...]")),
        ],
    );
}

#[test]
fn the_table_at_hand_describes_commands_and_subcommands() {
    let docs = Docs::builtin();
    let find = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (command, used) = docs.find(&words)?;
        Some((command.name.clone(), used))
    };
    assert_eq!(find("get k"), Some(("GET".to_owned(), 1)));
    assert_eq!(find("config set a b"), Some(("CONFIG SET".to_owned(), 2)));
    assert_eq!(find("client nosuch"), Some(("CLIENT".to_owned(), 1)));
    assert_eq!(find("nosuch"), None);
    let (get, _) = docs.find(&["get"]).unwrap();
    assert_eq!(
        (get.syntax().as_str(), get.group.as_str()),
        ("key", "string")
    );
}

#[test]
fn a_server_describes_its_commands_in_either_protocol() {
    let text = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    let flags = Value::Set(vec![text("optional")]);
    let argument = vec![(text("name"), text("k\x1b[2Jey")), (text("flags"), flags)];
    let arguments = Value::Array(vec![Value::Map(argument)]);
    let inner = Value::Array(vec![text("summary"), text("Sub.")]);
    let fields = vec![
        (text("summary"), text("Does it.")),
        (text("arguments"), arguments),
        (text("subcommands"), Value::Array(vec![text("x|y"), inner])),
    ];
    let reply = Value::Array(vec![text("x"), Value::Map(fields)]);
    let docs = Docs::from_reply(&reply).unwrap();
    let names: Vec<&str> = docs.commands.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["X", "X Y"]);
    assert_eq!(docs.commands[0].syntax(), "[k[2Jey]");
    assert_eq!(docs.commands[1].summary, "Sub.");
    assert_eq!(Docs::from_reply(&Value::Error(b"ERR".to_vec())), None);
}
