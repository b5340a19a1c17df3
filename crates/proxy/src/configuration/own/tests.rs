use super::*;

const FULL: &str = r#"
threads = 2
admin = "127.0.0.1:9121"

[pool.cache]
listen = "/tmp/cache.sock"
permissions = "0660"
password = "p"
slow_us = 500
server = { password = "q", connections = 2, preconnect = true }
limits = { clients = 10, idle_ms = 1, request_ms = 2, hold_ms = 3, unread = "1M", memory = 5 }
ring.servers = ["127.0.0.1:6379:1 b", "127.0.0.1:11211:2"]
ring.hash = "murmur"
ring.distribution = "modula"
ring.hash_tag = "{}"
ring.eject = { failures = 2, return_ms = 100 }

[pool.groups]
listen = "127.0.0.1:1"
users = [{ rights = "read", keys = ["a"] }, { password = "x", rights = "admin" }]
monitors = [{ name = "m", commands = ["all", "-get"], spans_us = [1, 2] }]
commands."json.get" = { rights = "read", words_min = 3, words_max = 3, key_at = 2 }

[pool.groups.groups]
sentinels = ["127.0.0.1:26379"]
list = [{ name = "a" }, { name = "b" }]

[pool.groups.reads]
master = 60
found_replicas = 50
centre = "x"
centres = [{ name = "x", addresses = ["10."], reads = [{ centre = "x", priority = 1 }] }]

[pool.slots]
listen = "127.0.0.1:2"
cluster.nodes = ["127.0.0.1:7000"]
"#;

/// A pool with these users, or why there is none.
fn users(users: &str) -> Result<Vec<Authority>, String> {
    let text =
        format!("[pool.p]\nlisten = '127.0.0.1:1'\nring.servers = ['h:1:1']\nusers = [{users}]\n");
    let configuration = parse(&text).map_err(|refusal| refusal.what)?;
    Ok(configuration.pools[0].authorities.clone().unwrap())
}

#[test]
fn users_have_names_commands_and_patterns() {
    let found = users(
        "{ name = 'a', password = 'x', commands = ['+@read', '-keys'], patterns = ['k?'] }, \
         { rights = 'read', keys = ['b'], write_patterns = ['c*'] }",
    );
    let [named, default] = &found.unwrap()[..] else {
        panic!();
    };
    assert_eq!(named.rights, Rights::Admin);
    assert!(named.is_called(b"a") && !named.is_called(b"default"));
    assert!(named.commands.as_ref().unwrap().contains("get"));
    let glob = |text: &str| Some(vec![KeyPattern::Glob(text.to_owned())]);
    assert_eq!(
        (&named.read_keys, &named.write_keys),
        (&glob("k?"), &glob("k?"))
    );
    assert!(default.is_called(b"default") && default.commands.is_none());
    assert_eq!(default.write_keys, glob("c*"));
    for (wrong, flaw) in [
        (
            "{ name = 'a', rights = 'read' }",
            "the user 'a' has no password",
        ),
        ("{ password = 'x' }", "a user has rights or commands"),
        (
            "{ password = 'x', commands = ['+no'] }",
            "there is no command 'no'",
        ),
        (
            "{ rights = 'read' }, { rights = 'admin' }",
            "two users of the same name, or of the same password",
        ),
        (
            "{ name = 'default', rights = 'read' }, { password = 'x', rights = 'admin' }",
            "more than one user is the default",
        ),
    ] {
        assert_eq!(users(wrong), Err(format!("pool p: {flaw}")), "{wrong}");
    }
}

