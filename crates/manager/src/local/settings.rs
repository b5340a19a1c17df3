//! What a local cluster is made of: `config.sh`, and options that override it.

use std::path::PathBuf;

/// The port behind which those of the nodes begin.
const PORT: u16 = 30_000;

/// More nodes than anybody starts on one machine.
const NODES_MAX: u16 = 1000;

/// Options and the variables of `config.sh` that say the same.
pub const NAMES: &[(&str, &str)] = &[
    ("bin-path", "BIN_PATH"),
    ("host", "CLUSTER_HOST"),
    ("port", "PORT"),
    ("timeout", "TIMEOUT"),
    ("nodes", "NODES"),
    ("replicas", "REPLICAS"),
    ("protected-mode", "PROTECTED_MODE"),
    ("options", "ADDITIONAL_OPTIONS"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The server's program; none is this one.
    pub server: Option<PathBuf>,
    /// Where the nodes' files are.
    pub folder: PathBuf,
    pub host: String,
    /// The first node's is the one behind it.
    pub port: u16,
    pub timeout_ms: u32,
    pub nodes: u16,
    pub replicas: usize,
    pub protected_mode: String,
    /// Words that every server is given.
    pub additional: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            server: None,
            folder: PathBuf::from("."),
            host: "127.0.0.1".to_owned(),
            port: PORT,
            timeout_ms: 2000,
            nodes: 6,
            replicas: 1,
            protected_mode: "yes".to_owned(),
            additional: Vec::new(),
        }
    }
}

impl Settings {
    /// The ports of all nodes.
    pub fn ports(&self) -> impl Iterator<Item = u16> + Clone + use<> {
        self.port + 1..=self.port + self.nodes
    }

    /// What the servers were told to ask for.
    pub fn password(&self) -> Option<&str> {
        let at = self
            .additional
            .iter()
            .position(|word| word == "--requirepass")?;
        self.additional.get(at + 1).map(String::as_str)
    }

