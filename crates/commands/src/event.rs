//! What happens to keys, by the names that listeners know.

use config::KeyspaceEvents;
use engine::context::Event;

pub(crate) const APPEND: Event = string("append");
pub(crate) const INCRBY: Event = string("incrby");
pub(crate) const INCRBYFLOAT: Event = string("incrbyfloat");
pub(crate) const PFADD: Event = string("pfadd");
pub(crate) const SET: Event = string("set");
pub(crate) const SETBIT: Event = string("setbit");
pub(crate) const SETRANGE: Event = string("setrange");

pub(crate) const HDEL: Event = hash("hdel");
pub(crate) const HINCRBY: Event = hash("hincrby");
pub(crate) const HINCRBYFLOAT: Event = hash("hincrbyfloat");
pub(crate) const HSET: Event = hash("hset");

pub(crate) const SORTSTORE: Event = list("sortstore");

pub(crate) const SADD: Event = set("sadd");
pub(crate) const SDIFFSTORE: Event = set("sdiffstore");
pub(crate) const SINTERSTORE: Event = set("sinterstore");
pub(crate) const SPOP: Event = set("spop");
pub(crate) const SREM: Event = set("srem");
pub(crate) const SUNIONSTORE: Event = set("sunionstore");

pub(crate) const GEORADIUSSTORE: Event = sorted_set("georadiusstore");
pub(crate) const GEOSEARCHSTORE: Event = sorted_set("geosearchstore");
pub(crate) const ZADD: Event = sorted_set("zadd");
pub(crate) const ZDIFFSTORE: Event = sorted_set("zdiffstore");
pub(crate) const ZINCR: Event = sorted_set("zincr");
pub(crate) const ZINTERSTORE: Event = sorted_set("zinterstore");
pub(crate) const ZPOPMAX: Event = sorted_set("zpopmax");
pub(crate) const ZPOPMIN: Event = sorted_set("zpopmin");
pub(crate) const ZRANGESTORE: Event = sorted_set("zrangestore");
pub(crate) const ZREM: Event = sorted_set("zrem");
pub(crate) const ZREMRANGEBYLEX: Event = sorted_set("zremrangebylex");
pub(crate) const ZREMRANGEBYRANK: Event = sorted_set("zremrangebyrank");
pub(crate) const ZREMRANGEBYSCORE: Event = sorted_set("zremrangebyscore");
pub(crate) const ZUNIONSTORE: Event = sorted_set("zunionstore");

pub(crate) const COPY_TO: Event = generic("copy_to");
pub(crate) const EXPIRE: Event = generic("expire");
pub(crate) const MOVE_FROM: Event = generic("move_from");
pub(crate) const MOVE_TO: Event = generic("move_to");
pub(crate) const RESTORE: Event = generic("restore");
pub(crate) const PERSIST: Event = generic("persist");
pub(crate) const RENAME_FROM: Event = generic("rename_from");
pub(crate) const RENAME_TO: Event = generic("rename_to");

const fn string(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::STRING, name)
}

const fn list(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::LIST, name)
}

const fn set(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::SET, name)
}

const fn hash(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::HASH, name)
}

const fn sorted_set(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::SORTED_SET, name)
}

const fn generic(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::GENERIC, name)
}

#[cfg(test)]
mod tests;