#[test]
fn a_file_may_say_everything() {
    let configuration = parse(FULL).unwrap();
    assert_eq!(configuration.threads, Some(2));
    assert_eq!(configuration.admin.as_deref(), Some("127.0.0.1:9121"));
    let [cache, groups, slots] = &configuration.pools[..] else {
        panic!();
    };
    assert_eq!(
        (cache.hash, cache.distribution),
        (Hash::Murmur, Distribution::Modula)
    );
    let labels: Vec<&str> = cache.servers.iter().map(|s| s.label.as_str()).collect();
    assert_eq!(labels, ["b", "127.0.0.1"]);
    assert_eq!(
        (cache.unread_max, cache.memory_max, cache.hold_ms),
        (1 << 20, 5, 3)
    );
    assert_eq!((cache.permissions, cache.slow_us), (Some(0o660), Some(500)));
    assert!(cache.ejection.automatic && cache.preconnect);
    assert_eq!(groups.groups.as_ref().unwrap().hash, GroupHash::Crc16);
    assert_eq!(groups.authorities.as_ref().unwrap().len(), 2);
    assert!(!groups.monitors[0].watches("get") && groups.monitors[0].watches("set"));
    assert_eq!(groups.reading.centres.as_ref().unwrap().local, 0);
    assert_eq!(slots.cluster.as_ref().unwrap().seeds.len(), 1);
    assert_eq!(slots.hash_tag, Some(*b"{}"));
}

#[test]
fn keys_move_between_pools_of_the_file() {
    let text = "[pool.a]\nlisten = \"h:1\"\nring.servers = [\"h:5:1\"]\n\
                [pool.b]\nlisten = \"h:2\"\ncluster.nodes = [\"h:6\"]\n\
                [pool.c]\nlisten = \"h:3\"\npassword = \"p\"\n\
                migrate = { from = \"a\", to = \"b\" }\n";
    let pool = &parse(text).unwrap().pools[2];
    assert!(pool.cluster.is_some() && pool.password.is_some());
    assert_eq!(
        (pool.name.as_str(), pool.listen.to_string().as_str()),
        ("c", "h:3")
    );
    assert_eq!(pool.source.as_ref().unwrap().name, "a");
    for (from, to) in [
        ("from = \"a\"", "from = \"b\""),
        ("from = \"a\"", "from = \"c\""),
        ("to = \"b\"", "to = \"x\""),
        ("password", "cluster.nodes = [\"h:6\"]\npassword"),
    ] {
        assert!(parse(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let error = parse("threads = 2\n\n[pool.a]\nlisten = 3\n").unwrap_err();
    assert_eq!(error.line, 4, "{error}");
    for (from, to) in [
        ("threads = 2", "threads = 0"),
        ("threads = 2", "nosuch = 2"),
        ("\"murmur\"", "\"nosuch\""),
        ("\"modula\"", "\"nosuch\""),
        ("\"{}\"", "\"{\""),
        ("\"1M\"", "\"1Q\""),
        ("\"0660\"", "\"9\""),
        ("connections = 2", "connections = 0"),
        ("127.0.0.1:6379:1 b", "127.0.0.1:6379:0 b"),
        ("127.0.0.1:6379:1 b", "127.0.0.1:6379:1 127.0.0.1"),
        ("127.0.0.1:26379", "nowhere"),
        ("centre = \"x\"\n", "centre = \"y\"\n"),
        ("centre = \"x\"\n", ""),
        ("key_at = 2", "key_at = 3"),
        ("spans_us = [1, 2]", "spans_us = [2, 1]"),
        ("password = \"x\", ", ""),
        ("cluster.nodes = [\"127.0.0.1:7000\"]", "cluster.nodes = []"),
        ("cluster.nodes = [\"127.0.0.1:7000\"]", ""),
        ("\"127.0.0.1:2\"", "\"127.0.0.1:1\""),
        ("slow_us = 500", "slow_us = 500\npass_users = true"),
        ("slow_us = 500", "slow_us = 500\nprotocol = \"memcached\""),
    ] {
        let text = FULL.replace(from, to);
        assert!(text != FULL && parse(&text).is_err(), "{to}");
    }
    assert!(parse("").is_err());
}

#[test]
fn the_example_that_readers_are_given_is_good() {
    let page = include_str!("../../../../../docs/proxy.md");
    let blocks = page.split("```toml\n").skip(1);
    let texts: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!texts.is_empty());
    for text in texts {
        let configuration = parse(text).unwrap();
        assert_eq!(configuration.pools.len(), 2);
    }
}
