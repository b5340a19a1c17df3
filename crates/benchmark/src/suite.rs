//! The tests: what each is called, and what it sends.

use crate::options::Options;
use crate::request::{DATA, RANDOM};

/// A test: what it is called, and the request it repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub title: String,
    pub request: Request,
}

/// A request, with words that are replaced when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A line without a frame.
    Inline(&'static str),
    Words(Vec<Vec<u8>>),
}

/// A row of the suite. It runs if one of `names` was asked for, or none was.
struct Row {
    title: &'static str,
    names: &'static [&'static str],
    /// Separated by spaces; `KEY`, `COUNTER` and the like stand for the key's name.
    words: &'static str,
}

const RANGES: &[&str] = &[
    "lrange",
    "lrange_100",
    "lrange_300",
    "lrange_500",
    "lrange_600",
];

const fn row(title: &'static str, names: &'static [&'static str], words: &'static str) -> Row {
    Row {
        title,
        names,
        words,
    }
}

const INLINE: &str = "PING_INLINE";
const SEVERAL: &str = "MSET (10 keys)";

const ROWS: &[Row] = &[
    row(INLINE, &["ping_inline", "ping"], "PING"),
    row("PING_MBULK", &["ping_mbulk", "ping"], "PING"),
    row("SET", &["set"], "SET key:#:__rand_int__ __data__"),
    row("GET", &["get"], "GET key:#:__rand_int__"),
    row("INCR", &["incr"], "INCR counter:#:__rand_int__"),
    row("LPUSH", &["lpush"], "LPUSH mylist:# __data__"),
    row("RPUSH", &["rpush"], "RPUSH mylist:# __data__"),
    row("LPOP", &["lpop"], "LPOP mylist:#"),
    row("RPOP", &["rpop"], "RPOP mylist:#"),
    row("SADD", &["sadd"], "SADD myset:# element:__rand_int__"),
    row(
        "HSET",
        &["hset"],
        "HSET myhash:# element:__rand_int__ __data__",
    ),
    row("SPOP", &["spop"], "SPOP myset:#"),
    row("ZADD", &["zadd"], "ZADD myzset:# @ element:__rand_int__"),
    row("ZPOPMIN", &["zpopmin"], "ZPOPMIN myzset:#"),
    row(
        "LPUSH (needed to benchmark LRANGE)",
        RANGES,
        "LPUSH mylist:# __data__",
    ),
    row(
        "LRANGE_100 (first 100 elements)",
        &["lrange", "lrange_100"],
        "LRANGE mylist:# 0 99",
    ),
    row(
        "LRANGE_300 (first 300 elements)",
        &["lrange", "lrange_300"],
        "LRANGE mylist:# 0 299",
    ),
    row(
        "LRANGE_500 (first 500 elements)",
        &["lrange", "lrange_500"],
        "LRANGE mylist:# 0 499",
    ),
    row(
        "LRANGE_600 (first 600 elements)",
        &["lrange", "lrange_600"],
        "LRANGE mylist:# 0 599",
    ),
    row(SEVERAL, &["mset"], "MSET"),
];

/// How many keys `MSET` sets.
const SEVERAL_KEYS: usize = 10;

/// The tests that the options ask for: a command of their own, or those of the suite.
pub fn chosen(options: &Options) -> Vec<Test> {
    if !options.command.is_empty() {
        let words = options.command.iter();
        let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word)).collect();
        return vec![Test {
            title: words.join(" "),
            request: Request::Words(options.command.clone()),
        }];
    }
    let asked_for = |row: &&Row| match &options.tests {
        Some(tests) => tests.iter().any(|test| row.names.contains(&test.as_str())),
        None => true,
    };
    ROWS.iter()
        .filter(asked_for)
        .map(|row| Test {
            title: row.title.to_owned(),
            request: row.request(options),
        })
        .collect()
}

impl Row {
    fn request(&self, options: &Options) -> Request {
        if self.title == INLINE {
            return Request::Inline(self.words);
        }
        let mut words: Vec<Vec<u8>> = self
            .words
            .split(' ')
            .map(|word| fill_in(word, options))
            .collect();
        if self.title == SEVERAL {
            for _ in 0..SEVERAL_KEYS {
                words.push(fill_in("key:#:__rand_int__", options));
                words.push(DATA.to_vec());
            }
        }
        Request::Words(words)
    }
}

/// In a cluster, `#` becomes a tag that keeps the key on its node. `@` is a score.
fn fill_in(word: &str, options: &Options) -> Vec<u8> {
    if word == "@" {
        // Without a range the word would stay what it is, which is no number.
        let random = options.keyspace.is_some();
        return if random {
            RANDOM.to_vec()
        } else {
            b"0".to_vec()
        };
    }
    let tag = if options.cluster { ":{tag}" } else { "" };
    word.replace(":#", tag).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(line: &str) -> Vec<String> {
        chosen(&options(line))
            .into_iter()
            .map(|test| test.title)
            .collect()
    }

    fn options(line: &str) -> Options {
        let words = line.split_whitespace().map(|word| word.as_bytes().to_vec());
        Options::parse(&words.collect::<Vec<_>>()).unwrap()
    }

    fn words(line: &str) -> String {
        match &chosen(&options(line))[0].request {
            Request::Inline(line) => (*line).to_owned(),
            Request::Words(words) => String::from_utf8(words.join(&b' ')).unwrap(),
        }
    }

    #[test]
    fn names_choose_tests_in_the_order_of_the_suite() {
        assert_eq!(titles("").len(), 20);
        assert_eq!(titles("-t GET,ping_inline,nothing"), ["PING_INLINE", "GET"]);
        assert_eq!(titles("-t ping"), ["PING_INLINE", "PING_MBULK"]);
        assert_eq!(
            titles("-t lrange_300"),
            [
                "LPUSH (needed to benchmark LRANGE)",
                "LRANGE_300 (first 300 elements)"
            ]
        );
        assert_eq!(titles("-t lrange").len(), 5);
        assert_eq!(titles("-t nothing"), [""; 0]);
        assert_eq!(titles("-t get incr k"), ["incr k"]);
    }

    #[test]
    fn keys_carry_a_tag_in_a_cluster_only() {
        assert_eq!(words("-t set"), "SET key:__rand_int__ __data__");
        assert_eq!(
            words("--cluster -t set"),
            "SET key:{tag}:__rand_int__ __data__"
        );
        assert_eq!(words("-t lpop"), "LPOP mylist");
        assert_eq!(words("--cluster -t lpop"), "LPOP mylist:{tag}");
        assert_eq!(words("-t zadd"), "ZADD myzset 0 element:__rand_int__");
        assert_eq!(
            words("-r 9 -t zadd"),
            "ZADD myzset __rand_int__ element:__rand_int__"
        );
        assert_eq!(
            words("-t mset")
                .matches("key:__rand_int__ __data__")
                .count(),
            10
        );
    }
}
