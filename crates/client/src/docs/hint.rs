//! Which arguments are still to come.
//!
//! The words typed so far are laid over the tree of arguments, each as early as it fits. Optional
//! arguments next to each other may come in any order; once something behind them was typed, they
//! are over.

use super::{Argument, Kind};

/// The arguments still to come behind `words`. None if the words do not fit.
pub fn rest<T: AsRef<[u8]>>(arguments: &[Argument], words: &[T]) -> Option<String> {
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    let laid = sequence(arguments, &words)?;
    (laid.used == words.len()).then(|| laid.missing.join(" "))
}

/// Words laid over arguments.
#[derive(Default)]
struct Laid {
    used: usize,
    /// What is still to come, when the words have run out.
    missing: Vec<String>,
    /// Something was begun and has to be finished.
    partial: bool,
}

fn sequence(arguments: &[Argument], words: &[&[u8]]) -> Option<Laid> {
    let mut laid = Laid::default();
    let mut rest = arguments;
    while let [first, behind @ ..] = rest {
        if first.optional {
            let count = rest.iter().take_while(|argument| argument.optional).count();
            let (group, behind) = rest.split_at(count);
            optional(group, words, &mut laid);
            rest = behind;
            continue;
        }
        if laid.used == words.len() {
            laid.missing.push(first.syntax());
            laid.partial = true;
        } else {
            let one = argument(first, &words[laid.used..])?;
            laid.add(one);
        }
        rest = behind;
    }
    Some(laid)
}

/// Optional arguments in any order, as far as the words go.
fn optional(group: &[Argument], words: &[&[u8]], laid: &mut Laid) {
    let mut left: Vec<&Argument> = group.iter().collect();
    while laid.used < words.len() {
        let behind = &words[laid.used..];
        let fits = |it: &&Argument| argument(it, behind).filter(|one| one.used > 0);
        let found = left
            .iter()
            .enumerate()
            .find_map(|(at, it)| Some((at, fits(it)?)));
        let Some((at, one)) = found else {
            return;
        };
        left.remove(at);
        laid.add(one);
    }
    laid.missing.extend(left.iter().map(|it| it.syntax()));
}

impl Laid {
    fn add(&mut self, one: Laid) {
        self.used += one.used;
        self.missing.extend(one.missing);
        self.partial |= one.partial;
    }
}

/// One argument and its repetitions, of which the first word is there.
fn argument(argument: &Argument, words: &[&[u8]]) -> Option<Laid> {
    let mut laid = once(argument, words, true)?;
    if !argument.multiple {
        return Some(laid);
    }
    while laid.used < words.len() && !laid.partial {
        let Some(again) = once(argument, &words[laid.used..], argument.multiple_token) else {
            break;
        };
        laid.missing.clear();
        laid.add(again);
    }
    if laid.used == words.len() {
        let token = argument.token.as_ref().filter(|_| argument.multiple_token);
        let value = argument.value_syntax();
        laid.missing.push(match token {
            Some(token) => format!("[{token} {value} ...]"),
            None => format!("[{value} ...]"),
        });
    }
    Some(laid)
}

fn once(argument: &Argument, words: &[&[u8]], with_token: bool) -> Option<Laid> {
    let mut laid = Laid::default();
    let token = argument.token.as_ref().filter(|_| with_token);
    if let Some(token) = token {
        let word = words.first()?;
        if !word.eq_ignore_ascii_case(token.as_bytes()) {
            return None;
        }
        laid.used = 1;
    }
    let behind = &words[laid.used..];
    if argument.kind == Kind::PureToken {
        return Some(laid);
    }
    if behind.is_empty() {
        laid.missing.push(argument.value_syntax());
        laid.partial = true;
        return Some(laid);
    }
    laid.add(match argument.kind {
        Kind::Block => sequence(&argument.arguments, behind)?,
        Kind::OneOf => {
            let choices = argument.arguments.iter();
            let fitting = choices.filter_map(|choice| self::argument(choice, behind));
            fitting.max_by_key(|choice| choice.used)?
        }
        kind => {
            let number = std::str::from_utf8(behind[0]).unwrap_or_default();
            let fits = match kind {
                Kind::Integer => number.parse::<i64>().is_ok(),
                Kind::Double => number.parse::<f64>().is_ok(),
                _ => true,
            };
            Laid {
                used: usize::from(fits.then_some(true)?),
                ..Laid::default()
            }
        }
    });
    Some(laid)
}
