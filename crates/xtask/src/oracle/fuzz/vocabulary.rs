//! Words to fill a sentence with: few keys, and values at every edge.

use stdx::prng::Prng;

/// Random words.
pub struct Vocabulary {
    random: Prng,
}

/// Returns one of several values, by weights.
macro_rules! weighted {
    ($self:ident, $($weight:literal => $value:expr,)+) => {{
        let drawn = $self.below(0 $(+ $weight)+);
        let edge = 0;
        $(
            let edge = edge + $weight;
            if drawn < edge {
                return $value;
            }
        )+
        unreachable!("{drawn} is below {edge}, the sum of the weights")
    }};
}

/// Keys by the group of the commands that fill them.
const KEYS: &[(&str, &[&str])] = &[
    ("string", &["s1", "s2", "n1", "n2"]),
    ("bitmap", &["b1", "b2", "s1"]),
    ("hyperloglog", &["p1", "p2", "p3"]),
    ("list", &["l1", "l2", "l3"]),
    ("hash", &["h1", "h2"]),
    ("set", &["t1", "t2", "t3"]),
    ("sorted-set", &["z1", "z2", "z3"]),
    ("geo", &["g1", "g2"]),
];

const ODD_KEYS: &[&str] = &["x", "none", "", "k \u{1}\u{fc}", "{x}1", "s1"];

const INTEGER_EDGES: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "-9223372036854775807",
    "9223372036854775806",
    "4611686018427387904",
    "-4611686018427387904",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "32767",
    "32768",
    "-32768",
    "-32769",
    "8388607",
    "8388608",
    "127",
    "128",
    "-128",
    "4095",
    "4096",
    "-4096",
    "-4097",
];

const NO_INTEGERS: &[&str] = &[
    "abc", "", "1.5", " 1", "1 ", "+1", "01", "-0", "--1", "1e2", "0x10", "(1", "-", "nan", "inf",
    "1\u{0}",
];

const DOUBLES: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "2.5",
    "-3",
    "0.1",
    "0.2",
    "0.3",
    "1e3",
    "3.0",
    "100",
    "-0",
    "-0.0",
    "1.5e-5",
    "3.14159265358979",
    "1234567.125",
    "17179869184",
    "1e15",
    "1e17",
    "1e21",
];

const DOUBLE_EDGES: &[&str] = &[
    "inf",
    "-inf",
    "+inf",
    "Infinity",
    "-INF",
    "nan",
    "NaN",
    "1e308",
    "-1.7e308",
    "5e-324",
    "1e-400",
    "1e400",
    "0x1p3",
    "0x10",
    "9007199254740993",
    "123456789012345678",
    "0.30000000000000004",
    "99999999999999999999",
    "1e4931",
    "1e5000",
    "infinit",
    "1e",
    ".5",
    "5.",
    "+2",
    "+ 2",
    "1_0",
    "1,5",
];

const SCORE_BOUNDS: &[&str] = &[
    "-inf", "+inf", "(1", "(2.5", "(-inf", "(inf", "0", "1", "3", "-3", "(", "((1", "nan", "(nan",
    "[1", "1e3", "a",
];

const LEX_BOUNDS: &[&str] = &[
    "-", "+", "[a", "(a", "[c", "(e", "[j", "(", "[", "[\u{ff}", "a", "--", "+x", "[1", "",
];

const PATTERNS: &[&str] = &[
    "*", "?", "[a-c]*", "*1", "h*", "[^a]", "\\*", "", "*a*", "[z", "\\", "a", "**", "?1",
];

const ENCODINGS: &[&str] = &[
    "i8", "u8", "i16", "u16", "i5", "u4", "i32", "i64", "u63", "u1", "i1", "u64", "i65", "i0",
    "u0", "x8", "i", "", "I8", "u08", "i-1",
];

const TYPES: &[&str] = &[
    "string", "list", "set", "zset", "hash", "stream", "ZSET", "none",
];

const CHANNELS: &[&str] = &["c1", "c2", "news.a", "__keyevent@0__:set", ""];

