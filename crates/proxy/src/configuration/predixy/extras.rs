//! Blocks beside the pool: data centres, monitors of latency, commands of one's own.

use super::{Node, Refusal, Rights};
use crate::configuration::{Centre, Centres, Choice, CustomCommand, Monitor, Preference};

/// Commands of one's own in a file.
const CUSTOM_MAX: usize = 16;

pub fn centres(node: &Node, local: &str) -> Result<Centres, Refusal> {
    let names: Vec<&str> = node.block.iter().map(|dc| dc.value.as_str()).collect();
    let index_of = |name: &str| names.iter().position(|known| *known == name);
    let mut list = Vec::new();
    for (index, dc) in node.block.iter().enumerate() {
        if !dc.is("DC") {
            return Err(dc.refuse("only `DC` stands here"));
        }
        if index_of(&dc.value) != Some(index) {
            return Err(dc.refuse("two of the same name"));
        }
        let mut centre = Centre {
            name: dc.value.clone(),
            prefixes: Vec::new(),
            policy: Vec::new(),
        };
        for line in &dc.block {
            if line.is("AddrPrefix") {
                centre.prefixes = line.items()?;
            } else if line.is("ReadPolicy") {
                let preferences = line.block.iter().map(|line| preference(line, &index_of));
                centre.policy = preferences.collect::<Result<_, _>>()?;
            } else {
                return Err(line.refuse("no such key"));
            }
        }
        list.push(centre);
    }
    let local = index_of(local).ok_or_else(|| node.refuse("`LocalDC` names none of these"))?;
    Ok(Centres { local, list })
}

/// `name priority [weight]`.
fn preference(
    line: &Node,
    index_of: &impl Fn(&str) -> Option<usize>,
) -> Result<Preference, Refusal> {
    let centre = index_of(&line.key).ok_or_else(|| line.refuse("no such data centre"))?;
    let mut numbers = line.value.split_whitespace().map(str::parse::<u32>);
    let (priority, weight, more) = (numbers.next(), numbers.next(), numbers.next());
    let weight = weight.unwrap_or(Ok(1));
    match (priority, weight, more) {
        (Some(Ok(priority @ 0..=100)), Ok(weight @ 1..=100), None) => Ok(Preference {
            centre,
            priority,
            weight,
        }),
        _ => Err(line.refuse("a priority to 100 and perhaps a weight from 1 to 100")),
    }
}

pub fn monitor(node: &Node) -> Result<Monitor, Refusal> {
    let mut monitor = Monitor {
        name: node.value.clone(),
        commands: Vec::new(),
        spans_us: Vec::new(),
    };
    for line in &node.block {
        if line.is("Commands") {
            for item in &line.block {
                let adds = match item.key.as_str() {
                    "+" => true,
                    "-" => false,
                    _ => return Err(item.refuse("an item begins with `+` or `-`")),
                };
                let name = item.value.to_ascii_lowercase();
                monitor.commands.push(Choice {
                    adds,
                    command: (name != "all").then_some(name),
                });
            }
        } else if line.is("TimeSpan") {
            for text in line.items()? {
                let span = text.parse().map_err(|_| line.refuse("not a number"))?;
                if monitor.spans_us.last().is_some_and(|last| *last >= span) {
                    return Err(line.refuse("times have to ascend"));
                }
                monitor.spans_us.push(span);
            }
        } else {
            return Err(line.refuse("no such key"));
        }
    }
    match monitor.spans_us.is_empty() || monitor.name.is_empty() {
        true => Err(node.refuse("a name and a `TimeSpan` are needed")),
        false => Ok(monitor),
    }
}

pub fn custom_commands(node: &Node) -> Result<Vec<CustomCommand>, Refusal> {
    if node.block.len() > CUSTOM_MAX {
        return Err(node.refuse(format!("at most {CUSTOM_MAX} commands")));
    }
    node.block.iter().map(custom_command).collect()
}

fn custom_command(node: &Node) -> Result<CustomCommand, Refusal> {
    let mut command = CustomCommand {
        name: node.key.to_ascii_lowercase(),
        rights: Rights::Write,
        words_min: 2,
        words_max: 2,
        key_at: 1,
    };
    for line in &node.block {
        if line.is("Mode") {
            for word in line.value.split('|') {
                match word.trim() {
                    "read" => command.rights = Rights::Read,
                    "write" => command.rights = Rights::Write,
                    "admin" => command.rights = Rights::Admin,
                    "keyAt2" => command.key_at = 2,
                    "keyAt3" => command.key_at = 3,
                    _ => return Err(line.refuse("read, write, admin, keyAt2, keyAt3")),
                }
            }
        } else if line.is("MinArgs") {
            command.words_min = line.number(2, 9999)? as usize;
        } else if line.is("MaxArgs") {
            command.words_max = line.number(2, 9999)? as usize;
        } else {
            return Err(line.refuse("no such key"));
        }
    }
    match command.words_min <= command.words_max && command.key_at < command.words_min {
        true => Ok(command),
        false => Err(node.refuse("`MinArgs` is above `MaxArgs`, or the key behind it")),
    }
}
