//! The arguments: twemproxy's, and a few more.

use crate::stats::SERVER_FIELDS;

/// What the program is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    Help,
    Version,
    DescribeStatistics,
    /// To say whether a file could be used.
    Check(String),
    /// To tell what the move of a file's pool will take.
    Plan(String, String),
    /// To move all keys of it.
    Move(String, String),
    Run(Arguments),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub config: String,
    pub daemonize: bool,
    pub output: Option<String>,
    pub pid_file: Option<String>,
    pub verbosity: i32,
    /// None is the default, where the file has pools that report.
    pub stats_port: Option<u16>,
    pub stats_address: String,
    /// Milliseconds between two reports; here every report is of its moment.
    pub stats_interval: u32,
    pub mbuf_size: u32,
    pub threads: Option<usize>,
    /// Where figures and orders are served over HTTP.
    pub admin: Option<String>,
}

pub const USAGE: &str = "\
Usage: ochre proxy [-?hVdDt] [-c FILE | FILE] [OPTIONS ...]

  -c, --conf-file=FILE      configuration (conf/nutcracker.yml): twemproxy's, predixy's, or
                            Ochre's own if it ends in .toml; a signal HUP has it read again
  -t, --test-conf           say whether the configuration is good, and end
      --check=FILE          the same of a file
      --plan-move=POOL      tell what a pool's `migrate` will take, and end
      --move=POOL           move all keys of it through the running proxy, and end
  -d, --daemonize           run in the background
  -o, --output=FILE         log to a file and not to the standard error
  -v, --verbose=N           how much to log, 0 to 11 (5)
  -p, --pid-file=FILE       write the number of the process there
  -s, --stats-port=N        where statistics are given (22222)
  -a, --stats-addr=ADDRESS  and at which address (0.0.0.0)
  -i, --stats-interval=MS   accepted; statistics are always of the moment
  -m, --mbuf-size=N         accepted; requests may be of any size
      --threads=N           threads that serve (one for every two cores)
      --admin=HOST:PORT     HTTP: /metrics for Prometheus, /health, POST /reload
  -D, --describe-stats      tell what the statistics mean, and end
  -V, --version             tell the version, and end
  -h, --help                this text";

pub fn version() -> String {
    format!("This is ochre proxy {}", env!("CARGO_PKG_VERSION"))
}

/// What each figure of the report means.
pub fn describe_statistics() -> String {
    let pool = [
        ("client_eof", "clients that ended their connection"),
        ("client_err", "clients that were not understood"),
        ("client_connections", "clients there are"),
        ("server_ejects", "times a server was put out of the ring"),
        ("forward_error", "requests for which there was no server"),
        ("fragments", "parts of requests for several servers"),
    ];
    let server = [
        ("server_eof", "connections that a server ended"),
        ("server_err", "connections that failed"),
        ("server_timedout", "connections that were too slow"),
        ("server_connections", "connections there are"),
        (
            "server_ejected_at",
            "when it was put out of the ring, in us of Unix time",
        ),
        ("out_queue", "requests whose reply has not come"),
    ];
    let mut text = String::from("pool stats:\n");
    let mut line = |name: &str, what: &str| text += &format!("  {name:<20}\"{what}\"\n");
    pool.iter().for_each(|(name, what)| line(name, what));
    text += "\nserver stats:\n";
    let mut line = |name: &str, what: &str| text += &format!("  {name:<20}\"{what}\"\n");
    server.iter().for_each(|(name, what)| line(name, what));
    SERVER_FIELDS
        .iter()
        .for_each(|(name, what, _)| line(name, what));
    text
}

const MBUF_SIZES: std::ops::RangeInclusive<u32> = 512..=16_777_216;

impl Default for Arguments {
    fn default() -> Arguments {
        Arguments {
            config: "conf/nutcracker.yml".to_owned(),
            daemonize: false,
            output: None,
            pid_file: None,
            verbosity: 5,
            stats_port: None,
            stats_address: "0.0.0.0".to_owned(),
            stats_interval: 30_000,
            mbuf_size: 16_384,
            threads: None,
            admin: None,
        }
    }
}

/// Short and long name of each option, and whether a value follows.
const OPTIONS: &[(char, &str, bool)] = &[
    ('h', "help", false),
    ('?', "help", false),
    ('V', "version", false),
    ('t', "test-conf", false),
    ('d', "daemonize", false),
    ('D', "describe-stats", false),
    ('v', "verbose", true),
    ('o', "output", true),
    ('c', "conf-file", true),
    ('s', "stats-port", true),
    ('a', "stats-addr", true),
    ('i', "stats-interval", true),
    ('p', "pid-file", true),
    ('m', "mbuf-size", true),
    ('\0', "check", true),
    ('\0', "threads", true),
    ('\0', "admin", true),
    ('\0', "plan-move", true),
    ('\0', "move", true),
];

