//! Sessions that operators wrote down with `redis-cli` and proxies before their servers, replayed
//! through our command line and Debian's. What made the proxies of then hang up is answered.

use std::path::Path;

use crate::arena::{Backend, arena};
use crate::groups::{Predixy, fixed};
use crate::process::{OCHRE, Process};

const REDIS_CLI: &str = "/usr/bin/redis-cli";

/// What each line that is typed prints, by one program and by the other if it is there.
#[track_caller]
fn play(port: u16, turns: &[(&str, &str)]) {
    let port = port.to_string();
    let typed: String = turns.iter().map(|(line, _)| format!("{line}\n")).collect();
    let expected: String = turns
        .iter()
        .map(|(_, print)| format!("{print}\n"))
        .collect();
    for program in [OCHRE, REDIS_CLI] {
        if !Path::new(program).exists() {
            eprintln!("skipped: {program} is not installed");
            continue;
        }
        let args = ["-p", &port, "--no-raw"];
        let ended = Process::start(Path::new(program), "redis-cli", &args, &typed).end();
        assert_eq!(ended.output, expected, "{program}");
    }
}

#[test]
fn a_pool_of_twemproxy_answers_what_it_used_to_hang_up_on() {
    let (backends, proxy) = arena(2, &["hash: fnv1a_64", "distribution: ketama"]);
    play(
        proxy.port,
        &[
            ("set k1 sss", "OK"),
            ("set k2 sss", "OK"),
            ("set k1 sss", "OK"),
            ("get k2", "\"sss\""),
            ("del k2", "(integer) 1"),
            ("keys *", "1) \"k1\""),
            ("MULTI", "OK"),
            ("set k1 ttt", "QUEUED"),
            ("exec", "1) OK"),
            ("get k1", "\"ttt\""),
        ],
    );
    for backend in &backends {
        let there = backend.connect().ask("EXISTS k1");
        play(
            backend.port,
            &[match there.as_str() {
                ":1" => ("keys *", "1) \"k1\""),
                _ => ("keys *", "(empty array)"),
            }],
        );
    }
}

#[test]
fn groups_of_predixy_have_transactions() {
    let (first, second) = (Backend::start(), Backend::start());
    let proxy = Predixy::start("", &fixed(&[&first, &second]));
    play(
        proxy.port,
        &[
            ("set k1 sdfsdf", "OK"),
            ("get k1", "\"sdfsdf\""),
            ("set k2 sdfsdf", "OK"),
            ("get k2", "\"sdfsdf\""),
            ("set {oo}k1 sdfsdfsdfs", "OK"),
            ("set {oo}k2 sdasdasfasfqad", "OK"),
            ("WATCH {oo}k1", "OK"),
            ("MULTI", "OK"),
            ("get {oo}k1", "QUEUED"),
            ("set {oo}k2 2222", "QUEUED"),
            ("exec", "1) \"sdfsdfsdfs\"\n2) OK"),
        ],
    );
    play(first.port, &[("keys *", "1) \"k1\"")]);
    play(second.port, &[("dbsize", "(integer) 3")]);
    let single = Predixy::start("", &fixed(&[&first]));
    play(
        single.port,
        &[
            ("set k1 sdasfa", "OK"),
            ("set k2 asdada", "OK"),
            ("MULTI", "OK"),
            ("get k1", "QUEUED"),
            ("set k2 2222", "QUEUED"),
            ("exec", "1) \"sdasfa\"\n2) OK"),
        ],
    );
}
