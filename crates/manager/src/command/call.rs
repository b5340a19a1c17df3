//! `call`: the same command to every node.

use resp::value::Value;
use serde_json::json;

use super::{Errand, Outcome, Over};
use crate::link::Trouble;
use crate::voice::{Dialect, Tone};

impl Errand {
    pub async fn call(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let words: Vec<Vec<u8>> = self.request.args[1..].to_vec();
        let mut fleet = self.load(&place).await?;
        self.announce_call(&words);
        let settings = self.request.settings.clone();
        let mut documents = Vec::new();
        for (node, link) in fleet.view.nodes.iter().zip(&mut fleet.links) {
            let skipped = settings.only_primaries && node.is_replica()
                || settings.only_replicas && node.is_primary();
            if skipped {
                continue;
            }
            let place = node.place();
            let text = match link.ask(&words).await {
                Ok(value) if self.voice.is(Dialect::Trib) => ruby(&value),
                Ok(value) => raw(&value),
                Err(Trouble::Refused(text)) if self.voice.is(Dialect::Trib) => text.into_bytes(),
                Err(Trouble::Refused(text)) => format!("{text}\n").into_bytes(),
                Err(_) => b"Failed!".to_vec(),
            };
            let line = [format!("{place}: ").as_bytes(), &text, b"\n"].concat();
            self.voice.write_bytes(&line);
            documents.push(json!({
            "address": place.to_string(),
            "reply": String::from_utf8_lossy(&text).into_owned(),
            }));
        }
        self.note("replies", documents);
        Ok(Outcome::Done)
    }

    fn announce_call(&self, words: &[Vec<u8>]) {
        let mut shown: Vec<String> = words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        if self.voice.is(Dialect::Trib) {
            shown[0].make_ascii_uppercase();
            let shown = shown.join(" ");
            self.voice.heading(&format!(">>> Calling {shown}"));
            return;
        }
        self.voice.write_toned(Tone::Heading, ">>> Calling");
        self.voice.line(&format!(" {}", shown.join(" ")));
    }
}

/// A reply as its bytes, elements on lines of their own.
fn raw(value: &Value) -> Vec<u8> {
    match value {
        Value::Null | Value::NullArray => Vec::new(),
        Value::Error(text) => [text.as_slice(), b"\n"].concat(),
        Value::Simple(text)
        | Value::Bulk(text)
        | Value::Verbatim(_, text)
        | Value::Double(text)
        | Value::BigNumber(text) => text.clone(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Boolean(value) => format!("({value})").into_bytes(),
        Value::Array(values) | Value::Set(values) | Value::Push(values) => {
            let parts: Vec<Vec<u8>> = values.iter().map(raw).collect();
            parts.join(&b'\n')
        }
        Value::Map(pairs) | Value::Attribute(pairs) => {
            let parts = pairs
                .iter()
                .map(|(key, value)| [raw(key), raw(value)].join(&b' '));
            parts.collect::<Vec<_>>().join(&b'\n')
        }
    }
}

/// A reply as Ruby shows it: arrays in brackets, strings in them quoted.
fn ruby(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(values) => {
            let parts: Vec<Vec<u8>> = values.iter().map(ruby_inside).collect();
            [b"[", parts.join(&b", "[..]).as_slice(), b"]"].concat()
        }
        other => raw(other),
    }
}

fn ruby_inside(value: &Value) -> Vec<u8> {
    match value {
        Value::Null | Value::NullArray => b"nil".to_vec(),
        Value::Bulk(text) | Value::Simple(text) => {
            let mut quoted = Vec::new();
            stdx::text::quote(text, &mut quoted);
            quoted
        }
        other => ruby(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_shown_as_each_dialect_does() {
        let nested = Value::Array(vec![
            Value::Bulk(b"a\"b".to_vec()),
            Value::Array(vec![Value::Integer(1), Value::Null]),
        ]);
        assert_eq!(raw(&nested), b"a\"b\n1\n");
        assert_eq!(ruby(&nested), br#"["a\"b", [1, nil]]"#);
        assert_eq!(ruby(&Value::Bulk(b"plain".to_vec())), b"plain");
    }
}
