//! `CLIENT KILL`: by address, or whoever matches every filter.

use engine::clients::{Client, ClientId};
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::number::parse_i64;

use super::OTHERS;
use super::list::Kind;

pub(super) static KILL: Command = Command {
    name: "kill",
    syntax: "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | \
             [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]> [...]>",
    summary: "Closes the connections that match.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    arity: Arity::AtLeast(3),
    flags: OTHERS,
    acl: Acl::CONNECTION,
    handler: kill,
    history: &[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        (
            "5.0.0",
            "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward \
             compatibility.",
        ),
        ("6.2.0", "`LADDR` option."),
    ],
    ..Command::BLANK
};

fn kill(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if let [addr] = *args.rest() {
        let filter = Filter {
            addr: Some(addr),
            ..Filter::default()
        };
        return match kill_matching(cx, &filter) {
            0 => Err(Error::text("ERR No such client")),
            _ => Ok(cx.reply.ok()),
        };
    }
    let filter = Filter::parse(args)?;
    let killed = kill_matching(cx, &filter);
    Ok(cx.reply.count(killed))
}

fn kill_matching(cx: &mut Context<'_>, filter: &Filter<'_>) -> usize {
    let own = cx.session.client.id;
    let mut clients = cx.engine.clients.all();
    clients.retain(|client| filter.matches(client) && !(filter.skip_me && client.id == own));
    for client in &clients {
        if client.id == own {
            // The one who asks is told how many went.
            cx.session.close_after_reply();
        } else {
            cx.engine.kill(client);
        }
    }
    clients.len()
}

/// What a connection has to be. What is not asked for is `None`.
#[derive(Default)]
struct Filter<'a> {
    id: Option<ClientId>,
    kind: Option<Kind>,
    user: Option<&'a [u8]>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    skip_me: bool,
}

impl<'a> Filter<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Filter<'a>, Error> {
        let mut filter = Filter {
            skip_me: true,
            ..Filter::default()
        };
        while let Some(option) = args.keyword() {
            let value = args.bytes()?;
            match option.as_bytes() {
                b"ID" => filter.id = Some(id(value)?),
                b"TYPE" => filter.kind = Some(Kind::named(value)?),
                b"USER" => filter.user = Some(user(value)?),
                b"ADDR" => filter.addr = Some(value),
                b"LADDR" => filter.laddr = Some(value),
                b"SKIPME" if value.eq_ignore_ascii_case(b"yes") => filter.skip_me = true,
                b"SKIPME" if value.eq_ignore_ascii_case(b"no") => filter.skip_me = false,
                _ => return Err(Error::Syntax),
            }
        }
        Ok(filter)
    }

    fn matches(&self, client: &Client) -> bool {
        let is = |wanted: Option<&[u8]>, text: &str| {
            wanted.is_none_or(|wanted| wanted == text.as_bytes())
        };
        self.id.is_none_or(|id| id == client.id)
            && self.kind.is_none_or(|kind| kind == Kind::of(client))
            && is(self.user, &client.user.lock())
            && is(self.addr, &client.endpoints.addr)
            && is(self.laddr, &client.endpoints.laddr)
    }
}

fn id(word: &[u8]) -> Result<ClientId, Error> {
    match parse_i64(word) {
        Some(id @ 1..) => Ok(ClientId(id as u64)),
        _ => Err(Error::text("ERR client-id should be greater than 0")),
    }
}

fn user(name: &[u8]) -> Result<&[u8], Error> {
    if name == b"default" {
        return Ok(name);
    }
    let text = [b"ERR No such user '", name, b"'"].concat();
    Err(Error::Bytes(text))
}
