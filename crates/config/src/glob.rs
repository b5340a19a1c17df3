//! Glob patterns, as CONFIG GET takes them.

// TODO: becomes `pub(crate) use stdx::glob::matches;` when stdx carries it.

/// Whether `text` is one of the texts `pattern` describes with `*`, `?`, `[a-z]` and `\`.
pub(crate) fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    if first == b'*' {
        return (0..=text.len()).any(|skipped| matches(rest, &text[skipped..], nocase));
    }
    let Some((&byte, tail)) = text.split_first() else {
        return false;
    };
    match first {
        b'?' => matches(rest, tail, nocase),
        b'[' => {
            let (holds, rest) = class(rest, byte, nocase);
            holds && matches(rest, tail, nocase)
        }
        b'\\' if !rest.is_empty() => {
            same(rest[0], byte, nocase) && matches(&rest[1..], tail, nocase)
        }
        _ => same(first, byte, nocase) && matches(rest, tail, nocase),
    }
}

fn same(left: u8, right: u8, nocase: bool) -> bool {
    left == right || nocase && left.eq_ignore_ascii_case(&right)
}

/// Whether the bracket at the start of `pattern` holds `byte`, and what follows the bracket.
fn class(pattern: &[u8], byte: u8, nocase: bool) -> (bool, &[u8]) {
    let end = pattern
        .iter()
        .position(|&b| b == b']')
        .unwrap_or(pattern.len());
    let rest = pattern.get(end + 1..).unwrap_or_default();
    let (negated, mut members) = match pattern[..end].split_first() {
        Some((b'^', members)) => (true, members),
        _ => (false, &pattern[..end]),
    };
    let mut found = false;
    while let Some((&low, tail)) = members.split_first() {
        if let [b'-', high, tail @ ..] = tail {
            let range = low.min(*high)..=low.max(*high);
            found |= range.contains(&byte);
            found |= nocase && range.contains(&byte.to_ascii_lowercase());
            members = tail;
        } else {
            found |= same(low, byte, nocase);
            members = tail;
        }
    }
    (found != negated, rest)
}