const STRAY: &[&str] = &[
    "NX",
    "XX",
    "GET",
    "EX",
    "KEEPTTL",
    "GT",
    "LT",
    "CH",
    "INCR",
    "LIMIT",
    "WITHSCORES",
    "WITHVALUES",
    "REV",
    "BYSCORE",
    "BYLEX",
    "COUNT",
    "MATCH",
    "LEFT",
    "RIGHT",
    "MIN",
    "MAX",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "DB",
    "REPLACE",
    "BIT",
    "BYTE",
    "ASC",
    "DESC",
    "STORE",
    "ALPHA",
    "BY",
    "WITHCOORD",
    "ANY",
    "RANK",
    "MAXLEN",
    "PERSIST",
    "ASYNC",
    "OVERFLOW",
    "SAT",
    "LEN",
    "IDX",
    "#1",
];

impl Vocabulary {
    pub fn new(seed: u64) -> Vocabulary {
        Vocabulary {
            random: Prng::new(seed),
        }
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    fn word(&mut self, from: &[&str]) -> Vec<u8> {
        self.pick(from).as_bytes().to_vec()
    }

    pub fn key(&mut self, group: &str) -> Vec<u8> {
        let own = KEYS.iter().find(|(name, _)| *name == group);
        match own {
            Some((_, keys)) if self.chance(92) => self.word(keys),
            _ if self.chance(15) => self.word(ODD_KEYS),
            _ => {
                let at = self.below(KEYS.len() as u64) as usize;
                self.word(KEYS[at].1)
            }
        }
    }

    /// A member, a field, an element, a value.
    pub fn datum(&mut self) -> Vec<u8> {
        weighted!(self,
            40 => vec![b'a' + self.below(10) as u8],
            18 => self.range(-5, 40),
            8 => self.range(0, 700),
            6 => self.word(INTEGER_EDGES),
            6 => self.word(DOUBLES),
            2 => self.word(DOUBLE_EDGES),
            2 => self.word(NO_INTEGERS),
            2 => Vec::new(),
            8 => self.long(),
            5 => self.binary(),
            2 => self.word(STRAY),
        )
    }

    /// A string about as long as one of the limits of encodings.
    fn long(&mut self) -> Vec<u8> {
        let len = match self.below(40) {
            0 => 1500,
            1..5 => 300,
            _ => [9, 12, 20, 39, 44, 45, 63, 64, 65, 66][self.below(10) as usize],
        };
        vec![b'A' + self.below(6) as u8; len]
    }

    fn binary(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.below(12) as usize];
        self.random.fill(&mut bytes);
        bytes
    }

    fn range(&mut self, from: i64, to: i64) -> Vec<u8> {
        let number = from + self.below((to - from) as u64) as i64;
        number.to_string().into_bytes()
    }

    pub fn small(&mut self) -> Vec<u8> {
        self.range(-5, 13)
    }

    /// An integer of an argument called `name` of the command `verb`.
    pub fn integer(&mut self, verb: &str, name: &str) -> Vec<u8> {
        if self.chance(6) {
            return match self.chance(50) {
                true => self.word(INTEGER_EDGES),
                false => self.word(NO_INTEGERS),
            };
        }
        match name {
            // No key expires while others look.
            "seconds" => weighted!(self,
                85 => self.range(100, 1_000_000),
                15 => self.word(&["0", "-1", "9223372036854775", "9223370000000000"]),
            ),
            "milliseconds" => weighted!(self,
                85 => self.range(100_000, 1_000_000_000),
                15 => self.word(&["0", "-1", "-100"]),
            ),
            "cursor" => self.word(&["0", "0", "0", "0", "5"]),
            "bit" => self.word(&["0", "1", "1", "0", "2"]),
            "index1" | "index2" | "db" | "destination-db" => self.db(),
            "index" if verb == "select" => self.db(),
            "count" | "limit" | "len" | "num-matches" | "numkeys" => weighted!(self,
                80 => self.range(0, 9),
                10 => self.range(-6, 0),
                10 => self.range(0, 1000),
            ),
            "rank" => self.range(-3, 4),
            "offset" => weighted!(self,
                80 => self.range(0, 70),
                10 => self.range(-2, 9),
                10 => self.range(0, 3000),
            ),
            _ => weighted!(self,
                85 => self.small(),
                15 => self.range(-100, 300),
            ),
        }
    }

