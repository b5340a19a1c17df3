//! The notation of a command's syntax, taken apart.

/// One argument of a command, as `COMMAND DOCS` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    pub kind: ArgumentKind,
    pub token: Option<String>,
    pub optional: bool,
    pub multiple: bool,
    pub multiple_token: bool,
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentKind {
    #[default]
    String,
}

pub fn parse_syntax(_syntax: &str) -> Vec<Argument> {
    Vec::new()
}
