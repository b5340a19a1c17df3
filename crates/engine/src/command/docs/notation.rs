//! The notation itself: words, brackets, choices and repetitions.
//!
//! ```text
//!   word            a placeholder, or a token when it has no lower-case letter
//!   [a b]           optional
//!   [a | b]         one of them, or none
//!   <a | b>         one of them
//!   a b [a b ...]   once or more, also `b [...]` for what is right before it
//!   [a ...]         any number of times, also `[a | b [a | b ...]]`
//! ```

/// Why a syntax could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub &'static str);

pub(super) type Sequence<'a> = Vec<Node<'a>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<'a> {
    Word(&'a str),
    /// Exactly one of the alternatives.
    Choice(Vec<Sequence<'a>>),
    /// One of the alternatives, or nothing.
    Optional(Vec<Sequence<'a>>),
    /// The sequence, once or more.
    Repeated(Sequence<'a>),
}

impl Node<'_> {
    /// Whether this stands for values alone: placeholders, perhaps repeated.
    pub fn is_plain(&self) -> bool {
        match self {
            Node::Word(word) => !is_token(word),
            Node::Repeated(nodes) => nodes.iter().all(Node::is_plain),
            Node::Choice(_) | Node::Optional(_) => false,
        }
    }
}

/// Whether a word is sent as it stands.
pub(super) fn is_token(word: &str) -> bool {
    !word.bytes().any(|byte| byte.is_ascii_lowercase())
}

pub(super) fn read(syntax: &str) -> Result<Sequence<'_>, SyntaxError> {
    let mut reader = Reader {
        symbols: symbols(syntax),
        at: 0,
    };
    let (sequence, tail) = reader.sequence(&[])?;
    match reader.peek() {
        _ if tail != Tail::None => Err(SyntaxError("`...` outside of square brackets")),
        None => Ok(sequence),
        Some(_) => Err(SyntaxError(
            "a closing bracket or a bar without an opening one",
        )),
    }
}

/// Words, and brackets and bars each by itself.
fn symbols(syntax: &str) -> Vec<&str> {
    let mut symbols = Vec::new();
    for word in syntax.split_whitespace() {
        let mut rest = word;
        while let Some(index) = rest.find(['[', ']', '<', '>', '|']) {
            if index > 0 {
                symbols.push(&rest[..index]);
            }
            symbols.push(&rest[index..=index]);
            rest = &rest[index + 1..];
        }
        if !rest.is_empty() {
            symbols.push(rest);
        }
    }
    symbols
}

struct Reader<'a> {
    symbols: Vec<&'a str>,
    at: usize,
}

/// What stands between two brackets.
struct Bracket<'a> {
    alternatives: Vec<Sequence<'a>>,
    /// It ended with `...`.
    repeats: bool,
}

/// How the alternatives around a sequence go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    None,
    /// The sequence ended with all alternatives in brackets and `...`.
    AllRepeat,
    /// The sequence ended with `...`.
    Dots,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.symbols.get(self.at).copied()
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let accepted = self.peek() == Some(symbol);
        self.at += usize::from(accepted);
        accepted
    }

    /// Whether these symbols come behind the next, and if so goes behind them.
    fn follows(&mut self, symbols: &[&str]) -> bool {
        let behind = self.at + 1;
        let follow = self.symbols[behind..].starts_with(symbols);
        self.at += if follow { 1 + symbols.len() } else { 0 };
        follow
    }

    /// Reads up to a bar or a closing bracket. `before` are the alternatives to the left.
    fn sequence(&mut self, before: &[Sequence<'a>]) -> Result<(Sequence<'a>, Tail), SyntaxError> {
        let mut nodes = Vec::new();
        while let Some(symbol) = self.peek() {
            match symbol {
                "|" | "]" | ">" => break,
                "..." => {
                    self.at += 1;
                    return Ok((nodes, Tail::Dots));
                }
                "<" => match self.bracket(">")? {
                    Bracket { repeats: true, .. } => {
                        return Err(SyntaxError("`...` outside of square brackets"));
                    }
                    bracket => nodes.push(Node::Choice(bracket.alternatives)),
                },
                "[" if self.follows(&["...", "]"]) => {
                    let last = nodes.pop();
                    let last = last.ok_or(SyntaxError("`[...]` behind nothing"))?;
                    nodes.push(Node::Repeated(vec![last]));
                }
                "[" => {
                    let bracket = self.bracket("]")?;
                    if bracket.repeats && is_all(&bracket.alternatives, before, &nodes) {
                        return Ok((nodes, Tail::AllRepeat));
                    }
                    append(&mut nodes, bracket);
                }
                word => {
                    self.at += 1;
                    nodes.push(Node::Word(word));
                }
            }
        }
        Ok((nodes, Tail::None))
    }

    /// Reads alternatives from an opening bracket to the closing one.
    fn bracket(&mut self, close: &str) -> Result<Bracket<'a>, SyntaxError> {
        self.at += 1;
        let mut alternatives = Vec::new();
        let tail = loop {
            let (sequence, tail) = self.sequence(&alternatives)?;
            if sequence.is_empty() {
                return Err(SyntaxError("an alternative without a word"));
            }
            alternatives.push(sequence);
            if tail != Tail::None || !self.accept("|") {
                break tail;
            }
        };
        if !self.accept(close) {
            return Err(SyntaxError(
                "brackets that do not match, or `...` not at the end",
            ));
        }
        if tail == Tail::AllRepeat {
            alternatives = vec![vec![Node::Repeated(vec![Node::Choice(alternatives)])]];
        }
        Ok(Bracket {
            alternatives,
            repeats: tail == Tail::Dots,
        })
    }
}

/// Whether a bracket holds the alternatives around it, of which `nodes` is the last.
fn is_all(bracket: &[Sequence<'_>], before: &[Sequence<'_>], nodes: &Sequence<'_>) -> bool {
    !before.is_empty() && before.iter().chain([nodes]).eq(bracket)
}

/// Adds a square bracket to the nodes before it, which it may repeat.
fn append<'a>(nodes: &mut Sequence<'a>, bracket: Bracket<'a>) {
    let Bracket {
        mut alternatives,
        repeats,
    } = bracket;
    if !repeats {
        return nodes.push(Node::Optional(alternatives));
    }
    let unit = match alternatives.len() {
        1 => alternatives.swap_remove(0),
        _ => vec![Node::Choice(alternatives)],
    };
    if nodes.ends_with(&unit) {
        nodes.truncate(nodes.len() - unit.len());
        nodes.push(Node::Repeated(unit));
    } else {
        nodes.push(Node::Optional(vec![vec![Node::Repeated(unit)]]));
    }
}
