//! What `INFO` says.

use std::collections::BTreeMap;

/// What `INFO` says, by name.
#[derive(Clone, Debug, Default)]
pub struct Info(BTreeMap<String, String>);

impl Info {
    pub fn new(text: &[u8]) -> Info {
        let text = String::from_utf8_lossy(text);
        let fields = text
            .lines()
            .filter_map(|line| line.trim_end().split_once(':'));
        Info(
            fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The number of this name; what is missing or no number is 0.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The keys of all dbs.
    pub fn keys(&self) -> u64 {
        let dbs = self.0.iter().filter(|(name, _)| is_db(name));
        let keys = dbs.filter_map(|(_, value)| {
            let keys = value.split(',').find_map(|part| part.strip_prefix("keys="));
            keys?.parse::<u64>().ok()
        });
        keys.sum()
    }
}

fn is_db(name: &str) -> bool {
    let number = name.strip_prefix("db");
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
