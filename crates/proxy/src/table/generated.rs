//! The commands that the crate `commands` has. Written by `cargo xtask codegen`.

use super::*;

pub const COMMANDS: &[Command] = &[
    Command::row("append", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("asking", 1, 0),
    Command::row("auth", -2, NO_AUTH),
    Command::row("bgrewriteaof", 1, ADMIN),
    Command::row("bgsave", -1, ADMIN),
    Command::row("bitcount", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("bitfield", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("bitfield_ro", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("bitop", -4, WRITE)
        .keys(&[Keys::range(2, 0, 1, 0),
               Keys::range(3, -1, 1, 0)]),
    Command::row("bitpos", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("blmove", 6, WRITE | BLOCKING)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("blmpop", -5, WRITE | BLOCKING)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("blpop", -3, WRITE | BLOCKING)
        .keys(&[Keys::range(1, -2, 1, 0)]),
    Command::row("brpop", -3, WRITE | BLOCKING)
        .keys(&[Keys::range(1, -2, 1, 0)]),
    Command::row("brpoplpush", 4, WRITE | BLOCKING)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("bzmpop", -5, WRITE | BLOCKING)
        .keys(&[Keys::counted(2, 0, 1, 1)]),
    Command::row("bzpopmax", -3, WRITE | BLOCKING)
        .keys(&[Keys::range(1, -2, 1, 0)]),
    Command::row("bzpopmin", -3, WRITE | BLOCKING)
        .keys(&[Keys::range(1, -2, 1, 0)]),
    Command::row("client", -2, 0)
        .of(&[
            Command::row("getname", 2, 0),
            Command::row("getredir", 2, 0),
            Command::row("help", 2, 0),
            Command::row("id", 2, 0),
            Command::row("info", 2, 0),
            Command::row("kill", -3, ADMIN),
            Command::row("list", -2, ADMIN),
            Command::row("no-evict", 3, ADMIN),
            Command::row("no-touch", 3, 0),
            Command::row("pause", -3, ADMIN),
            Command::row("reply", 3, 0),
            Command::row("setname", 3, 0),
            Command::row("trackinginfo", 2, 0),
            Command::row("unblock", -3, ADMIN),
            Command::row("unpause", 2, ADMIN),
        ]),
    Command::row("cluster", -2, 0)
        .of(&[
            Command::row("addslots", -3, ADMIN),
            Command::row("addslotsrange", -4, ADMIN),
            Command::row("bumpepoch", 2, ADMIN),
            Command::row("cancelslotmigrations", 2, ADMIN),
            Command::row("count-failure-reports", 3, ADMIN),
            Command::row("countkeysinslot", 3, 0),
            Command::row("delslots", -3, ADMIN),
            Command::row("delslotsrange", -4, ADMIN),
            Command::row("failover", -2, ADMIN),
            Command::row("flushslots", 2, ADMIN),
            Command::row("forget", 3, ADMIN),
            Command::row("getkeysinslot", 4, 0),
            Command::row("getslotmigrations", 2, ADMIN),
            Command::row("help", 2, 0),
            Command::row("info", 2, 0),
            Command::row("keyslot", 3, 0),
            Command::row("links", 2, 0),
            Command::row("meet", -4, ADMIN),
            Command::row("migrateslots", -7, ADMIN),
            Command::row("myid", 2, 0),
            Command::row("myshardid", 2, 0),
            Command::row("nodes", 2, 0),
            Command::row("replicas", 3, ADMIN),
            Command::row("replicate", 3, ADMIN),
            Command::row("reset", -2, ADMIN),
            Command::row("saveconfig", 2, ADMIN),
            Command::row("set-config-epoch", 3, ADMIN),
            Command::row("setslot", -4, ADMIN),
            Command::row("shards", 2, 0),
            Command::row("slaves", 3, ADMIN),
            Command::row("slots", 2, 0),
            Command::row("syncslots", -3, ADMIN | NO_MULTI),
        ]),
    Command::row("command", -1, 0)
        .of(&[
            Command::row("count", 2, 0),
            Command::row("docs", -2, 0),
            Command::row("getkeys", -4, 0),
            Command::row("getkeysandflags", -4, 0),
            Command::row("help", 2, 0),
            Command::row("info", -2, 0),
            Command::row("list", -2, 0),
        ]),
    Command::row("config", -2, 0)
        .of(&[
            Command::row("get", -3, ADMIN),
            Command::row("help", 2, 0),
            Command::row("resetstat", 2, ADMIN),
            Command::row("rewrite", 2, ADMIN),
            Command::row("set", -4, ADMIN)
                .to(Spread::Nodes, Merge::AllSucceeded),
        ]),
    Command::row("copy", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("dbsize", 1, READ)
        .to(Spread::Shards, Merge::Sum),
    Command::row("debug", -2, ADMIN),
    Command::row("decr", 2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("decrby", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("del", -2, WRITE)
        .keys(&[Keys::range(1, -1, 1, 0)])
        .to(Spread::EachKey, Merge::Sum),
    Command::row("discard", 1, 0),
    Command::row("dump", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("echo", 2, 0),
    Command::row("exec", 1, 0),
    Command::row("exists", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)])
        .to(Spread::EachKey, Merge::Sum),
    Command::row("expire", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("expireat", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("expiretime", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("failover", -1, ADMIN),
    Command::row("flushall", -1, WRITE)
        .to(Spread::Shards, Merge::AllSucceeded),
    Command::row("flushdb", -1, WRITE)
        .to(Spread::Shards, Merge::AllSucceeded),
    Command::row("geoadd", -5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("geodist", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("geohash", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("geopos", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("georadius", -6, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::behind("STORE", 6, 0, 1, 0),
               Keys::behind("STOREDIST", 6, 0, 1, 0)]),
    Command::row("georadius_ro", -6, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("georadiusbymember", -5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::behind("STORE", 5, 0, 1, 0),
               Keys::behind("STOREDIST", 5, 0, 1, 0)]),
    Command::row("georadiusbymember_ro", -5, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("geosearch", -7, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("geosearchstore", -8, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("get", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("getbit", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("getdel", 2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("getex", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("getrange", 4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("getset", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hdel", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hello", -1, NO_AUTH),
    Command::row("hexists", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hget", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hgetall", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hincrby", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hincrbyfloat", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hkeys", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hlen", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hmget", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hmset", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hrandfield", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hscan", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hset", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hsetnx", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hstrlen", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("hvals", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("incr", 2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("incrby", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("incrbyfloat", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("info", -1, 0)
        .to(Spread::Shards, Merge::Special),
    Command::row("keys", 2, READ)
        .to(Spread::Shards, Merge::Elements),
    Command::row("lastsave", 1, 0),
    Command::row("latency", -2, 0)
        .of(&[
            Command::row("doctor", 2, ADMIN)
                .to(Spread::Nodes, Merge::Special),
            Command::row("graph", 3, ADMIN)
                .to(Spread::Nodes, Merge::Special),
            Command::row("help", 2, 0),
            Command::row("histogram", -2, ADMIN)
                .to(Spread::Nodes, Merge::Special),
            Command::row("history", 3, ADMIN)
                .to(Spread::Nodes, Merge::Special),
            Command::row("latest", 2, ADMIN)
                .to(Spread::Nodes, Merge::Special),
            Command::row("reset", -2, ADMIN)
                .to(Spread::Nodes, Merge::AllSucceeded),
        ]),
    Command::row("lcs", -3, READ)
        .keys(&[Keys::range(1, 1, 1, 0)]),
    Command::row("lindex", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("linsert", 5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("llen", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lmove", 5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("lmpop", -4, WRITE)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("lolwut", -1, READ),
    Command::row("lpop", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lpos", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lpush", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lpushx", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lrange", 4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lrem", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("lset", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("ltrim", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("memory", -2, 0)
        .of(&[
            Command::row("doctor", 2, 0)
                .to(Spread::Shards, Merge::Special),
            Command::row("help", 2, 0),
            Command::row("malloc-stats", 2, 0)
                .to(Spread::Shards, Merge::Special),
            Command::row("purge", 2, 0)
                .to(Spread::Shards, Merge::AllSucceeded),
            Command::row("stats", 2, 0)
                .to(Spread::Shards, Merge::Special),
            Command::row("usage", -3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
        ]),
    Command::row("mget", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)])
        .to(Spread::EachKey, Merge::Elements),
    Command::row("migrate", -6, WRITE)
        .keys(&[Keys::range(3, 0, 1, 0),
               Keys::behind("KEYS", -2, -1, 1, 0)]),
    Command::row("monitor", 1, ADMIN),
    Command::row("move", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("mset", -3, WRITE)
        .keys(&[Keys::range(1, -1, 2, 0)])
        .to(Spread::EachKey, Merge::AllSucceeded),
    Command::row("msetnx", -3, WRITE)
        .keys(&[Keys::range(1, -1, 2, 0)])
        .to(Spread::EachKey, Merge::Least),
    Command::row("multi", 1, 0),
    Command::row("object", -2, 0)
        .of(&[
            Command::row("encoding", 3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("freq", 3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("help", 2, 0),
            Command::row("idletime", 3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
            Command::row("refcount", 3, READ)
                .keys(&[Keys::range(2, 0, 1, 0)]),
        ]),
    Command::row("persist", 2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("pexpire", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("pexpireat", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("pexpiretime", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("pfadd", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("pfcount", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("pfdebug", 3, WRITE | ADMIN)
        .keys(&[Keys::range(2, 0, 1, 0)]),
    Command::row("pfmerge", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, -1, 1, 0)]),
    Command::row("pfselftest", 1, ADMIN),
    Command::row("ping", -1, 0)
        .to(Spread::Shards, Merge::AllSucceeded),
    Command::row("psetex", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("psubscribe", -2, PUBSUB),
    Command::row("psync", -3, ADMIN | NO_MULTI),
    Command::row("pttl", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("publish", 3, PUBSUB),
    Command::row("pubsub", -2, 0)
        .of(&[
            Command::row("channels", -2, PUBSUB),
            Command::row("help", 2, 0),
            Command::row("numpat", 2, PUBSUB),
            Command::row("numsub", -2, PUBSUB),
            Command::row("shardchannels", -2, PUBSUB),
            Command::row("shardnumsub", -2, PUBSUB),
        ]),
    Command::row("punsubscribe", -1, PUBSUB),
    Command::row("quit", -1, NO_AUTH),
    Command::row("randomkey", 1, READ)
        .to(Spread::Shards, Merge::Elements),
    Command::row("readonly", 1, 0),
    Command::row("readwrite", 1, 0),
    Command::row("rename", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("renamenx", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("replconf", -1, ADMIN),
    Command::row("replicaof", 3, ADMIN),
    Command::row("reset", 1, NO_AUTH),
    Command::row("restore", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("restore-asking", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("role", 1, 0),
    Command::row("rpop", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("rpoplpush", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("rpush", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("rpushx", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("sadd", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("save", 1, ADMIN | NO_MULTI),
    Command::row("scan", -2, READ)
        .to(Spread::Special, Merge::Elements),
    Command::row("scard", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("sdiff", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("sdiffstore", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, -1, 1, 0)]),
    Command::row("select", 2, 0),
    Command::row("set", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("setbit", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("setex", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("setnx", 3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("setrange", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("shutdown", -1, ADMIN | NO_MULTI),
    Command::row("sinter", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("sintercard", -3, READ)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("sinterstore", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, -1, 1, 0)]),
    Command::row("sismember", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("slaveof", 3, ADMIN),
    Command::row("slowlog", -2, 0)
        .of(&[
            Command::row("get", -2, ADMIN)
                .to(Spread::Nodes, Merge::Elements),
            Command::row("help", 2, 0),
            Command::row("len", 2, ADMIN)
                .to(Spread::Nodes, Merge::Sum),
            Command::row("reset", 2, ADMIN)
                .to(Spread::Nodes, Merge::AllSucceeded),
        ]),
    Command::row("smembers", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("smismember", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("smove", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("sort", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("sort_ro", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("spop", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("spublish", 3, PUBSUB)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("srandmember", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("srem", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("sscan", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("ssubscribe", -2, PUBSUB)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("strlen", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("subscribe", -2, PUBSUB),
    Command::row("substr", 4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("sunion", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("sunionstore", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, -1, 1, 0)]),
    Command::row("sunsubscribe", -1, PUBSUB)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("swapdb", 3, WRITE),
    Command::row("sync", 1, ADMIN | NO_MULTI),
    Command::row("time", 1, 0),
    Command::row("touch", -2, READ)
        .keys(&[Keys::range(1, -1, 1, 0)])
        .to(Spread::EachKey, Merge::Sum),
    Command::row("ttl", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("type", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("unlink", -2, WRITE)
        .keys(&[Keys::range(1, -1, 1, 0)])
        .to(Spread::EachKey, Merge::Sum),
    Command::row("unsubscribe", -1, PUBSUB),
    Command::row("unwatch", 1, 0),
    Command::row("wait", 3, 0)
        .to(Spread::Shards, Merge::Least),
    Command::row("watch", -2, 0)
        .keys(&[Keys::range(1, -1, 1, 0)]),
    Command::row("zadd", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zcard", 2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zcount", 4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zdiff", -3, READ)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("zdiffstore", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::counted(2, 0, 1, 1)]),
    Command::row("zincrby", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zinter", -3, READ)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("zintercard", -3, READ)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("zinterstore", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::counted(2, 0, 1, 1)]),
    Command::row("zlexcount", 4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zmpop", -4, WRITE)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("zmscore", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zpopmax", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zpopmin", -2, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrandmember", -2, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrange", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrangebylex", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrangebyscore", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrangestore", -5, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::range(2, 0, 1, 0)]),
    Command::row("zrank", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrem", -3, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zremrangebylex", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zremrangebyrank", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zremrangebyscore", 4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrevrange", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrevrangebylex", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrevrangebyscore", -4, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zrevrank", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zscan", -3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zscore", 3, READ)
        .keys(&[Keys::range(1, 0, 1, 0)]),
    Command::row("zunion", -3, READ)
        .keys(&[Keys::counted(1, 0, 1, 1)]),
    Command::row("zunionstore", -4, WRITE)
        .keys(&[Keys::range(1, 0, 1, 0),
               Keys::counted(2, 0, 1, 1)]),
];
