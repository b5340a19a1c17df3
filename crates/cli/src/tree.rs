//! `:tree`: keys by the prefixes of their names, with the memory they take.

use std::collections::BTreeMap;

use crate::keys::sizes;
use crate::session::Session;
use crate::stat::human;

/// What parts of a name stand between.
const SEPARATOR: u8 = b':';

/// How deep prefixes are told apart, and how many are shown below one.
const DEPTH_MAX: usize = 4;
const CHILDREN_MAX: usize = 12;

/// How many prefixes are told apart at all. Beyond, keys count for the prefixes that are known.
const PREFIXES_MAX: usize = 100_000;

/// Keys with the same prefix.
#[derive(Default)]
struct Branch {
    keys: u64,
    bytes: u64,
    children: BTreeMap<Vec<u8>, Branch>,
}

/// All keys.
#[derive(Default)]
pub struct Tree {
    root: Branch,
    prefixes: usize,
}

impl Tree {
    pub fn add(&mut self, key: &[u8], bytes: u64) {
        let mut branch = &mut self.root;
        branch.count(bytes);
        let parts: Vec<&[u8]> = key.split(|&byte| byte == SEPARATOR).collect();
        // The last part is the key's own name, no prefix.
        for part in parts[..parts.len() - 1].iter().take(DEPTH_MAX) {
            if !branch.children.contains_key(*part) {
                if self.prefixes == PREFIXES_MAX {
                    return;
                }
                self.prefixes += 1;
            }
            branch = branch.children.entry(part.to_vec()).or_default();
            branch.count(bytes);
        }
    }

    /// The tree as lines, the largest prefixes first.
    pub fn text(&self) -> String {
        let mut text = format!("{} keys, {}\n", self.root.keys, human(self.root.bytes));
        self.root.write("", &mut text);
        text
    }
}

impl Branch {
    fn count(&mut self, bytes: u64) {
        self.keys += 1;
        self.bytes += bytes;
    }

    fn write(&self, indent: &str, text: &mut String) {
        let mut children: Vec<(&Vec<u8>, &Branch)> = self.children.iter().collect();
        children.sort_by_key(|(_, branch)| std::cmp::Reverse((branch.bytes, branch.keys)));
        let hidden = children.len().saturating_sub(CHILDREN_MAX);
        children.truncate(CHILDREN_MAX);
        let inside: u64 = self.children.values().map(|branch| branch.keys).sum();
        let own = self.keys - inside;
        let rest = hidden > 0 || (own > 0 && inside > 0);
        for (index, (name, branch)) in children.iter().enumerate() {
            let last = index + 1 == children.len() && !rest;
            let (fork, below) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let name = name.escape_ascii();
            let (keys, size) = (branch.keys, human(branch.bytes));
            *text += &format!("{indent}{fork}{name}:  {keys} keys, {size}\n");
            branch.write(&format!("{indent}{below}"), text);
        }
        match (hidden, own) {
            (0, own) if rest => *text += &format!("{indent}└─ {own} other keys\n"),
            (hidden, own) if rest => {
                *text += &format!("{indent}└─ {hidden} more prefixes, {own} other keys\n");
            }
            _ => {}
        }
    }
}

/// Walks over the keys, or those that fit a pattern, and shows the tree.
pub async fn show(session: &mut Session, pattern: Option<Vec<u8>>) {
    let before = std::mem::replace(&mut session.options.keys.pattern, pattern);
    let mut tree = Tree::default();
    let walked = sizes(session, |key, bytes| tree.add(key, bytes)).await;
    session.options.keys.pattern = before;
    match walked {
        Ok(()) => session.emit(tree.text().as_bytes()),
        Err(message) => eprintln!("{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn prefixes_are_branches_and_the_largest_stands_first() {
        let mut tree = Tree::default();
        for (key, bytes) in [
            ("user:1:name", 100),
            ("user:1:mail", 200),
            ("user:2:name", 50),
            ("user:last", 10),
            ("cache:a", 4000),
            ("plain", 1),
        ] {
            tree.add(key.as_bytes(), bytes);
        }
        expect![[r#"
            6 keys, 4.26K
            ├─ cache:  1 keys, 3.91K
            ├─ user:  4 keys, 360B
            │  ├─ 1:  2 keys, 300B
            │  ├─ 2:  1 keys, 50B
            │  └─ 1 other keys
            └─ 1 other keys
        "#]]
        .assert_eq(&tree.text());
    }

    #[test]
    fn names_do_not_reach_the_terminal_as_they_are() {
        let mut tree = Tree::default();
        tree.add(b"\x1b[2J:x", 1);
        assert!(tree.text().contains("\\x1b[2J:"));
    }

    #[test]
    fn more_prefixes_than_fit_are_counted() {
        let mut tree = Tree::default();
        for number in 0..20 {
            tree.add(format!("p{number}:k").as_bytes(), number);
        }
        assert!(tree.text().ends_with("└─ 8 more prefixes, 0 other keys\n"));
    }
}
