//! Words of a configuration line, and their quoting.
//!
//! ```text
//!   save 900 1                three bare words
//!   requirepass "a\n\x00b"    double quotes: \n \r \t \b \a \xHH, any other \c is c
//!   logfile 'it\'s'           single quotes: only \' is special
//! ```

/// The words of a line, or `None` when its quotes are unbalanced.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = skip_blanks(line);
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = skip_blanks(take_word(rest, &mut word)?);
        words.push(word);
    }
    Some(words)
}

/// The word in double quotes, on one line whatever bytes it has.
pub fn quote(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len() + 2);
    out.push(b'"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    out.push(b'"');
    out
}

/// The word as it is when that reads back as itself, quoted otherwise.
pub(crate) fn bare_or_quoted(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\'');
    match !word.is_empty() && word.iter().all(plain) {
        true => word.to_vec(),
        false => quote(word),
    }
}

/// The words joined by blanks, each quoted where it must be.
pub(crate) fn join_words(words: &[Vec<u8>]) -> Vec<u8> {
    let quoted: Vec<Vec<u8>> = words.iter().map(|word| bare_or_quoted(word)).collect();
    quoted.join(&b' ')
}

/// The line without the blanks around it. Whatever follows a NUL is no text.
pub(crate) fn trim(line: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let start = line
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |last| last + 1);
    &line[start..end]
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let start = line
        .iter()
        .position(|&byte| !is_blank(byte))
        .unwrap_or(line.len());
    &line[start..]
}

/// Reads one word into `word` and returns what follows it.
fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let Some((&byte, tail)) = rest.split_first() {
        let closed = match byte {
            b'"' => take_double_quoted(tail, word)?,
            b'\'' => take_single_quoted(tail, word)?,
            b' ' | b'\t' | b'\r' | b'\n' => return Some(rest),
            _ => {
                word.push(byte);
                rest = tail;
                continue;
            }
        };
        // A closing quote ends the word: nothing may stick to it.
        return closed
            .first()
            .is_none_or(|&byte| is_blank(byte))
            .then_some(closed);
    }
    Some(rest)
}

fn take_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex_digit(*high) << 4 | hex_digit(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(unescape(*escaped));
                tail
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => return None,
        }
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\'', tail @ ..] => return Some(tail),
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                tail
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => return None,
        }
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}
