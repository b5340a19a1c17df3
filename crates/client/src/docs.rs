//! What commands take and do, for help, completion and hints.
//!
//! The knowledge comes from the server's `COMMAND DOCS` where it answers that, and otherwise from
//! `commands.tsv`, which is written from the server's own command table: one line a command, with
//! its arguments in the notation that `table` reads.

mod hint;
mod reply;
mod table;
#[cfg(test)]
mod tests;

/// What commands take and do, in order of name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    pub commands: Vec<Command>,
}

/// A command, or a subcommand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// In upper case: `GET`, `CONFIG SET`.
    pub name: String,
    pub summary: String,
    pub since: String,
    pub group: String,
    pub arguments: Vec<Argument>,
}

/// An argument, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    pub kind: Kind,
    /// The word that announces it, or is the whole of it.
    pub token: Option<String>,
    pub optional: bool,
    pub multiple: bool,
    /// The token is repeated with every value.
    pub multiple_token: bool,
    /// The parts of a block, or what there is to choose from.
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    Block,
    Double,
    Integer,
    OneOf,
    PureToken,
    #[default]
    Text,
}

impl Kind {
    /// Every kind has a name that `COMMAND DOCS` knows; what is not told apart here is a text.
    fn named(name: &str) -> Kind {
        match name {
            "block" => Kind::Block,
            "double" => Kind::Double,
            "integer" | "unix-time" => Kind::Integer,
            "oneof" => Kind::OneOf,
            "pure-token" => Kind::PureToken,
            _ => Kind::Text,
        }
    }
}

impl Docs {
    /// What is known without asking a server.
    pub fn builtin() -> Docs {
        let commands = table::read(include_str!("docs/commands.tsv"));
        commands.into()
    }

    /// What a server answered to `COMMAND DOCS`. None if that is no such answer.
    pub fn from_reply(reply: &resp::value::Value) -> Option<Docs> {
        reply::read(reply).map(Docs::from)
    }

    /// The command whose name a line's words begin with, of two words if there is one, and how many
    /// words the name takes.
    pub fn find<T: AsRef<[u8]>>(&self, words: &[T]) -> Option<(&Command, usize)> {
        [2, 1].into_iter().find_map(|count| {
            let words = words.get(..count)?;
            let words: Vec<_> = words
                .iter()
                .map(|word| lossy_upper(word.as_ref()))
                .collect();
            let name = words.join(" ");
            let at = self
                .commands
                .binary_search_by(|command| command.name.cmp(&name));
            Some((&self.commands[at.ok()?], count))
        })
    }
}

impl From<Vec<Command>> for Docs {
    fn from(mut commands: Vec<Command>) -> Docs {
        commands.sort_by(|a, b| a.name.cmp(&b.name));
        Docs { commands }
    }
}

impl Command {
    /// The arguments in the manual's notation: `key [NX|XX] [value ...]`.
    pub fn syntax(&self) -> String {
        joined(&self.arguments, " ")
    }

    /// The arguments still to come behind `words`, the arguments that are complete. None if these
    /// are no arguments of this command.
    pub fn hint<T: AsRef<[u8]>>(&self, words: &[T]) -> Option<String> {
        hint::rest(&self.arguments, words)
    }
}

impl Argument {
    /// The argument in the manual's notation.
    pub fn syntax(&self) -> String {
        match self.optional {
            true => format!("[{}]", self.bare_syntax()),
            false => self.bare_syntax(),
        }
    }

    /// Without the brackets of what is optional.
    fn bare_syntax(&self) -> String {
        let value = self.value_syntax();
        let once = match &self.token {
            Some(token) if value.is_empty() => token.clone(),
            Some(token) => format!("{token} {value}"),
            None => value.clone(),
        };
        match (self.multiple, self.multiple_token) {
            (true, true) => format!("{once} [{once} ...]"),
            (true, false) => format!("{once} [{value} ...]"),
            (false, _) => once,
        }
    }

    /// Without the token either.
    fn value_syntax(&self) -> String {
        match self.kind {
            Kind::Block => joined(&self.arguments, " "),
            Kind::OneOf => joined(&self.arguments, "|"),
            Kind::PureToken => String::new(),
            Kind::Double | Kind::Integer | Kind::Text => self.name.clone(),
        }
    }
}

fn joined(arguments: &[Argument], separator: &str) -> String {
    let texts: Vec<String> = arguments.iter().map(Argument::syntax).collect();
    texts.join(separator)
}

fn lossy_upper(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_uppercase()
}
