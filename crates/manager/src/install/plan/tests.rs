use super::*;

fn instance(kind: Kind, init: Init) -> Instance {
    let port = kind.port();
    Instance {
        kind,
        port,
        config: kind.config(port),
        log: kind.log(port),
        data: kind.data(port),
        executable: "/usr/local/bin/ochre".into(),
        user: "redis".to_owned(),
        init,
        monitor: Some("mymaster 127.0.0.1 6379 2".to_owned()),
    }
}

fn files(steps: &[Step]) -> Vec<(String, String)> {
    let files = steps.iter().filter_map(|step| match step {
        Step::File { path, text, .. } => Some((path.display().to_string(), text.clone())),
        _ => None,
    });
    files.collect()
}

fn commands(steps: &[Step]) -> Vec<String> {
    let commands = steps.iter().filter_map(|step| match step {
        Step::Run(words) => Some(words.join(" ")),
        _ => None,
    });
    commands.collect()
}

#[test]
fn systemd_starts_a_server_and_hears_when_it_serves() {
    let steps = install(&instance(Kind::Server, Init::Systemd));
    let files = files(&steps);
    assert_eq!(files[0].0, "/etc/redis/6379.conf");
    let lines = "port 6379\nbind 127.0.0.1 -::1\nprotected-mode yes\ndaemonize no\nsupervised \
                 systemd\nlogfile /var/log/redis_6379.log\ndir /var/lib/redis/6379\n";
    assert!(files[0].1.contains(lines), "{}", files[0].1);
    assert_eq!(files[1].0, "/etc/systemd/system/redis_6379.service");
    for line in [
        "Type=notify",
        "ExecStart=/usr/local/bin/ochre server /etc/redis/6379.conf",
        "User=redis",
        "ReadWritePaths=/var/log/redis_6379.log /var/lib/redis/6379 /etc/redis",
        "WantedBy=multi-user.target",
    ] {
        assert!(files[1].1.lines().any(|found| found == line), "{line}");
    }
    let wanted = [
        "systemctl daemon-reload",
        "systemctl enable --now redis_6379",
    ];
    assert_eq!(commands(&steps), wanted);
    let steps = uninstall(&instance(Kind::Server, Init::Systemd));
    let wanted = [
        "systemctl disable --now redis_6379",
        "systemctl daemon-reload",
    ];
    assert_eq!(commands(&steps), wanted);
}

#[test]
fn a_script_starts_with_the_machine_if_somebody_starts_scripts() {
    let steps = |tool| install(&instance(Kind::Server, Init::Script(tool)));
    let chkconfig = [
        "chkconfig --add redis_6379",
        "chkconfig --level 345 redis_6379 on",
        "/etc/init.d/redis_6379 start",
    ];
    assert_eq!(commands(&steps(Some(Tool::Chkconfig))), chkconfig);
    let update = [
        "update-rc.d redis_6379 defaults",
        "/etc/init.d/redis_6379 start",
    ];
    assert_eq!(commands(&steps(Some(Tool::UpdateRc))), update);
    assert_eq!(commands(&steps(None)), ["/etc/init.d/redis_6379 start"]);
    let files = files(&steps(None));
    assert!(
        files[0]
            .1
            .contains("daemonize yes\npidfile /var/run/redis_6379.pid\n")
    );
    let command = "COMMAND='/usr/local/bin/ochre server /etc/redis/6379.conf'";
    assert!(files[1].1.contains(command), "{}", files[1].1);
}

#[test]
fn sentinels_and_proxies_are_started_in_their_own_way() {
    let sentinel = files(&install(&instance(Kind::Sentinel, Init::Systemd)));
    assert_eq!(sentinel[0].0, "/etc/redis/sentinel_26379/sentinel.conf");
    let line = "sentinel monitor mymaster 127.0.0.1 6379 2\n";
    assert!(sentinel[0].1.ends_with(line), "{}", sentinel[0].1);
    let proxy = files(&install(&instance(Kind::Proxy, Init::Systemd)));
    assert!(proxy[0].1.contains("listen = \"127.0.0.1:22121\""));
    let start = "ExecStart=/usr/local/bin/ochre proxy -c /etc/redis/proxy_22121.toml -o \
                 /var/log/redis-proxy_22121.log\n";
    assert!(proxy[1].1.contains(start), "{}", proxy[1].1);
    assert!(proxy[1].1.contains("Type=simple\n"));
}

#[test]
fn programs_of_one_purpose_are_not_told_it() {
    let mut server = instance(Kind::Server, Init::Systemd);
    server.executable = "/usr/bin/redis-server".into();
    let words = ["/usr/bin/redis-server", "/etc/redis/6379.conf"];
    assert_eq!(server.command(), words);
}
