//! The part of YAML that `nutcracker.yml` is written in: names, below them keys, and one list.
//!
//! What is not in that part is refused: documents, tags, anchors, braces, any other depth.

use super::Refusal;

/// A text of the file, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub line: usize,
}

/// A pool: its name and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub name: Scalar,
    pub entries: Vec<(Scalar, Content)>,
}

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(Scalar),
    List(Vec<Scalar>),
}

/// A line that says something.
struct Line<'a> {
    number: usize,
    indent: usize,
    /// Without indentation, comment and blanks at the end.
    text: &'a str,
}

pub fn parse(text: &str) -> Result<Vec<Section>, Refusal> {
    let lines = lines(text)?;
    let mut sections: Vec<Section> = Vec::new();
    let mut rest = &lines[..];
    while let Some((first, below)) = rest.split_first() {
        if first.indent != 0 {
            return Err(Refusal::new(first.number, "not below any pool"));
        }
        let (name, value) = key(first)?;
        if let Some(value) = value {
            return Err(Refusal::new(
                value.line,
                "a pool is a name with keys below it",
            ));
        }
        let len = below.iter().take_while(|line| line.indent > 0).count();
        let entries = entries(&below[..len], first.number)?;
        sections.push(Section { name, entries });
        rest = &below[len..];
    }
    Ok(sections)
}

fn lines(text: &str) -> Result<Vec<Line<'_>>, Refusal> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        let body = raw.trim_start_matches(' ');
        let (indent, body) = (raw.len() - body.len(), without_comment(body).trim_end());
        if body.is_empty() {
            continue;
        }
        if body.starts_with('\t') {
            return Err(Refusal::new(number, "indented by a tab"));
        }
        let marker = indent == 0 && (body.starts_with("---") || body.starts_with("..."));
        if marker || body.starts_with('%') {
            return Err(Refusal::new(number, "more than one plain document"));
        }
        lines.push(Line {
            number,
            indent,
            text: body,
        });
    }
    Ok(lines)
}

/// Cuts what follows a `#` that stands behind a blank and outside quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '#' && (before == ' ' || before == '\t') => return &text[..at],
            // A quote begins a text; elsewhere it is a letter.
            None if matches!(letter, '"' | '\'') && before == ' ' => quote = Some(letter),
            None => {}
        }
        before = letter;
    }
    text
}

fn entries(lines: &[Line<'_>], above: usize) -> Result<Vec<(Scalar, Content)>, Refusal> {
    let Some(first) = lines.first() else {
        return Err(Refusal::new(above, "a pool without keys"));
    };
    let indent = first.indent;
    let mut entries = Vec::new();
    let mut rest = lines;
    while let Some((line, below)) = rest.split_first() {
        if line.indent != indent || is_item(line) {
            return Err(Refusal::new(line.number, "not in line with the other keys"));
        }
        let (name, value) = key(line)?;
        let items = below.iter().take_while(|line| is_item(line)).count();
        let content = match value {
            Some(text) if items == 0 => Content::Text(text),
            Some(text) => return Err(Refusal::new(text.line, "a text and a list at once")),
            None if items == 0 => return Err(Refusal::new(line.number, "nothing behind the key")),
            None => Content::List(list(&below[..items], indent)?),
        };
        entries.push((name, content));
        rest = &below[items..];
    }
    Ok(entries)
}

fn is_item(line: &Line<'_>) -> bool {
    line.text == "-" || line.text.starts_with("- ")
}

fn list(lines: &[Line<'_>], least: usize) -> Result<Vec<Scalar>, Refusal> {
    let indent = lines[0].indent;
    lines
        .iter()
        .map(|line| {
            if line.indent != indent || indent < least {
                return Err(Refusal::new(
                    line.number,
                    "not in line with the other items",
                ));
            }
            let text = line.text[1..].trim_start();
            if text.starts_with("- ") {
                return Err(Refusal::new(line.number, "a list within a list"));
            }
            let (scalar, behind) = scalar(text, line.number)?;
            match behind {
                "" => Ok(scalar),
                _ => Err(Refusal::new(line.number, "an item is a plain text")),
            }
        })
        .collect()
}

/// `key: value`, or `key:` alone.
fn key<'a>(line: &Line<'a>) -> Result<(Scalar, Option<Scalar>), Refusal> {
    let (name, behind) = match line.text.starts_with(['"', '\'']) {
        true => scalar(line.text, line.number)?,
        false => {
            let colon = line.text.find(": ").or_else(|| {
                let last = line.text.len() - 1;
                line.text.ends_with(':').then_some(last)
            });
            let at = colon.ok_or_else(|| Refusal::new(line.number, "no `key: value`"))?;
            let (name, behind) = line.text.split_at(at);
            (scalar(name.trim_end(), line.number)?.0, behind)
        }
    };
    let behind = behind.trim_start();
    let value = behind.strip_prefix(':').map(str::trim_start);
    match value {
        None => Err(Refusal::new(line.number, "no `:` behind the key")),
        Some("") => Ok((name, None)),
        Some(value) => match scalar(value, line.number)? {
            (value, "") => Ok((name, Some(value))),
            _ => Err(Refusal::new(line.number, "more behind the value")),
        },
    }
}

/// A plain or quoted text, and what stands behind it.
fn scalar(text: &str, line: usize) -> Result<(Scalar, &str), Refusal> {
    let (value, behind) = match text.as_bytes().first() {
        Some(b'"') => double_quoted(&text[1..], line)?,
        Some(b'\'') => single_quoted(&text[1..], line)?,
        Some(b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'@' | b'`' | b',') => {
            return Err(Refusal::new(line, "not a plain text"));
        }
        _ if text.contains(": ") || text.ends_with(':') => {
            return Err(Refusal::new(line, "a key within a text: quote it"));
        }
        _ => (text.to_owned(), ""),
    };
    if value.is_empty() {
        return Err(Refusal::new(line, "an empty text"));
    }
    Ok((Scalar { text: value, line }, behind))
}

fn single_quoted(text: &str, line: usize) -> Result<(String, &str), Refusal> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('\'') else {
            return Err(Refusal::new(line, "a quote is not closed"));
        };
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(behind) => rest = behind,
            None => return Ok((value, rest)),
        }
        value.push('\'');
    }
}

fn double_quoted(text: &str, line: usize) -> Result<(String, &str), Refusal> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '/'))) => value.push(escaped),
                _ => return Err(Refusal::new(line, "an unknown escape")),
            },
            _ => value.push(letter),
        }
    }
    Err(Refusal::new(line, "a quote is not closed"))
}