impl Arguments {
    pub fn parse(args: &[Vec<u8>]) -> Result<Task, String> {
        let words = args
            .iter()
            .map(|arg| String::from_utf8_lossy(arg).into_owned());
        let mut words: std::collections::VecDeque<String> = words.collect();
        let (mut arguments, mut task) = (Arguments::default(), None);
        while let Some(word) = words.pop_front() {
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let known = OPTIONS.iter().find(|(_, long, _)| *long == name);
                let (_, name, takes) = known.ok_or_else(|| format!("no option is --{name}"))?;
                let value = match (takes, value) {
                    (true, None) => words.pop_front(),
                    (_, value) => value,
                };
                arguments.set(name, *takes, value, &mut task)?;
                continue;
            }
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                // As predixy is told its file.
                arguments.config = word;
                continue;
            };
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let known = OPTIONS.iter().find(|(short, _, _)| *short == letter);
                let (_, name, takes) = known.ok_or_else(|| format!("no option is -{letter}"))?;
                let behind = rest.as_str();
                let value = match takes {
                    false => None,
                    true if behind.is_empty() => words.pop_front(),
                    true => Some(behind.to_owned()),
                };
                arguments.set(name, *takes, value, &mut task)?;
                if *takes {
                    break;
                }
            }
        }
        if matches!(task, Some(Task::Check(ref path)) if path.is_empty()) {
            return Ok(Task::Check(arguments.config));
        }
        Ok(match task {
            Some(Task::Plan(_, pool)) => Task::Plan(arguments.config, pool),
            Some(Task::Move(_, pool)) => Task::Move(arguments.config, pool),
            Some(task) => task,
            None => Task::Run(arguments),
        })
    }

    fn set(
        &mut self,
        name: &str,
        takes: bool,
        value: Option<String>,
        task: &mut Option<Task>,
    ) -> Result<(), String> {
        let value = match (takes, value) {
            (true, None) => return Err(format!("--{name} needs a value")),
            (false, Some(_)) => return Err(format!("--{name} takes no value")),
            (_, value) => value.unwrap_or_default(),
        };
        match name {
            "help" => *task = Some(Task::Help),
            "version" => *task = Some(Task::Version),
            "describe-stats" => *task = Some(Task::DescribeStatistics),
            "test-conf" => *task = Some(Task::Check(String::new())),
            "plan-move" => *task = Some(Task::Plan(String::new(), value)),
            "move" => *task = Some(Task::Move(String::new(), value)),
            "check" => *task = Some(Task::Check(value)),
            "daemonize" => self.daemonize = true,
            "output" => self.output = Some(value),
            "pid-file" => self.pid_file = Some(value),
            "conf-file" => self.config = value,
            "stats-addr" => self.stats_address = value,
            "verbose" => self.verbosity = number(name, &value)?,
            "stats-port" => self.stats_port = Some(number(name, &value)?),
            "stats-interval" => self.stats_interval = number(name, &value)?,
            "admin" => self.admin = Some(value),
            "mbuf-size" => self.mbuf_size = number(name, &value)?,
            _ => self.threads = Some(number(name, &value)?),
        }
        if self.threads == Some(0) || !MBUF_SIZES.contains(&self.mbuf_size) {
            return Err(format!("--{name} is out of range"));
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|_| digits);
    number.ok_or_else(|| format!("--{name} needs a number, not '{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, String> {
        let words: Vec<Vec<u8>> = line.split_whitespace().map(|w| w.into()).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn the_original_s_letters_mean_what_they_mean() {
        let Ok(Task::Run(arguments)) =
            parse("-d -c a.yml -v11 -o x.log -s 1 -a ::1 -i 5 -p p -m 512")
        else {
            panic!();
        };
        assert!(arguments.daemonize);
        assert_eq!(
            (arguments.config.as_str(), arguments.verbosity),
            ("a.yml", 11)
        );
        assert_eq!(
            (arguments.stats_port, arguments.stats_interval),
            (Some(1), 5)
        );
        assert_eq!(arguments.pid_file.as_deref(), Some("p"));
        assert_eq!(parse("-tc b.yml"), Ok(Task::Check("b.yml".to_owned())));
        assert_eq!(
            parse("--test-conf --conf-file=c"),
            Ok(Task::Check("c".to_owned()))
        );
        assert_eq!(parse("--check d"), Ok(Task::Check("d".to_owned())));
        assert_eq!(parse("-V"), Ok(Task::Version));
        let Ok(Task::Run(arguments)) = parse("conf/predixy.conf") else {
            panic!();
        };
        assert_eq!(arguments.config, "conf/predixy.conf");
        for wrong in [
            "-x",
            "--nosuch",
            "-c",
            "-m 1",
            "-s -1",
            "--threads=0",
            "-v x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
