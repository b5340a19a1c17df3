//! The crate through its public face: tables of input and what must come out.

#![allow(clippy::unwrap_used)]

mod argv;
mod file;
mod live;
mod rewriting;
mod rows;
mod syntax;

use crate::{CommandLine, LoadError, Loaded, Sources, load};

/// Loads a file's text and a command line's options. No file can be included.
fn start(text: &[u8], args: &[&str]) -> Result<Loaded, LoadError> {
    let line = CommandLine::parse(args);
    let mut none = |_: &[u8]| Err("No such file or directory".to_owned());
    load(Sources {
        text,
        options: &line.options,
        sentinel: line.sentinel,
        include: &mut none,
    })
}

/// One value of a loaded configuration, or the last lines of the error.
fn value_after(text: &str, args: &[&str], name: &str) -> String {
    match start(text.as_bytes(), args) {
        Ok(loaded) => shown(&loaded.config, name),
        Err(error) => error.to_string(),
    }
}

fn shown(config: &crate::Config, name: &str) -> String {
    let found = config.get(&[name.as_bytes()]);
    let values = found
        .iter()
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    values.collect::<Vec<_>>().join("|")
}

/// Loads text that must be right.
fn loaded(text: &[u8]) -> crate::Config {
    start(text, &[])
        .unwrap_or_else(|error| panic!("{error}"))
        .config
}
