//! The words of a request: which of them name the command, and which are keys.

use keyspace::Keyspace;

use crate::Engine;
use crate::args::{Args, Located};
use crate::command::Entry;
use crate::error::{Error, excerpt};
use crate::session::Origin;

/// How many words name the command: one, or two with a subcommand.
pub(crate) fn words_of_name(entry: &Entry) -> usize {
    1 + usize::from(entry.full_name.len() > entry.command.name.len())
}

/// Whether somebody reads of what a request does.
#[inline]
pub(super) fn are_logged(engine: &Engine, origin: Origin, entry: &Entry, args: &Args<'_>) -> bool {
    let log = &engine.log;
    if !log.is_read() || origin == Origin::LogFile {
        return false;
    }
    match args.located() {
        keys if entry.touches_its_words_only() && !keys.is_empty() => {
            log.is_read_about(keys.iter().map(|located| located.key.slot))
        }
        _ => true,
    }
}

/// Finds the keys among the words, and where they belong. Who sends many requests at once often
/// means one key, so what is known of the last one is looked at first.
#[inline]
pub(crate) fn locate<'a>(
    keyspace: &Keyspace,
    entry: &Entry,
    words: &'a [&'a [u8]],
    located: &mut Vec<Located<'a>>,
) -> Result<(), Error> {
    find_keys(entry, words, |word| {
        let bytes = words[word];
        let key = match located.last() {
            Some(last) if last.key.bytes == bytes => last.key,
            _ => keyspace.key(bytes),
        };
        located.push(Located { word, key });
    })?;
    if entry.command.keys.len() > 1 {
        located.sort_by_key(|located| located.word);
    }
    Ok(())
}

/// Tells which words of a request are the keys it declares, in the order of its specifications. If
/// that fails some of them may have been told.
#[inline]
pub(crate) fn find_keys(
    entry: &Entry,
    words: &[&[u8]],
    mut found: impl FnMut(usize),
) -> Result<(), Error> {
    if let Some((first, last, step)) = entry.simple_keys {
        let last = if last < 0 {
            words.len() as i64 + last
        } else {
            first as i64 + last
        };
        for word in (first..=last.max(0) as usize).step_by(step) {
            if word >= words.len() {
                return Err(Error::InvalidArguments);
            }
            found(word);
        }
        return Ok(());
    }
    if let Some(finder) = entry.command.finder {
        finder(words, &mut |word, _| found(word));
        return Ok(());
    }
    for spec in entry.command.keys {
        spec.find(words, &mut found)?;
    }
    Ok(())
}

/// Keys that an emptied list has room for.
const LOCATED_KEPT: usize = 1024;

/// Gives the memory of an emptied list to one of another lifetime, unless it is large.
pub(super) fn recycle<'b>(mut located: Vec<Located<'_>>) -> Vec<Located<'b>> {
    if located.capacity() > LOCATED_KEPT {
        return Vec::new();
    }
    located.clear();
    located
        .into_iter()
        .map(|_| unreachable!("the list is empty"))
        .collect()
}

pub(super) fn unknown_command(words: &[&[u8]]) -> Error {
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(excerpt(words[0], 128));
    text.extend_from_slice(b"', with args beginning with: ");
    let start = text.len();
    for word in &words[1..] {
        let room = 128usize.saturating_sub(text.len() - start);
        if room == 0 {
            break;
        }
        text.push(b'\'');
        text.extend_from_slice(excerpt(word, room));
        text.extend_from_slice(b"' ");
    }
    Error::Bytes(text)
}
