//! `CLIENT LIST` and `CLIENT INFO`: one line per connection.

use std::fmt::Write;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::clients::{Client, ClientFlags, ClientId};
use engine::command::CommandId;
use engine::pubsub::Scope;
use engine::session::Session;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Engine, Error};
use stdx::number::{parse_i64, text_len};

use super::{OTHERS, OWN};

pub(super) static INFO: Command = Command {
    name: "info",
    summary: "Describes this connection in a line.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: info,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn info(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let client = Arc::clone(&cx.session.client);
    show(cx, args, &[client])
}

pub(super) static LIST: Command = Command {
    name: "list",
    syntax: "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
    summary: "Describes every connection in a line, or those of a type or number.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    arity: Arity::AtLeast(2),
    flags: OTHERS,
    acl: Acl::CONNECTION,
    handler: list,
    tips: &["nondeterministic_output"],
    history: &[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        (
            "6.2.0",
            "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
        ),
        (
            "7.0.0",
            "Added `resp`, `multi-mem`, `rbs` and `rbp` fields.",
        ),
        ("7.0.3", "Added `ssub` field."),
    ],
    ..Command::BLANK
};

fn list(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let clients = match args.rest() {
        [] => cx.engine.clients.all(),
        [option, word] if option.eq_ignore_ascii_case(b"type") => {
            let wanted = Kind::named(word)?;
            let mut clients = cx.engine.clients.all();
            clients.retain(|client| Kind::of(client) == wanted);
            clients
        }
        [option, ids @ ..] if option.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
            by_ids(cx.engine, ids)?
        }
        _ => return Err(Error::Syntax),
    };
    show(cx, args, &clients)
}

fn by_ids(engine: &Engine, words: &[&[u8]]) -> Result<Vec<Arc<Client>>, Error> {
    let id = |word: &&[u8]| parse_i64(word).ok_or(Error::text("ERR Invalid client ID"));
    let ids: Vec<i64> = words.iter().map(id).collect::<Result<_, _>>()?;
    let known = |id: i64| engine.clients.get(ClientId(u64::try_from(id).ok()?));
    Ok(ids.into_iter().filter_map(known).collect())
}

fn show(cx: &mut Context<'_>, args: &Args<'_>, clients: &[Arc<Client>]) -> CommandResult {
    let mut text = String::new();
    for client in clients {
        let request = match client.id == cx.session.client.id {
            true => Request::of(args.words()),
            false => Request::default(),
        };
        line(cx, client, request, &mut text).expect("a string takes any text");
    }
    Ok(cx.reply.verbatim(text.as_bytes()))
}

/// What kind of client a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Master,
    Replica,
    Pubsub,
}

impl Kind {
    pub fn named(word: &[u8]) -> Result<Kind, Error> {
        Ok(match word.to_ascii_lowercase().as_slice() {
            b"normal" => Kind::Normal,
            b"master" => Kind::Master,
            b"slave" | b"replica" => Kind::Replica,
            b"pubsub" => Kind::Pubsub,
            _ => {
                let text = [b"ERR Unknown client type '", word, b"'"].concat();
                return Err(Error::Bytes(text));
            }
        })
    }

    /// Whoever is connected speaks for itself; a monitor does too.
    pub fn of(client: &Client) -> Kind {
        match client.has(ClientFlags::PUBSUB) {
            true => Kind::Pubsub,
            false => Kind::Normal,
        }
    }
}

/// The size of the request under way, which only the client that asks has.
#[derive(Clone, Copy, Default)]
struct Request {
    /// As it came over the wire.
    bytes: u64,
    /// Its words alone.
    word_bytes: u64,
}

impl Request {
    fn of(words: &[&[u8]]) -> Request {
        let header = |number: usize| 1 + text_len(number as i64) + 2;
        let word_bytes: usize = words.iter().map(|word| word.len()).sum();
        let headers: usize = words.iter().map(|word| header(word.len()) + 2).sum();
        Request {
            bytes: (header(words.len()) + headers + word_bytes) as u64,
            word_bytes: word_bytes as u64,
        }
    }
}

fn line(
    cx: &Context<'_>,
    client: &Client,
    request: Request,
    text: &mut String,
) -> std::fmt::Result {
    let now = cx.engine.now().0;
    let seconds_since = |moment: i64| (now - moment).max(0) / 1000;
    let relaxed = Ordering::Relaxed;
    let (input, capacity) = (
        client.query_bytes.load(relaxed) + request.bytes,
        client.query_capacity.load(relaxed),
    );
    let (queued_bytes, output) = (client.queued_bytes.load(relaxed), client.pending_output());
    let own = (size_of::<Client>() + size_of::<Session>()) as u64;
    let memory = own + capacity.max(input) + request.word_bytes + queued_bytes + output;
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
    // Replies are written by the worker's buffer, so a client has a reply buffer of no size.
    writeln!(
        text,
        " sub={} psub={} ssub={} multi={} qbuf={input} qbuf-free={} argv-mem={} multi-mem={} rbs=0 \
         rbp=0 obl=0 oll={} omem={output} tot-mem={memory} events={} cmd={} user={} redir=-1 \
         resp={}",
        client.subscriptions[Scope::Channel as usize].load(relaxed),
        client.subscriptions[Scope::Pattern as usize].load(relaxed),
        client.subscriptions[Scope::ShardChannel as usize].load(relaxed),
        client.queued.load(relaxed),
        capacity.saturating_sub(input),
        request.word_bytes,
        queued_bytes,
        u8::from(output > 0),
        if output > 0 { "rw" } else { "r" },
        last_command(cx.engine, client),
        client.user.lock(),
        if client.resp3.load(relaxed) { 3 } else { 2 },
    )
}

fn last_command<'e>(engine: &'e Engine, client: &Client) -> &'e str {
    match client.last_command.load(Ordering::Relaxed) {
        u16::MAX => "NULL",
        id => &engine.table.get(CommandId(id)).full_name,
    }
}

const LETTERS: &[(ClientFlags, char)] = &[
    (ClientFlags::MONITOR, 'O'),
    (ClientFlags::PUBSUB, 'P'),
    (ClientFlags::MULTI, 'x'),
    (ClientFlags::BLOCKED, 'b'),
    (ClientFlags::DIRTY, 'd'),
    (ClientFlags::CLOSE_AFTER_REPLY, 'c'),
    (ClientFlags::KILLED, 'A'),
];

const LAST_LETTERS: &[(ClientFlags, char)] =
    &[(ClientFlags::NO_EVICT, 'e'), (ClientFlags::NO_TOUCH, 'T')];

/// The client's flags, one letter each; `N` if there is none.
fn letters(client: &Client) -> String {
    let of = |known: &[(ClientFlags, char)]| -> String {
        let known = known.iter().filter(|(flag, _)| client.has(*flag));
        known.map(|(_, letter)| letter).collect()
    };
    let unix = if client.endpoints.unix { "U" } else { "" };
    let letters = of(LETTERS) + unix + &of(LAST_LETTERS);
    if letters.is_empty() {
        "N".to_owned()
    } else {
        letters
    }
}
