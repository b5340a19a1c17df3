//! A client in one line, as `CLIENT LIST` and the log show it.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use stdx::number::text_len;

use super::{Client, ClientFlags};
use crate::Engine;
use crate::command::CommandId;
use crate::pubsub::Scope;

/// The size of the request under way, which only the client that asks has.
#[derive(Clone, Copy, Default)]
pub struct Request {
    /// As it came over the wire.
    bytes: u64,
    /// Its words alone.
    word_bytes: u64,
}

impl Request {
    pub fn of(words: &[&[u8]]) -> Request {
        let header = |number: usize| 1 + text_len(number as i64) + 2;
        let word_bytes: usize = words.iter().map(|word| word.len()).sum();
        let headers: usize = words.iter().map(|word| header(word.len()) + 2).sum();
        Request {
            bytes: (header(words.len()) + headers + word_bytes) as u64,
            word_bytes: word_bytes as u64,
        }
    }
}

impl Engine {
    /// Describes a client in a line, without its end.
    pub fn describe(&self, client: &Client, request: Request, text: &mut String) {
        let written = self.write_line(client, request, text);
        written.expect("a string takes any text");
    }

    fn write_line(&self, client: &Client, request: Request, text: &mut String) -> std::fmt::Result {
        let now = self.now().0;
        let seconds_since = |moment: i64| (now - moment).max(0) / 1000;
        let relaxed = Ordering::Relaxed;
        let endpoints = &client.endpoints;
        write!(
            text,
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={}",
            client.id.0,
            endpoints.addr,
            endpoints.laddr,
            endpoints.fd,
            client.name.lock(),
            seconds_since(client.created_ms),
            seconds_since(client.last_use_ms.load(relaxed)),
            letters(client),
            client.db.load(relaxed),
        )?;
        write!(
            text,
            " sub={} psub={} ssub={} multi={}",
            client.subscriptions[Scope::Channel as usize].load(relaxed),
            client.subscriptions[Scope::Pattern as usize].load(relaxed),
            client.subscriptions[Scope::ShardChannel as usize].load(relaxed),
            client.queued.load(relaxed),
        )?;
        write_memory(client, request, text)?;
        write!(
            text,
            " cmd={} user={} redir=-1 resp={}",
            self.last_command(client),
            client.user.lock(),
            if client.resp3.load(relaxed) { 3 } else { 2 },
        )
    }

    fn last_command(&self, client: &Client) -> &str {
        match client.last_command.load(Ordering::Relaxed) {
            u16::MAX => "NULL",
            id => &self.table.get(CommandId(id)).full_name,
        }
    }
}

fn write_memory(client: &Client, request: Request, text: &mut String) -> std::fmt::Result {
    let (usage, relaxed) = (&client.usage, Ordering::Relaxed);
    let query = usage.query.load(relaxed) + request.bytes;
    let arguments = usage.arguments.load(relaxed) + request.word_bytes;
    let output = usage.output();
    // A request that came whole lies in its thread's buffer, and is its client's all the same.
    let total = usage.total() + request.bytes;
    // Replies are written by the thread's buffer too, so a client has a reply buffer of no size.
    write!(
        text,
        " qbuf={query} qbuf-free={} argv-mem={arguments} multi-mem={} rbs=0 rbp=0 obl=0 oll={} \
         omem={output} tot-mem={total} events={}",
        usage.query_free.load(relaxed),
        usage.queued.load(relaxed),
        u8::from(output > 0),
        if output > 0 { "rw" } else { "r" },
    )
}

const LETTERS: &[(ClientFlags, char)] = &[
    (ClientFlags::MONITOR, 'O'),
    (ClientFlags::REPLICA, 'S'),
    (ClientFlags::PRIMARY, 'M'),
    (ClientFlags::PUBSUB, 'P'),
    (ClientFlags::MULTI, 'x'),
    (ClientFlags::BLOCKED, 'b'),
];

const REPLICA_LETTERS: &[(ClientFlags, char)] = &[(ClientFlags::READS_REPLICA, 'r')];

const LAST_LETTERS: &[(ClientFlags, char)] = &[
    (ClientFlags::CLOSE_AFTER_REPLY, 'c'),
    (ClientFlags::KILLED, 'A'),
];

const CHOSEN_LETTERS: &[(ClientFlags, char)] =
    &[(ClientFlags::NO_EVICT, 'e'), (ClientFlags::NO_TOUCH, 'T')];

/// The client's flags, one letter each; `N` if there is none.
fn letters(client: &Client) -> String {
    let of = |known: &[(ClientFlags, char)]| -> String {
        let known = known.iter().filter(|(flag, _)| client.has(*flag));
        known.map(|(_, letter)| letter).collect()
    };
    let dirty = if client.is_dirty() { "d" } else { "" };
    // Those of the node itself are spared anyway.
    let is_peer = client.has(ClientFlags::REPLICA) || client.has(ClientFlags::PRIMARY);
    let chosen = if is_peer {
        String::new()
    } else {
        of(CHOSEN_LETTERS)
    };
    let unix = if client.endpoints.unix { "U" } else { "" };
    let (last, reads) = (of(LAST_LETTERS), of(REPLICA_LETTERS));
    let letters = [&of(LETTERS), dirty, &last, unix, &reads, &chosen];
    let letters = letters.concat();
    if letters.is_empty() {
        "N".to_owned()
    } else {
        letters
    }
}
