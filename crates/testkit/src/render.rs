//! Replies as the command line shows them to a person.

use resp::value::Value;
use stdx::text::quote;

/// Shows a reply, each line ended by a line feed.
pub fn render(value: &Value) -> String {
    let mut text = String::new();
    write(value, "", &mut text);
    text
}

fn write(value: &Value, indent: &str, text: &mut String) {
    match value {
        Value::Array(items) => write_items(items, indent, "(empty array)", ')', text),
        Value::Set(items) => write_items(items, indent, "(empty set)", '~', text),
        Value::Push(items) => write_items(items, indent, "(empty push)", ')', text),
        Value::Attribute(pairs) => write_pairs(pairs, indent, text),
        Value::Map(pairs) => write_pairs(pairs, indent, text),
        Value::Bulk(bytes) => *text += &line(&quoted(bytes)),
        Value::Verbatim(_, bytes) => *text += &line(&String::from_utf8_lossy(bytes)),
        Value::Simple(bytes) => *text += &line(&String::from_utf8_lossy(bytes)),
        Value::Error(bytes) => *text += &line(&format!("(error) {}", bytes.escape_ascii())),
        Value::Integer(number) => *text += &line(&format!("(integer) {number}")),
        Value::Double(bytes) => *text += &line(&format!("(double) {}", bytes.escape_ascii())),
        Value::BigNumber(bytes) => *text += &line(&bytes.escape_ascii().to_string()),
        Value::Boolean(true) => *text += "(true)\n",
        Value::Boolean(false) => *text += "(false)\n",
        Value::Null | Value::NullArray => *text += "(nil)\n",
    }
}

fn line(shown: &str) -> String {
    format!("{shown}\n")
}

fn quoted(bytes: &[u8]) -> String {
    let mut quoted = Vec::new();
    quote(bytes, &mut quoted);
    String::from_utf8_lossy(&quoted).into_owned()
}

fn write_items(items: &[Value], indent: &str, empty: &str, mark: char, text: &mut String) {
    if items.is_empty() {
        *text += &line(empty);
    }
    let width = items.len().to_string().len();
    let deeper = format!("{indent}{}", " ".repeat(width + 2));
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            *text += indent;
        }
        *text += &format!("{:>width$}{mark} ", index + 1);
        write(item, &deeper, text);
    }
}

fn write_pairs(pairs: &[(Value, Value)], indent: &str, text: &mut String) {
    if pairs.is_empty() {
        *text += &line("(empty hash)");
    }
    let width = pairs.len().to_string().len();
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            *text += indent;
        }
        let head = format!("{:>width$}# {} => ", index + 1, render(key).trim_end());
        let deeper = format!("{indent}{}", " ".repeat(width + 2));
        *text += &head;
        if matches!(value, Value::Array(items) | Value::Set(items) if !items.is_empty())
            || matches!(value, Value::Map(pairs) if !pairs.is_empty())
        {
            *text += "\n";
            *text += &deeper;
        }
        write(value, &deeper, text);
    }
}
