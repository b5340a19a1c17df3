//! Glob patterns over bytes.
//!
//! ```text
//!   *        any bytes, or none            \x       the byte x itself
//!   ?        any one byte                  [abc]    one of these      [a-z]   one of this range
//!                                          [^abc]   none of these     [a\]b]  an escape inside
//! ```
//!
//! There is no malformed pattern; the odd ones mean what servers in the field made them mean:
//!
//! * A class that is never closed ends with the pattern. An empty class, `[]`, matches nothing,
//!   and `[^]` matches any byte.
//! * A range may be reversed. Its ends are any bytes: in `[a-]` the range is `a` to `]`, and the
//!   class is still open. An escape inside a class is a byte, never the end of a range.
//! * A `\` at the very end is a `\`.
//! * Without case, letters of pattern and text are lowered before they are compared, but an escape
//!   inside a class is compared as it is, and a reversed range is put in order before it is
//!   lowered.
//! * A pattern of more than [`STARS_MAX`] stars matches nothing. Neighbours count as one, and
//!   stars at the end not at all.
//! * Empty text is matched by the empty pattern alone, not even by `*`. Who lists things knows `*`
//!   for "all" before it asks: see [`is_all`].
//!
//! When a byte does not fit, only the last `*` needs to be tried again, one byte further on: an
//! earlier one could only hand over the same text later. So there is no recursion, and the time is
//! at most pattern × text, whoever wrote the pattern.

/// The most stars of a pattern, counting only those that something else follows.
pub const STARS_MAX: usize = 1000;

/// Whether the whole of `text` matches `pattern`; `nocase` ignores the case of ASCII letters.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut pattern, mut text) = (pattern, text);
    // The pattern after the last star, and the text that star has not swallowed yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    let mut stars = 0;
    loop {
        if let [b'*', rest @ ..] = pattern {
            let next = rest.iter().position(|&byte| byte != b'*');
            let Some(next) = next else { return true };
            stars += 1;
            if stars > STARS_MAX {
                return false;
            }
            pattern = &rest[next..];
            star = Some((pattern, text));
        } else if text.is_empty() && pattern.is_empty() {
            return true;
        } else if let Some(rest) = one(pattern, text, nocase) {
            pattern = rest;
            text = &text[1..];
        } else {
            let Some((after, [_, kept @ ..])) = star else {
                return false;
            };
            (pattern, text) = (after, kept);
            star = Some((after, kept));
        }
    }
}

/// Whether a list by this pattern is the whole list.
pub fn is_all(pattern: &[u8]) -> bool {
    pattern == b"*"
}

/// Whether `pattern` can match anything but one text: itself.
pub fn has_wildcards(pattern: &[u8]) -> bool {
    literal_prefix(pattern).len() < pattern.len()
}

/// What every matching text starts with (unless case is ignored). A pattern that is its own prefix
/// matches only itself.
pub fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
    let len = pattern.iter().position(special).unwrap_or(pattern.len());
    &pattern[..len]
}

/// Matches the first byte of `text` with the first element of `pattern`, which is not a star, and
/// returns the rest of the pattern.
#[inline]
fn one<'a>(pattern: &'a [u8], text: &[u8], nocase: bool) -> Option<&'a [u8]> {
    let byte = *text.first()?;
    let (fits, rest) = match pattern {
        [] => return None,
        [b'?', rest @ ..] => (true, rest),
        [b'[', b'^', rest @ ..] => class(rest, byte, nocase, true),
        [b'[', rest @ ..] => class(rest, byte, nocase, false),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
            (fold(*literal, nocase) == fold(byte, nocase), rest)
        }
    };
    fits.then_some(rest)
}

/// Whether `byte` is in the class whose members start `pattern`, or, `negated`, is not; and the
/// pattern after the class.
fn class(mut pattern: &[u8], byte: u8, nocase: bool, negated: bool) -> (bool, &[u8]) {
    let mut found = false;
    let folded = fold(byte, nocase);
    loop {
        (found, pattern) = match pattern {
            [] => return (found != negated, pattern),
            [b']', rest @ ..] => return (found != negated, rest),
            [b'\\', member, rest @ ..] => (found | (*member == byte), rest),
            [first, b'-', last, rest @ ..] => {
                let low = fold(*first.min(last), nocase);
                let high = fold(*first.max(last), nocase);
                (found | (low <= folded && folded <= high), rest)
            }
            [member, rest @ ..] => (found | (fold(*member, nocase) == folded), rest),
        };
    }
}

#[inline]
fn fold(byte: u8, nocase: bool) -> u8 {
    if nocase {
        byte.to_ascii_lowercase()
    } else {
        byte
    }
}

#[cfg(test)]
mod tests;
