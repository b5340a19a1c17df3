//! `DEBUG PROTOCOL`: a sample of every type of reply, for tests of clients.

use engine::{Args, CommandResult, Context, Error};
use resp::Protocol;

#[allow(clippy::approx_constant, reason = "clients expect this very number")]
const DOUBLE: f64 = 3.141;

pub(super) fn sample(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let reply = &mut cx.reply;
    let name = args.keyword();
    Ok(
        match name
            .as_ref()
            .map(|name| name.as_bytes())
            .unwrap_or_default()
        {
            b"STRING" => reply.bulk(b"Hello World"),
            b"INTEGER" => reply.integer(12345),
            b"DOUBLE" => reply.double(DOUBLE),
            b"NULL" => reply.null(),
            b"ARRAY" => {
                let mut array = reply.array(3);
                (0..3).for_each(|number| array.integer(number));
                array.done()
            }
            b"SET" => {
                let mut set = reply.set(3);
                (0..3).for_each(|number| set.integer(number));
                set.done()
            }
            b"MAP" => {
                let mut map = reply.map(3);
                for number in 0..3 {
                    map.integer(number);
                    let _value = map.element().boolean(number == 1);
                }
                map.done()
            }
            b"ATTRIB" => return attribute(cx),
            b"PUSH" => return push(cx),
            b"BIGNUM" => reply.big_number(b"1234567999999999999999999999999999999"),
            b"VERBATIM" => reply.verbatim(b"This is a verbatim\nstring"),
            b"TRUE" => reply.boolean(true),
            b"FALSE" => reply.boolean(false),
            _ => {
                return Err(Error::text(
                    "ERR Wrong protocol type name. Please use one of the following: string|integer|\
                 double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
                ));
            }
        },
    )
}

/// A reply with an attribute in front, which only RESP3 has.
fn attribute(cx: &mut Context<'_>) -> CommandResult {
    if cx.reply.protocol() == Protocol::Resp3 {
        let mut pairs = cx.reply.attribute(1);
        pairs.bulk(b"key-popularity");
        let mut value = pairs.element().array(2);
        value.bulk(b"key:123");
        value.integer(90);
        let _value = value.done();
        let _pairs = pairs.done();
    }
    Ok(cx.reply.bulk(b"Some real reply following the attribute"))
}

/// A message nobody asked for, then a reply.
fn push(cx: &mut Context<'_>) -> CommandResult {
    if cx.reply.protocol() == Protocol::Resp2 {
        let text = "ERR RESP2 is not supported by this command";
        return Err(Error::text(text));
    }
    let mut message = cx.reply.push(2);
    message.bulk(b"server-cpu-usage");
    message.integer(42);
    let _message = message.done();
    Ok(cx.reply.bulk(b"Some real reply following the push reply"))
}
