//! Which dbs of a source are taken, and what their keys are called in a cluster, which has one db.

use std::collections::{BTreeMap, BTreeSet};

/// The dbs that are taken, each with what its keys begin with from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dbs {
    /// None: all of them, and keys keep their names.
    chosen: Option<BTreeMap<u64, Vec<u8>>>,
}

impl Dbs {
    /// Reads words like `0` and `1=sessions:`. The error is the word that is neither.
    pub fn parse(words: &[String]) -> Result<Dbs, String> {
        let mut chosen = BTreeMap::new();
        for word in words {
            let (db, prefix) = word.split_once('=').unwrap_or((word, ""));
            let db = db.parse().map_err(|_| word.clone())?;
            chosen.insert(db, prefix.as_bytes().to_vec());
        }
        Ok(Dbs {
            chosen: (!words.is_empty()).then_some(chosen),
        })
    }

    /// Only these dbs, under the names that they were given.
    pub fn only(&mut self, dbs: impl Iterator<Item = u64>) {
        self.chosen
            .get_or_insert_with(|| dbs.map(|db| (db, Vec::new())).collect());
    }

    pub fn takes(&self, db: u64) -> bool {
        self.chosen
            .as_ref()
            .is_none_or(|chosen| chosen.contains_key(&db))
    }

    /// What a key of a db is called in the cluster; none if the db is left out.
    pub fn name(&self, db: u64, key: &[u8]) -> Option<Vec<u8>> {
        match &self.chosen {
            None => Some(key.to_vec()),
            Some(chosen) => Some([chosen.get(&db)?, key].concat()),
        }
    }

    /// Whether keys of a db keep their names.
    pub fn keeps_names(&self, db: u64) -> bool {
        let chosen = self.chosen.as_ref();
        chosen.is_none_or(|chosen| chosen.get(&db).is_none_or(Vec::is_empty))
    }

    /// What a key of the cluster may be called at the source.
    pub fn origins<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (u64, &'a [u8])> {
        let chosen = self.chosen.iter().flatten();
        chosen.filter_map(move |(db, prefix)| Some((*db, name.strip_prefix(prefix.as_slice())?)))
    }

    /// Whether keys of two of these dbs get the same names if they have the same.
    pub fn merges(&self, dbs: &[u64]) -> bool {
        let prefix = |db: &u64| match &self.chosen {
            None => Some(&[][..]),
            Some(chosen) => chosen.get(db).map(Vec::as_slice),
        };
        let prefixes: Vec<&[u8]> = dbs.iter().filter_map(prefix).collect();
        let distinct: BTreeSet<&[u8]> = prefixes.iter().copied().collect();
        distinct.len() < prefixes.len()
    }
}

/// The dbs of a server that hold anything, and how many keys: `db0:keys=1,expires=0`.
pub fn held(info: &str) -> Vec<(u64, u64)> {
    let dbs = info.lines().filter_map(|line| {
        let (name, figures) = line.trim().split_once(':')?;
        let keys = figures.split(',').next()?.strip_prefix("keys=")?;
        Some((name.strip_prefix("db")?.parse().ok()?, keys.parse().ok()?))
    });
    dbs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dbs(words: &[&str]) -> Dbs {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Dbs::parse(&words).unwrap()
    }

    #[test]
    fn dbs_are_read_from_what_servers_tell() {
        let info = "# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\ndb9:keys=1,expires=1\r\n";
        assert_eq!(held(info), [(0, 12), (9, 1)]);
    }

    #[test]
    fn keys_of_chosen_dbs_get_their_names_and_back() {
        let all = dbs(&[]);
        assert_eq!(all.name(7, b"k"), Some(b"k".to_vec()));
        assert!(all.keeps_names(7) && all.merges(&[0, 7]) && !all.merges(&[7]));
        let some = dbs(&["0", "3=s:"]);
        assert_eq!(some.name(0, b"k"), Some(b"k".to_vec()));
        assert_eq!(some.name(3, b"k"), Some(b"s:k".to_vec()));
        assert_eq!(some.name(1, b"k"), None);
        assert!(some.takes(3) && !some.takes(1) && !some.keeps_names(3));
        let origins: Vec<_> = some.origins(b"s:k").collect();
        assert_eq!(origins, [(0, b"s:k".as_slice()), (3, b"k")]);
        assert_eq!(Dbs::parse(&["x".to_owned()]), Err("x".to_owned()));
    }

    #[test]
    fn dbs_of_one_prefix_merge() {
        assert!(dbs(&["0", "1", "2=a:"]).merges(&[0, 1, 2]));
        assert!(dbs(&["0=a:", "2=a:"]).merges(&[0, 1, 2]));
        assert!(!dbs(&["0", "1=a:"]).merges(&[0, 1, 2]));
        assert!(!dbs(&["1"]).merges(&[0, 1]));
    }
}
