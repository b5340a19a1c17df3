//! `HELLO`: the version of the protocol, a password and a name, all or none.

use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error};
use resp::Protocol;
use stdx::number::parse_i64;

use super::{ANYONE, credentials, speak};
use crate::VERSION;
use crate::client::name;

pub(crate) static HELLO: Command = Command {
    name: "hello",
    syntax: "[protover [AUTH username password] [SETNAME clientname]]",
    summary: "Agrees on the protocol, and tells about the server.",
    since: "6.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(1),
    flags: ANYONE,
    acl: Acl::CONNECTION,
    handler: hello,
    history: &[(
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports the current \
         connection's context.",
    )],
    ..Command::BLANK
};

fn hello(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let greeting = Greeting::parse(cx, args)?;
    let known = cx.session.authenticated
        || greeting.user.is_some()
        || cx.engine.config.load().security.password.is_empty();
    if !known {
        return Err(Error::text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and select \
             the RESP protocol version at the same time",
        ));
    }
    if let Some(user) = greeting.user {
        cx.session.authenticate(user);
    }
    if let Some(name) = greeting.name {
        cx.session.set_name(name);
    }
    if let Some(protocol) = greeting.protocol {
        speak(cx, protocol);
    }
    Ok(introduce(cx))
}

/// What the client asked for. Nothing has been done yet.
#[derive(Default)]
struct Greeting<'a> {
    protocol: Option<Protocol>,
    /// A user whose password was right.
    user: Option<&'static str>,
    name: Option<&'a str>,
}

impl<'a> Greeting<'a> {
    fn parse(cx: &mut Context<'_>, args: &mut Args<'a>) -> Result<Greeting<'a>, Error> {
        let mut greeting = Greeting::default();
        if args.is_empty() {
            return Ok(greeting);
        }
        greeting.protocol = Some(protocol(args.bytes()?)?);
        while let Some(option) = args.peek_keyword() {
            match (option.as_bytes(), args.rest()) {
                (b"AUTH", [_, user, password, ..]) => {
                    let at = args.words().len() - args.len();
                    cx.redact(at + 1);
                    cx.redact(at + 2);
                    greeting.user = Some(credentials::check(cx, user, password)?);
                    args.skip(3);
                }
                (b"SETNAME", [_, word, ..]) => {
                    greeting.name = Some(name::valid(word)?);
                    args.skip(2);
                }
                (_, rest) => {
                    let text = [b"ERR Syntax error in HELLO option '", rest[0], b"'"].concat();
                    return Err(Error::Bytes(text));
                }
            }
        }
        Ok(greeting)
    }
}

fn protocol(word: &[u8]) -> Result<Protocol, Error> {
    match parse_i64(word) {
        Some(2) => Ok(Protocol::Resp2),
        Some(3) => Ok(Protocol::Resp3),
        Some(_) => Err(Error::text("NOPROTO unsupported protocol version")),
        None => {
            let text = "ERR Protocol version is not an integer or out of range";
            Err(Error::text(text))
        }
    }
}

fn introduce(cx: &mut Context<'_>) -> engine::reply::Done {
    let version = match cx.reply.protocol() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let mode = match cx.engine.cluster.is_on() {
        true => "cluster",
        false => "standalone",
    };
    let role = match cx.engine.standing.is_replica() {
        true => "replica",
        false => "master",
    };
    // A Sentinel has no data, and so no role.
    let identity: &[(&str, &str)] = match cx.config.sentinel.is_on {
        true => &[("mode", "sentinel")],
        false => &[("mode", mode), ("role", role)],
    };
    let mut map = cx.reply.map(5 + identity.len());
    for (field, value) in [("server", "redis"), ("version", VERSION)] {
        map.bulk(field.as_bytes());
        map.bulk(value.as_bytes());
    }
    map.bulk(b"proto");
    map.integer(version);
    map.bulk(b"id");
    map.integer(cx.session.client.id.0 as i64);
    for (field, value) in identity {
        map.bulk(field.as_bytes());
        map.bulk(value.as_bytes());
    }
    map.bulk(b"modules");
    let _none = map.element().array(0).done();
    map.done()
}
