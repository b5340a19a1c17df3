use super::*;

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// A pool with these lines beside what it needs.
fn with(lines: &str) -> String {
    format!("alpha:\n  listen: 127.0.0.1:22121\n{lines}  servers:\n   - 127.0.0.1:6379:1\n")
}

#[test]
fn a_pool_has_what_the_file_says() {
    let text = "\
# Two pools, not in order.
omega:
  listen: /tmp/gamma 0666
  hash: hsieh
  distribution: modula
  auto_eject_hosts: false
  servers:
   - /tmp/a.sock:3
   - 127.0.0.1:11211:1
   - 10.0.0.1:6379:2 first
alpha:
  listen: 127.0.0.1:22121   # where clients come
  hash_tag: \"{}\"
  redis: true
  redis_auth: s3cret
  redis_db: 4
  timeout: 0400
  backlog: 1024
  preconnect: true
  server_connections: 2
  auto_eject_hosts: true
  server_retry_timeout: 2000
  server_failure_limit: 1
  servers:
  - '127.0.0.1:6379:1'
";
    let configuration = parse(text).unwrap();
    let [alpha, omega] = &configuration.pools[..] else {
        panic!("{configuration:?}");
    };
    assert_eq!(
        (alpha.name.as_str(), omega.name.as_str()),
        ("alpha", "omega")
    );
    assert_eq!(alpha.hash_tag, Some(*b"{}"));
    assert_eq!((alpha.timeout_ms, alpha.backlog, alpha.db), (400, 1024, 4));
    assert_eq!(alpha.password.as_deref(), Some("s3cret"));
    assert!(alpha.preconnect && alpha.ejection.automatic);
    assert_eq!(
        (alpha.ejection.retry_ms, alpha.ejection.failure_limit),
        (2000, 1)
    );
    assert_eq!(omega.listen, Address::Unix("/tmp/gamma".into()));
    assert_eq!(omega.permissions, Some(0o666));
    assert_eq!(
        (omega.hash, omega.distribution),
        (Hash::Hsieh, Distribution::Modula)
    );
    let labels: Vec<&str> = omega.servers.iter().map(|s| s.label.as_str()).collect();
    assert_eq!(labels, ["first", "127.0.0.1", "/tmp/a.sock:"]);
    assert_eq!(omega.servers[2].weight, 3);
}

#[test]
fn what_the_original_refuses_is_refused() {
    for lines in [
        "  foo: 1\n",
        "  hash_tag: {}\n",
        "  hash_tag: \"{\"\n",
        "  timeout: -1\n",
        "  timeout: 1s\n",
        "  preconnect: yes\n",
        "  redis_auth: x\n",
        "  listen: 127.0.0.1:22121\n",
        "  hash: fnv\n",
        "  distribution: ring\n",
        "  server_connections: 0\n",
        "  timeout:\n",
        "  timeout: \"\"\n",
        "  sentinels:\n   - 127.0.0.1:26379:1\n",
        "  timeout:\n    ms: 1\n",
        "  hash_tag: &x ab\n",
        "  timeout: 99999999999\n",
    ] {
        assert!(parse(&with(lines)).is_err(), "{lines}");
    }
    for text in [
        "",
        "alpha:\n",
        "alpha: 1\n",
        "{alpha: {listen: a, servers: [b]}}\n",
        "alpha:\n  listen: 127.0.0.1:1\n",
        "alpha:\n  servers:\n   - 127.0.0.1:6379:1\n",
        "alpha:\n  listen: 127.0.0.1\n  servers:\n   - 127.0.0.1:6379:1\n",
        "alpha:\n  listen: a:1\n  servers: [127.0.0.1:6379:1]\n",
        "alpha:\n  listen: a:1\n  servers:\n   - 127.0.0.1:6379:0\n",
        "alpha:\n  listen: a:1\n  servers:\n   - 127.0.0.1:6379\n",
        "alpha:\n  listen: a:1\n  servers:\n   - a:6379:1\n   - a:6379:2\n",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let document = format!("---\n{}", with(""));
    assert!(refused(&document).starts_with("line 1: more than one"));
    let twice = format!("{}{}", with(""), with(""));
    assert!(refused(&twice).contains("two pools are called alpha"));
    let same_place = format!("{}{}", with(""), with("").replace("alpha", "beta"));
    assert!(refused(&same_place).contains("two pools listen at 127.0.0.1:22121"));
}

#[test]
fn addresses_are_split_from_the_right() {
    let text = "a:\n  listen: \"::1:22121\"\n  servers:\n   - ::1:21002:1\n   - '[::2]:3:1 b:'\n";
    let pool = &parse(text).unwrap().pools[0];
    let tcp = |host: &str, port| Address::Tcp {
        host: host.to_owned(),
        port,
    };
    assert_eq!(pool.listen, tcp("::1", 22121));
    assert_eq!(pool.servers[0].label, "b:");
    assert_eq!(pool.servers[0].address, tcp("::2", 3));
    assert_eq!(pool.servers[1].label, "::1:21002");
}