    fn db(&mut self) -> Vec<u8> {
        self.word(&["0", "0", "0", "1", "1", "2", "3", "15", "16", "-1"])
    }

    pub fn double(&mut self, verb: &str, name: &str) -> Vec<u8> {
        match name {
            "timeout" if self.chance(85) => self.word(&["0", "0", "100"]),
            "timeout" => self.word(&[
                "0", "0", "0", "0", "100", "-1", "abc", "inf", "1e300", "nan",
            ]),
            "min" | "max" if verb.contains("lex") => self.lex_bound(),
            "min" | "max" if verb == "zrangestore" => self.bound(),
            "min" | "max" => self.score_bound(),
            "longitude" if self.chance(90) => self.place(180),
            "latitude" if self.chance(90) => self.place(85),
            "radius" | "width" | "height" if self.chance(80) => weighted!(self,
                2 => self.range(0, 500),
                2 => self.range(1000, 2_000_000),
                1 => self.word(&["0", "0.5", "111.25", "-1", "20000", "1e7"]),
            ),
            _ if self.chance(8) => self.word(DOUBLE_EDGES),
            _ if self.chance(30) => self.range(-20, 20),
            _ => self.word(DOUBLES),
        }
    }

    /// A coordinate of a few that are close to each other, or any.
    fn place(&mut self, max: i64) -> Vec<u8> {
        let fraction = self.below(1_000_000);
        let degrees = match self.chance(60) {
            true => 10 + self.below(3) as i64,
            false => self.below(2 * max as u64 + 2) as i64 - max,
        };
        format!("{degrees}.{fraction:06}").into_bytes()
    }

    /// The end of a range by rank, score or name.
    pub fn bound(&mut self) -> Vec<u8> {
        weighted!(self,
            50 => self.small(),
            25 => self.score_bound(),
            25 => self.lex_bound(),
        )
    }

    fn score_bound(&mut self) -> Vec<u8> {
        weighted!(self,
            40 => self.small(),
            45 => self.word(&["-inf", "+inf", "(1", "(2.5", "(-inf", "(inf", "1e3", "0.5"]),
            15 => self.word(SCORE_BOUNDS),
        )
    }

    fn lex_bound(&mut self) -> Vec<u8> {
        weighted!(self,
            40 => [b"[("[self.below(2) as usize], b'a' + self.below(10) as u8].to_vec(),
            30 => self.word(&["-", "+"]),
            30 => self.word(LEX_BOUNDS),
        )
    }

    pub fn pattern(&mut self) -> Vec<u8> {
        self.word(PATTERNS)
    }

    pub fn moment(&mut self, name: &str) -> Vec<u8> {
        if self.chance(15) {
            return self.word(&[
                "0",
                "-1",
                "1",
                "9223372036854775807",
                "9223372036854775",
                "abc",
            ]);
        }
        let seconds = 4_000_000_000 + self.below(1_000_000);
        let per_second = if name.contains("milli") { 1000 } else { 1 };
        (seconds * per_second).to_string().into_bytes()
    }

    pub fn string(&mut self, verb: &str, name: &str) -> Vec<u8> {
        match (verb, name) {
            ("setbit", "value") if self.chance(95) => self.word(&["0", "1", "1"]),
            (_, "member") if verb.starts_with("geo") && self.chance(80) => {
                vec![b'a' + self.below(10) as u8]
            }
            (_, "encoding") => self.word(ENCODINGS),
            (_, "operation") => self.word(&["AND", "OR", "XOR", "NOT", "and", "DIFF"]),
            // The others make registers dense, of which here those who watch the key are told.
            ("pfdebug", "subcommand") => self.word(&["ENCODING", "DECODE", "decode", "X"]),
            (_, "type") => self.word(TYPES),
            (_, "channel" | "shardchannel") => self.word(CHANNELS),
            _ => self.datum(),
        }
    }

    /// Anything at all.
    pub fn stray(&mut self) -> Vec<u8> {
        weighted!(self,
            4 => self.word(STRAY),
            3 => self.datum(),
            2 => self.word(INTEGER_EDGES),
            2 => self.word(NO_INTEGERS),
            1 => self.word(DOUBLE_EDGES),
            2 => self.key(""),
        )
    }
}
