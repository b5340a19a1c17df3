//! `CLIENT LIST` and `CLIENT INFO`: one line per connection.

use std::sync::Arc;

use engine::clients::{Client, ClientFlags, ClientId, Request};
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Engine, Error};
use stdx::number::parse_i64;

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
        cx.engine.describe(client, request, &mut text);
        text.push('\n');
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
        match client {
            client if client.has(ClientFlags::PRIMARY) => Kind::Master,
            client if client.has(ClientFlags::REPLICA) => Kind::Replica,
            client if client.has(ClientFlags::PUBSUB) => Kind::Pubsub,
            _ => Kind::Normal,
        }
    }
}
