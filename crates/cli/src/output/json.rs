//! JSON, for programs.

use resp::value::Value;
use stdx::text::quote;

/// `ascii`: strings hold nothing but ASCII, other bytes as `\\xhh`.
pub fn write(value: &Value, ascii: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::NullArray => out.extend_from_slice(b"null"),
        Value::Error(text) => {
            out.extend_from_slice(b"error:");
            string(text, ascii, out);
        }
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(_, text) => {
            string(text, ascii, out);
        }
        Value::Double(text) | Value::BigNumber(text) => out.extend_from_slice(text),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Array(values) | Value::Set(values) | Value::Push(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(value, ascii, out);
            }
            out.push(b']');
        }
        Value::Map(pairs) | Value::Attribute(pairs) => {
            out.push(b'{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                name(key, ascii, out);
                out.push(b':');
                write(value, ascii, out);
            }
            out.push(b'}');
        }
    }
}

/// The name of a member is always a string: of another value, its text.
fn name(key: &Value, ascii: bool, out: &mut Vec<u8>) {
    match key {
        Value::Simple(_) | Value::Bulk(_) | Value::Verbatim(..) | Value::Error(_) => {
            write(key, ascii, out);
        }
        other => {
            let mut text = Vec::new();
            write(other, ascii, &mut text);
            string(&text, ascii, out);
        }
    }
}

fn string(text: &[u8], ascii: bool, out: &mut Vec<u8>) {
    if ascii {
        return quoted(text, out);
    }
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// In the notation of the standard format, with backslashes doubled. A quotation mark within stays
/// as that notation writes it, which is what programs that read this have to expect.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let mut notation = Vec::new();
    quote(text, &mut notation);
    for byte in notation {
        if byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
}
