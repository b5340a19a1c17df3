//! JSON, as much as results and backups need.

use std::fmt::{self, Write};

/// How deep a document may be nested.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    /// In the order in which they were written.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn object<const LEN: usize>(fields: [(&str, Json); LEN]) -> Json {
        let fields = fields.into_iter();
        Json::Object(
            fields
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    pub fn list<T: Into<Json>>(values: impl IntoIterator<Item = T>) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => {
                let field = fields.iter().find(|(own, _)| own == name);
                field.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// Reads a whole document.
    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader {
            rest: text.trim_start(),
        };
        let value = reader.value(DEPTH_MAX)?;
        reader.rest.trim_start().is_empty().then_some(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Json {
        Json::Number(number as f64)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Json {
        Json::Number(number as f64)
    }
}

impl From<u16> for Json {
    fn from(number: u16) -> Json {
        Json::Number(f64::from(number))
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(number) => write!(f, "{number}"),
            Json::Text(text) => quote(text, f),
            Json::List(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Json::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    quote(name, f)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            letter if letter < ' ' => write!(f, "\\u{:04x}", u32::from(letter))?,
            letter => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?.trim_start();
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            '"' => self.string().map(Json::Text),
            '[' => self.list(depth),
            '{' => self.object(depth),
            'n' => self.take("null").map(|()| Json::Null),
            't' => self.take("true").map(|()| Json::Bool(true)),
            'f' => self.take("false").map(|()| Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Json> {
        let part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let end = self.rest.bytes().take_while(|&byte| part(byte)).count();
        let number = self.rest[..end].parse().ok()?;
        self.rest = self.rest[end..].trim_start();
        Some(Json::Number(number))
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut items = Vec::new();
        while self.take("]").is_none() {
            if !items.is_empty() {
                self.take(",")?;
            }
            items.push(self.value(depth)?);
        }
        Some(Json::List(items))
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut fields = Vec::new();
        while self.take("}").is_none() {
            if !fields.is_empty() {
                self.take(",")?;
            }
            let name = self.string()?;
            self.take(":")?;
            fields.push((name, self.value(depth)?));
        }
        Some(Json::Object(fields))
    }

    fn string(&mut self) -> Option<String> {
        let mut letters = self.rest.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match letters.next()? {
                '"' => break,
                '\\' => text.push(match letters.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = letters.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).ok()?;
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    other => other,
                }),
                letter => text.push(letter),
            }
        }
        self.rest = letters.as_str().trim_start();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_again() {
        let value = Json::object([
            ("name", "a \"quoted\"\\\n\u{1}ü".into()),
            ("slots", Json::List(vec![Json::list([0_u16, 5460])])),
            ("none", Json::Null),
            ("ok", true.into()),
        ]);
        let text = value.to_string();
        assert_eq!(Json::parse(&text), Some(value.clone()));
        assert_eq!(value.get("slots").unwrap().items().len(), 1);
        assert_eq!(Json::parse(" [ ] "), Some(Json::List(Vec::new())));
        assert_eq!(
            Json::parse("{\"a\" : -1.5e1}").unwrap().get("a"),
            Some(&Json::Number(-15.0))
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "[", "[1 2]", "{\"a\"}", "\"", "x", "1 2", "\"\\u12\""] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
        assert_eq!(Json::parse(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"0-9a-z\\\\ -]{0,60}") {
            drop(Json::parse(&text));
        }
    }
}
