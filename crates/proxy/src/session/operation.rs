//! What operators ask the proxy for: `SLOWLOG`, and `PROXY` with its verbs.

use super::{Flow, Session};

const SLOW_DEFAULT: i64 = 10;
const HOT_DEFAULT: i64 = 10;

const HELP: &[&str] = &[
    "PROXY <verb> [<arg> ...]. Verbs are:",
    "HOTKEYS [<count>]",
    "    The keys that most requests are about, and about how many of late.",
    "ROUTE <key>",
    "    The server of a key's writes.",
    "RELOAD",
    "    Read the configuration file again.",
];

impl Session {
    pub(super) fn slow_log(&mut self, words: &[&[u8]]) -> Flow {
        let slow = &self.client.backend.pool.slow;
        let verb = words
            .first()
            .copied()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match (verb.as_slice(), &words[1.min(words.len())..]) {
            (b"get", rest @ ([] | [_])) => {
                let count = rest
                    .first()
                    .map_or(Some(SLOW_DEFAULT), |w| stdx::number::parse_i64(w));
                let count = match count {
                    Some(-1) => usize::MAX,
                    Some(count @ 0..) => count as usize,
                    _ => return self.error("ERR count should be greater than or equal to -1"),
                };
                let list = slow.newest(count);
                self.reply(|reply| {
                    reply.array(list.len());
                    for slow in &list {
                        reply.array(6);
                        reply.integer(slow.id as i64);
                        reply.integer(slow.at as i64);
                        reply.integer(slow.took_us as i64);
                        reply.array(slow.words.len());
                        slow.words.iter().for_each(|word| reply.bulk(word));
                        // Where other servers name the client: whose fault it was matters more.
                        reply.bulk(slow.server.as_bytes());
                        reply.bulk(b"");
                    }
                });
            }
            (b"len", []) => {
                let len = slow.len() as i64;
                self.reply(|reply| reply.integer(len));
            }
            (b"reset", []) => {
                slow.reset();
                return self.ok();
            }
            _ => return self.error("ERR SLOWLOG is one of GET [count], LEN, RESET"),
        }
        Flow::Next
    }

    pub(super) fn operate(&mut self, words: &[&[u8]]) -> Flow {
        let verb = words
            .first()
            .copied()
            .unwrap_or_default()
            .to_ascii_lowercase();
        match (verb.as_slice(), &words[1.min(words.len())..]) {
            (b"hotkeys", rest @ ([] | [_])) => {
                let count = rest
                    .first()
                    .map_or(Some(HOT_DEFAULT), |w| stdx::number::parse_i64(w));
                let Some(count) = count.and_then(|count| usize::try_from(count).ok()) else {
                    return self.error("ERR value is not an integer or out of range");
                };
                let hottest = self.client.backend.pool.hot.hottest(count);
                self.reply(|reply| {
                    reply.array(hottest.len() * 2);
                    for (key, requests) in &hottest {
                        reply.bulk(key);
                        reply.integer(*requests as i64);
                    }
                });
            }
            (b"route", [key]) => {
                let backend = &self.client.backend;
                let server = backend
                    .unit_of(key)
                    .and_then(|unit| backend.master_of(unit));
                let server =
                    server.map(|server| backend.view().servers[server].address.to_string());
                self.reply(|reply| match &server {
                    Some(address) => reply.bulk(address.as_bytes()),
                    None => reply.null(),
                });
            }
            (b"reload", []) => {
                let control = &self.client.backend.pool.control;
                if let Err(what) = crate::program::read(&control.path) {
                    return self.error(&format!("ERR {}", what.replace(['\r', '\n'], " ")));
                }
                control.reload.notify_one();
                return self.ok();
            }
            (b"help", []) => self.reply(|reply| {
                reply.array(HELP.len());
                HELP.iter().for_each(|line| reply.simple(line));
            }),
            _ => {
                return self
                    .error("ERR unknown verb or wrong number of arguments. Try PROXY HELP.");
            }
        }
        Flow::Next
    }
}
