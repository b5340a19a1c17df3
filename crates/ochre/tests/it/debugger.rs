//! Scripts under the debugger of Debian's server: what our command line prints is what
//! `redis-cli` prints, byte for byte.

use std::path::Path;

use crate::clusters::{REDIS_CLI, has_redis};
use crate::process::{Folder, OCHRE, Process};
use crate::side::Side;

const SCRIPT: &str = r#"local a = 1
local b = {1, "two", {x=3}}
redis.call('set', KEYS[1], ARGV[1])
local c = redis.call('get', KEYS[1])
redis.debug("seen", c, b)
if a == 1 then
  redis.breakpoint()
  a = a + 1
end
return {a, c}
"#;

const FAILS: &str = "local a = 1\nerror(\"boom\")\n";
const DOES_NOT_COMPILE: &str = "local a =\n";

/// What is typed, line by line.
const TYPED: &[&str] = &[
    "",
    "c\nc\nset k v\nget k\n",
    "s\nrestart\ns\ns\nquit\nget k\n",
    "n\nabort\nget foo\n",
    "b 4\nb 99\nb x\nb\nc\np c\nr\nr get\nredis nosuch\nc\nRestart\nc\n",
    "p\np KEYS\np ARGV\nw\ne redis.call(\"get\",\"foo\")\ne {1,{2}}\ne \"a\\nb\"\ne nil\ne true\n\
     e 1.5\nm 20\np KEYS\ne string.rep(\"x\",100)\nQUIT\n",
    "help set\n\nclear\nlist\ns\np b\nprint nothing\nb 6\nb -6\nb 0\nredis get foo\nr set foo 2\n\
     eval a\neval return a\ntrace\nt\nnext\nmaxlen 10\nmaxlen\nl 3\nlist 2 1\nlist x\nbogus\nc\n",
];

/// What a program prints that debugs `script` while `typed` is typed.
fn debug(program: &str, side: &mut Side, option: &str, script: &str, typed: &str) -> String {
    assert_eq!(side.wire.ask("FLUSHALL"), "+OK");
    let folder = Folder::new();
    let file = folder.file("script.lua", script);
    let port = side.port.to_string();
    let args = ["-p", &port, option, "--eval", &file, "foo", ",", "bar"];
    let ended = Process::start(Path::new(program), "redis-cli", &args, typed).end();
    format!("{}ended with {:?}\n", ended.output, ended.code)
}

#[test]
fn a_session_is_printed_as_the_original_prints_it() {
    if !has_redis() {
        return;
    }
    let folder = Folder::new();
    let mut side = Side::start(true, &folder, &[]);
    for option in ["--ldb", "--ldb-sync-mode"] {
        for script in [SCRIPT, FAILS, DOES_NOT_COMPILE] {
            for typed in TYPED {
                let theirs = debug(REDIS_CLI, &mut side, option, script, typed);
                let ours = debug(OCHRE, &mut side, option, script, typed);
                assert_eq!(ours, theirs, "{option} {typed:?}");
            }
        }
    }
}
