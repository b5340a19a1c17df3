//! `help`, and what it knows.

use client::docs::{Command, Docs};

use crate::program::VERSION_LINE;
use crate::session::Session;

const INTRODUCTION: &str = "\
To get help about Redis commands type:
      \"help @<group>\" to get a list of commands in <group>
      \"help <command>\" for help on <command>
      \"help <tab>\" to get a list of possible help topics
      \"quit\" to exit

To set redis-cli preferences:
      \":set hints\" enable online hints
      \":set nohints\" disable online hints
Set your preferences in ~/.redisclirc
";

impl Session {
    /// The answer to `help TOPIC`.
    pub fn help(&self, topic: &[Vec<u8>]) -> Vec<u8> {
        match topic {
            [] => format!("{VERSION_LINE}\n{INTRODUCTION}").into_bytes(),
            topic => about(&self.docs, topic).into_bytes(),
        }
    }
}

/// Every command of a group, or whose name begins with the words.
fn about(docs: &Docs, topic: &[Vec<u8>]) -> String {
    let words = topic.iter().map(|word| String::from_utf8_lossy(word));
    let words: Vec<String> = words.map(|word| word.to_uppercase()).collect();
    let group = words[0].strip_prefix('@');
    let wanted = |command: &&Command| match group {
        Some(group) => command.group.eq_ignore_ascii_case(group),
        None => {
            let mut names = command.name.split(' ');
            words.iter().all(|word| names.next() == Some(word))
        }
    };
    let mut text = String::new();
    for command in docs.commands.iter().filter(wanted) {
        describe(command, group.is_none(), &mut text);
    }
    text + "\r\n"
}

fn describe(command: &Command, with_group: bool, text: &mut String) {
    let Command {
        name,
        summary,
        since,
        group,
        ..
    } = command;
    let syntax = command.syntax();
    *text += &format!("\r\n  \x1b[1m{name}\x1b[0m \x1b[90m{syntax}\x1b[0m\r\n");
    *text += &format!("  \x1b[33msummary:\x1b[0m {summary}\r\n");
    *text += &format!("  \x1b[33msince:\x1b[0m {since}\r\n");
    if with_group {
        *text += &format!("  \x1b[33mgroup:\x1b[0m {group}\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(line: &str) -> String {
        let words: Vec<Vec<u8>> = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        about(&Docs::builtin(), &words)
    }

    #[test]
    fn a_command_brings_its_subcommands() {
        let text = topic("config");
        assert!(text.contains("\x1b[1mCONFIG\x1b[0m") && text.contains("\x1b[1mCONFIG SET\x1b[0m"));
        assert!(text.contains("group:\x1b[0m server"));
        assert!(!topic("config set").contains("CONFIG GET"));
        assert_eq!(topic("conf"), "\r\n");
    }

    #[test]
    fn a_group_brings_its_commands() {
        let text = topic("@string");
        assert!(text.contains("\x1b[1mGET\x1b[0m") && !text.contains("group:"));
        assert!(!text.contains("\x1b[1mHSET\x1b[0m"));
    }
}
