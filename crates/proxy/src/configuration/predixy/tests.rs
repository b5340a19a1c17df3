use super::*;

fn parse_text(text: &str) -> Result<Configuration, Refusal> {
    let include = |path: &Path| match path.to_str() {
        Some("conf/sentinel.conf") => Ok(SENTINELS.to_owned()),
        Some("conf/loop.conf") => Ok("Include loop.conf\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    parse(text, Path::new("conf/predixy.conf"), &include)
}

const SENTINELS: &str = "\
SentinelServerPool {
    Databases 16
    Hash crc16
    HashTag \"{}\"
    Distribution modula
    MasterReadPriority 60
    StaticSlaveReadPriority 50
    DynamicSlaveReadPriority 40
    RefreshInterval 500ms
    ServerTimeout 1
    Sentinels {
        + 127.0.0.1:26379
        + 127.0.0.1:26380
    }
    Group ooxx {
    }
    Group xxoo {
    }
}
";

#[test]
fn files_include_others() {
    let text = "\
# The proxy.
Name \"Sample # 1\"
bind 127.0.0.1:7617
WorkerThreads 2   # two
Include sentinel.conf
Authority {
    Auth {
        Mode read
        KeyPrefix User Stats
    }
    Auth \"#a \\\"complex\\\" password#\" {
        Mode admin
    }
}
LogRotate 1d 2G
";
    let configuration = parse_text(text).unwrap();
    assert_eq!(configuration.threads, Some(2));
    let pool = &configuration.pools[0];
    assert_eq!(pool.name, "Sample # 1");
    assert_eq!((pool.timeout_ms, pool.hash_tag), (1000, Some(*b"{}")));
    let groups = pool.groups.as_ref().unwrap();
    let names: Vec<&str> = groups
        .list
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(
        (names, groups.hash),
        (vec!["ooxx", "xxoo"], GroupHash::Crc16)
    );
    assert_eq!((groups.refresh_ms, groups.dbs), (500, 16));
    let Follow::Sentinels { addresses, .. } = &groups.follow else {
        panic!("{groups:?}");
    };
    assert_eq!(addresses.len(), 2);
    let authorities = pool.authorities.as_ref().unwrap();
    assert_eq!(
        authorities[0].read_keys.as_deref().unwrap(),
        ["User", "Stats"].map(|prefix| KeyPattern::Prefix(prefix.to_owned()))
    );
    assert_eq!(authorities[1].password, "#a \"complex\" password#");
    assert_eq!(authorities[1].rights, Rights::Admin);
}

#[test]
fn fixed_groups_name_their_servers() {
    let text = "\
StandaloneServerPool {
    RefreshMethod fixed
    Password secret
    Group a {
        + 127.0.0.1:6379
        + other@127.0.0.1:6380
    }
}
";
    let pool = &parse_text(text).unwrap().pools[0];
    assert_eq!(pool.servers.len(), 2);
    assert_eq!(pool.server_password.as_deref(), Some("secret"));
    assert_eq!(pool.listen.to_string(), "0.0.0.0:7617");
}

const EXTRAS: &str = "\
Include sentinel.conf
MaxMemory 1G
LocalDC sh
DataCenter {
    DC bj {
        AddrPrefix {
            + 10.1
        }
    }
    DC sh {
        AddrPrefix {
            + 10.2
            + 10.1.9
        }
        ReadPolicy {
            sh 50
            bj 20 5
        }
    }
}
LatencyMonitor get {
    Commands {
        + all
        - get
        + get
        - blpop
    }
    TimeSpan {
        + 100
        + 1000
    }
}
CustomCommand {
    json.get {
        Mode read|keyAt2
        MinArgs 3
        MaxArgs 9
    }
    json.one {
    }
}
";

#[test]
fn blocks_beside_the_pool_are_understood() {
    let pool = &parse_text(EXTRAS).unwrap().pools[0];
    assert_eq!(pool.memory_max, 1 << 30);
    let centres = pool.reading.centres.as_ref().unwrap();
    let of = |host: &str| {
        let host = host.to_owned();
        centres.of(&Address::Tcp { host, port: 1 })
    };
    // The longest beginning counts.
    assert_eq!(
        [
            of("10.1.2.3"),
            of("10.1.9.3"),
            of("10.2.0.1"),
            of("10.3.0.1")
        ],
        [Some(0), Some(1), Some(1), None]
    );
    assert_eq!(centres.local, 1);
    assert_eq!(centres.list[1].policy[1].weight, 5);
    let monitor = &pool.monitors[0];
    let watched = ["get", "set", "blpop"].map(|name| monitor.watches(name));
    assert_eq!(watched, [true, true, false]);
    let (get, one) = (&pool.custom[0], &pool.custom[1]);
    assert_eq!(
        (get.rights, get.key_at, get.words_max),
        (Rights::Read, 2, 9)
    );
    assert_eq!(
        (one.rights, one.key_at, one.words_min),
        (Rights::Write, 1, 2)
    );
    for (from, to) in [
        ("LocalDC sh\n", ""),
        ("bj 20 5", "nosuch 20 5"),
        ("+ 1000", "+ 100"),
        ("MinArgs 3", "MinArgs 10"),
        ("keyAt2", "keyAt9"),
        ("1G", "1X"),
    ] {
        assert!(parse_text(&EXTRAS.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for text in [
        "",
        "Nosuch 1\nInclude sentinel.conf\n",
        "Include sentinel.conf\nInclude sentinel.conf\n",
        "Include nosuch.conf\n",
        "Include loop.conf\n",
        "}\n",
        "SentinelServerPool {\n",
        "SentinelServerPool {\n Group a {\n }\n}\n",
        "StandaloneServerPool {\n RefreshMethod fixed\n Group a {\n }\n}\n",
        "StandaloneServerPool {\n Group a {\n + 1:1\n }\n}\n",
        "WorkerThreads 0\nInclude sentinel.conf\n",
        "Name \"x\nInclude sentinel.conf\n",
    ] {
        assert!(parse_text(text).is_err(), "{text}");
    }
    let two = SENTINELS.replace("    Hash crc16\n", "");
    assert!(parse_text(&two).unwrap_err().to_string().contains("`Hash`"));
}
