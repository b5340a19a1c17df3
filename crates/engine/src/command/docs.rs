//! The notation of a command's syntax, taken apart.
//!
//! `COMMAND DOCS` describes a command's arguments as a tree. The tree follows from the one line
//! that a command states about itself, its [`Command::syntax`](super::Command), in the manual's
//! notation: [`notation`] reads the brackets, this file makes arguments of them, [`names`] knows
//! what kind of value a placeholder stands for.
//!
//! A token and the values behind it are one argument: `EX seconds` is an integer with a token,
//! `LIMIT offset count` a block with one. Before a choice a token belongs to the first value only
//! (`BYBOX width height <M | KM>`), and `COUNT count [ANY]` is a value with its token and a flag
//! beside it.

mod names;
mod notation;
#[cfg(test)]
mod tests;

pub use notation::SyntaxError;
use notation::{Node, Sequence, is_token};

use super::keys::{Begin, Find, KeySpec};
use super::{Access, Command};

/// One argument of a command, as `COMMAND DOCS` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    pub kind: ArgumentKind,
    /// The word that announces the argument, or is the whole of it.
    pub token: Option<String>,
    /// Which of the command's key specifications finds this key.
    pub key_spec: Option<usize>,
    pub optional: bool,
    pub multiple: bool,
    /// The token is repeated with every value.
    pub multiple_token: bool,
    /// The parts of a block, or what there is to choose from.
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentKind {
    #[default]
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl ArgumentKind {
    /// The name clients know.
    pub fn name(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

/// The arguments that a syntax describes, keys not yet related to specifications.
pub fn parse_syntax(syntax: &str) -> Result<Vec<Argument>, SyntaxError> {
    let mut arguments = arguments(&notation::read(syntax)?, Place::Line);
    names::tell_ends_apart(&mut arguments);
    names::count_time_beside_replicas(&mut arguments);
    Ok(arguments)
}

impl Command {
    /// The command's arguments, as its syntax describes them.
    pub fn arguments(&self) -> Vec<Argument> {
        let parsed = parse_syntax(self.syntax);
        let mut arguments = parsed.expect("a test parses every command's syntax");
        let mut keys = KeyNumbers::new(self.keys);
        keys.number(&mut arguments, None);
        arguments
    }

    /// Whether its keys are counted and may be none, as a script's.
    pub fn may_lack_keys(&self) -> bool {
        let is_free = |argument: &Argument| {
            argument.kind == ArgumentKind::Key && argument.optional && argument.token.is_none()
        };
        self.arguments().iter().any(is_free)
    }
}

/// Where a sequence stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the whole line, where a token has the values right behind it.
    Line,
    /// It is all of a bracket or an alternative, where a token has everything behind it.
    Bracket,
}

fn arguments(nodes: &[Node<'_>], place: Place) -> Vec<Argument> {
    let mut found = Vec::new();
    let mut rest = nodes;
    while let [first, behind @ ..] = rest {
        let (argument, used) = match first {
            Node::Word(word) if is_token(word) => {
                let owns_all = place == Place::Bracket && found.is_empty();
                with_token(word, behind, owns_all)
            }
            node => (argument(node), 0),
        };
        found.push(argument);
        rest = &behind[used..];
    }
    found
}

fn argument(node: &Node<'_>) -> Argument {
    match node {
        Node::Word(word) => Argument {
            name: (*word).to_owned(),
            kind: names::kind_of(word),
            ..Argument::default()
        },
        Node::Choice(alternatives) => choice(alternatives),
        Node::Optional(alternatives) => Argument {
            optional: true,
            ..choice(alternatives)
        },
        Node::Repeated(nodes) => {
            let repeated = single(nodes);
            Argument {
                multiple: true,
                multiple_token: repeated.token.is_some(),
                ..repeated
            }
        }
    }
}

/// An argument that begins with a token, and how many of the nodes behind it belong to it.
fn with_token(word: &str, behind: &[Node<'_>], owns_all: bool) -> (Argument, usize) {
    let token = word.trim_matches('"').to_owned();
    let plain = behind.iter().take_while(|node| node.is_plain()).count();
    let before_choice = matches!(behind.get(plain), Some(Node::Choice(_)));
    let only_options = behind.iter().all(|node| matches!(node, Node::Optional(_)));
    let block_of = match plain {
        0 if owns_all && only_options => behind.len(),
        0 | 1 => 0,
        _ if before_choice => 0,
        _ if owns_all => behind.len(),
        _ => plain,
    };
    if block_of > 0 {
        let parts = arguments(&behind[..block_of], Place::Line);
        return (block(Some(token), parts), block_of);
    }
    if plain == 0 && !before_choice {
        let argument = Argument {
            name: names::of_token(&token),
            kind: ArgumentKind::PureToken,
            token: Some(token),
            ..Argument::default()
        };
        return (argument, 0);
    }
    let argument = Argument {
        token: Some(token),
        ..argument(&behind[0])
    };
    (argument, 1)
}

fn choice(alternatives: &[Sequence<'_>]) -> Argument {
    if let [only] = alternatives {
        return single(only);
    }
    let alternatives: Vec<Argument> = alternatives.iter().map(|nodes| single(nodes)).collect();
    Argument {
        name: names::of_choice(&alternatives),
        kind: ArgumentKind::OneOf,
        arguments: alternatives,
        ..Argument::default()
    }
}

/// The one argument that a sequence is, a block if there are several.
fn single(nodes: &[Node<'_>]) -> Argument {
    let mut parts = arguments(nodes, Place::Bracket);
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => block(None, parts),
    }
}

fn block(token: Option<String>, parts: Vec<Argument>) -> Argument {
    Argument {
        name: names::of_block(token.as_deref(), &parts),
        kind: ArgumentKind::Block,
        token,
        arguments: parts,
        ..Argument::default()
    }
}

/// Relates key arguments to key specifications, from left to right.
struct KeyNumbers<'a> {
    specs: &'a [KeySpec],
    taken: Vec<bool>,
    last: usize,
}

impl<'a> KeyNumbers<'a> {
    fn new(specs: &'a [KeySpec]) -> KeyNumbers<'a> {
        KeyNumbers {
            specs,
            taken: vec![false; specs.len()],
            last: 0,
        }
    }

    fn number(&mut self, arguments: &mut [Argument], token: Option<&str>) {
        let mut counted = false;
        for argument in arguments {
            let own = argument.token.clone();
            let token = own.as_deref().or(token);
            if argument.kind == ArgumentKind::Key {
                argument.key_spec = self.spec_of(token, counted);
                if argument.key_spec.is_none() {
                    argument.kind = ArgumentKind::String;
                }
            }
            if argument.kind == ArgumentKind::Pattern && token.is_some() {
                argument.key_spec = self.specs.iter().position(is_hidden);
            }
            counted = argument.name == "numkeys";
            self.number(&mut argument.arguments, token);
        }
    }

    /// The specification of a key behind `token`, or behind a number of keys.
    fn spec_of(&mut self, token: Option<&str>, counted: bool) -> Option<usize> {
        if self
            .specs
            .iter()
            .all(|spec| spec.access.has(Access::NOT_KEY))
        {
            return None;
        }
        let fits = |spec: &KeySpec| match spec.begin {
            Begin::Keyword { word, .. } => token == Some(word),
            Begin::Index(_) => {
                token.is_none() && counted == matches!(spec.find, Find::Counted { .. })
            }
            Begin::Unknown => false,
        };
        let hidden = |spec: &KeySpec| token.is_some() && is_hidden(spec);
        let free = || (0..self.specs.len()).filter(|&index| !self.taken[index]);
        let found = free()
            .find(|&index| fits(&self.specs[index]))
            .or_else(|| free().rfind(|&index| hidden(&self.specs[index])))
            .unwrap_or(self.last);
        self.taken[found] = true;
        self.last = found;
        Some(found)
    }
}

/// Whether nobody can tell where the keys are without the command's own code.
fn is_hidden(spec: &KeySpec) -> bool {
    matches!(spec.begin, Begin::Unknown)
}