    /// Sets what a variable of `config.sh` says; others are the file's own affair.
    pub fn set(&mut self, variable: &str, value: &str) -> Result<(), String> {
        let wrong = |wanted: &str| format!("{variable} is {wanted}, not '{value}'");
        match variable {
            "BIN_PATH" => self.server = Some(PathBuf::from(value).join("redis-server")),
            "CLUSTER_HOST" => self.host = value.to_owned(),
            "PORT" => self.port = value.parse().map_err(|_| wrong("a port"))?,
            "TIMEOUT" => self.timeout_ms = value.parse().map_err(|_| wrong("milliseconds"))?,
            "NODES" => self.nodes = value.parse().map_err(|_| wrong("a number"))?,
            "REPLICAS" => self.replicas = value.parse().map_err(|_| wrong("a number"))?,
            "PROTECTED_MODE" => self.protected_mode = value.to_owned(),
            "ADDITIONAL_OPTIONS" => {
                self.additional = value.split_whitespace().map(str::to_owned).collect();
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether all ports are ports, those of the bus too.
    pub fn check(&self) -> Result<(), String> {
        let last = u32::from(self.port) + u32::from(self.nodes) + 10_000;
        match (self.nodes, last) {
            (1..=NODES_MAX, ..=65_535) => Ok(()),
            (1..=NODES_MAX, _) => Err(format!(
                "the last node's bus would listen at {last}, and ports end at 65535: choose a \
                 lower PORT"
            )),
            _ => Err(format!("NODES is from 1 to {NODES_MAX}")),
        }
    }

    /// Reads `config.sh`: assignments as a shell knows them, and nothing else of a shell.
    pub fn read(
        &mut self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        let mut known: Vec<(String, String)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let assignment = assignment(line, &|name| {
                let found = known.iter().rev().find(|(known, _)| known == name);
                found
                    .map(|(_, value)| value.clone())
                    .or_else(|| environment(name))
            });
            let told = match assignment {
                Ok(None) => continue,
                Ok(Some((name, value))) => {
                    let told = self.set(&name, &value);
                    known.push((name, value));
                    told
                }
                Err(why) => Err(why),
            };
            told.map_err(|why| format!("config.sh, line {}: {why}", index + 1))?;
        }
        Ok(())
    }
}

/// What a line assigns, if it says anything.
fn assignment(
    line: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(String, String)>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let named = line.split_once('=').filter(|(name, _)| is_name(name));
    let (name, rest) = named.ok_or("only assignments are read here")?;
    let mut reader = Shell {
        rest,
        value: String::new(),
        variable,
    };
    reader.word()?;
    let behind = reader.rest.trim_start().trim_start_matches(';').trim();
    match behind.is_empty() || behind.starts_with('#') {
        true => Ok(Some((name.to_owned(), reader.value))),
        false => Err(format!(
            "there is more behind the value of {name}: '{behind}'"
        )),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reads one word as a shell does.
struct Shell<'a> {
    rest: &'a str,
    value: String,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Shell<'_> {
    fn word(&mut self) -> Result<(), String> {
        let mut is_quoted = false;
        while let Some(first) = self.rest.chars().next() {
            if !is_quoted && (first.is_whitespace() || first == ';') {
                return Ok(());
            }
            self.rest = &self.rest[first.len_utf8()..];
            match first {
                '"' => is_quoted = !is_quoted,
                '\'' if !is_quoted => {
                    let quoted = self.rest.split_once('\'');
                    let (inside, behind) = quoted.ok_or("a quote is not closed")?;
                    self.value += inside;
                    self.rest = behind;
                }
                '\\' => {
                    let escaped = self.rest.chars().next().ok_or("a line goes on")?;
                    self.value.push(escaped);
                    self.rest = &self.rest[escaped.len_utf8()..];
                }
                '$' => self.expand()?,
                '`' => return Err("commands are not run here".to_owned()),
                plain => self.value.push(plain),
            }
        }
        match is_quoted {
            true => Err("a quote is not closed".to_owned()),
            false => Ok(()),
        }
    }

    /// Puts a variable's value where its name stands.
    fn expand(&mut self) -> Result<(), String> {
        let (name, behind) = match self.rest.strip_prefix('{') {
            Some(rest) => rest.split_once('}').unwrap_or_default(),
            None => {
                let bytes = self.rest.bytes().take_while(|byte| is_name_byte(*byte));
                self.rest.split_at(bytes.count())
            }
        };
        if !is_name(name) {
            return Err("behind a $ only names of variables are read".to_owned());
        }
        self.value += &(self.variable)(name).unwrap_or_default();
        self.rest = behind;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let home = |name: &str| (name == "HOME").then(|| "/srv/me".to_owned());
        settings.read(text, &home)?;
        Ok(settings)
    }

    #[test]
    fn assignments_are_read_as_a_shell_does() {
        let text = "# mine\nPORT=7000 # here\nexport NODES='12'\n\n  MINE=\"a b\"\n\
                    BIN_PATH=$HOME/${MINE}\nREPLICAS=\"2\";\n\
                    ADDITIONAL_OPTIONS=\"--requirepass x\\$y --maxmemory  1mb\"\n";
        let read = read(text).unwrap();
        assert_eq!((read.port, read.nodes, read.replicas), (7000, 12, 2));
        let server = PathBuf::from("/srv/me/a b/redis-server");
        assert_eq!(read.server, Some(server));
        let words = ["--requirepass", "x$y", "--maxmemory", "1mb"];
        assert_eq!(read.additional, words);
        assert_eq!(read.password(), Some("x$y"));
        assert_eq!(read.ports().count(), 12);
        assert_eq!(read.ports().next(), Some(7001));
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused_with_its_line() {
        for (text, why) in [
            ("\necho hello", "line 2: only assignments are read here"),
            ("PORT=x", "line 1: PORT is a port, not 'x'"),
            ("PORT=$((1 + 2))", "behind a $ only names"),
            ("PORT=`id`", "commands are not run here"),
            ("PORT=\"1", "a quote is not closed"),
            (
                "PORT=1 NODES=2",
                "there is more behind the value of PORT: 'NODES=2'",
            ),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn ports_stay_below_their_end() {
        let settings = |port, nodes| Settings {
            port,
            nodes,
            ..Settings::default()
        };
        assert_eq!(settings(30_000, 6).check(), Ok(()));
        assert_eq!(settings(55_529, 6).check(), Ok(()));
        assert!(settings(55_530, 6).check().is_err());
        assert!(settings(65_535, 6).check().is_err());
        assert!(settings(30_000, 0).check().is_err());
    }
}
