//! Words of a configuration line, and their quoting.
//!
//! ```text
//!   save 900 1                three bare words
//!   requirepass "a\n\x00b"    double quotes: \n \r \t \b \a \xHH, any other \c is c
//!   logfile 'it\'s'           single quotes: only \' is special
//! ```

use stdx::text;

/// The words of a line, or `None` when its quotes are unbalanced.
pub(crate) fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    text::split_words(line).ok()
}

/// The word in double quotes, on one line whatever bytes it has.
pub(crate) fn quote(word: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    text::quote(word, &mut quoted);
    quoted
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
