//! Commands of Redis 7.0 that the crate `commands` does not have: rows as it would give them.
//! A test asks for a row's removal when `commands` takes its command up.

use super::*;

pub const SUPPLEMENT: &[Command] = &[
    Command::row("acl", -2, 0)
        .of(&[
            Command::row("cat", -2, 0),
            Command::row("deluser", -3, ADMIN),
            Command::row("dryrun", -4, ADMIN),
            Command::row("genpass", -2, 0),
            Command::row("getuser", 3, ADMIN),
            Command::row("help", 2, 0),
            Command::row("list", 2, ADMIN),
            Command::row("load", 2, ADMIN),
            Command::row("log", -2, ADMIN),
            Command::row("save", 2, ADMIN),
            Command::row("setuser", -3, ADMIN),
            Command::row("users", 2, ADMIN),
            Command::row("whoami", 2, 0),
        ]),
    Command::row("eval", -3, 0)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("eval_ro", -3, READ)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("evalsha", -3, 0)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("evalsha_ro", -3, READ)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("fcall", -3, 0)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("fcall_ro", -3, READ)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("function", -2, 0)
        .of(&[
            Command::row("delete", 3, WRITE)
                .to(Spread::Shards, Merge::AllSucceeded),
            Command::row("dump", 2, 0),
            Command::row("flush", -2, WRITE)
                .to(Spread::Shards, Merge::AllSucceeded),
            Command::row("help", 2, 0),
            Command::row("kill", 2, 0)
                .to(Spread::Shards, Merge::OneSucceeded),
            Command::row("list", -2, 0),
            Command::row("load", -3, WRITE)
                .to(Spread::Shards, Merge::AllSucceeded),
            Command::row("restore", -3, WRITE)
                .to(Spread::Shards, Merge::AllSucceeded),
            Command::row("stats", 2, 0)
                .to(Spread::Shards, Merge::Special),
        ]),
    Command::row("module", -2, 0)
        .of(&[
            Command::row("help", 2, 0),
            Command::row("list", 2, ADMIN),
            Command::row("load", -3, ADMIN),
            Command::row("loadex", -3, ADMIN),
            Command::row("unload", 3, ADMIN),
        ]),
    Command::row("proxy", -2, ADMIN),
    Command::row("script", -2, 0)
        .of(&[
            Command::row("debug", 3, 0),
            Command::row("exists", -3, 0)
                .to(Spread::Shards, Merge::And),
            Command::row("flush", -2, 0)
                .to(Spread::Nodes, Merge::AllSucceeded),
            Command::row("help", 2, 0),
            Command::row("kill", 2, 0)
                .to(Spread::Shards, Merge::OneSucceeded),
            Command::row("load", 3, 0)
                .to(Spread::Nodes, Merge::AllSucceeded),
        ]),
    Command::row("xack", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xadd", -5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xautoclaim", -6, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xclaim", -6, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xdel", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xgroup", -2, 0)
        .of(&[
            Command::row("create", -5, WRITE)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("createconsumer", 5, WRITE)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("delconsumer", 5, WRITE)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("destroy", 4, WRITE)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("help", 2, 0),
            Command::row("setid", -5, WRITE)
                .keys(&[Keys::range(2, 0, 1, 0)]),
        ]),
    Command::row("xinfo", -2, 0)
        .of(&[
            Command::row("consumers", 4, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("groups", 3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("help", 2, 0),
            Command::row("stream", -3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
        ]),
    Command::row("xlen", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xpending", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xrange", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xread", -4, READ | BLOCKING)
        .keys(&[Keys::behind("STREAMS", 1, -1, 1, 2)]),
    Command::row("xreadgroup", -7, WRITE | BLOCKING)
        .keys(&[Keys::behind("STREAMS", 4, -1, 1, 2)]),
    Command::row("xrevrange", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xsetid", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("xtrim", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
];
