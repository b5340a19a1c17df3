//! One line of values, however deep they are nested.

use resp::value::Value;
use stdx::text::quote;

pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::NullArray => out.extend_from_slice(b"NULL"),
        Value::Error(text) => {
            out.extend_from_slice(b"ERROR,");
            quote(text, out);
        }
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(_, text) => quote(text, out),
        Value::Double(text) | Value::BigNumber(text) => out.extend_from_slice(text),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Array(values) | Value::Set(values) | Value::Push(values) => {
            separated(values.iter(), out);
        }
        Value::Map(pairs) | Value::Attribute(pairs) => {
            separated(pairs.iter().flat_map(|(key, value)| [key, value]), out);
        }
    }
}

fn separated<'a>(values: impl Iterator<Item = &'a Value>, out: &mut Vec<u8>) {
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(value, out);
    }
}
