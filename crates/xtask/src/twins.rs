//! `cargo xtask twins`: Ochre's command line beside Redis's, run on the same words against the same
//! server, and compared byte by byte: standard output, standard error, exit code.
//!
//! The cases are `twins/cases.txt`. A line there is a mark and the words, quoted as in a shell:
//!
//! ```text
//! $ get key          run once
//! % get key          run in every format
//! ! -p 1 ping        without the port of the server
//! ~ subscribe a      stopped after a moment, as it has no end
//! < a line           of the standard input, for the run above
//! ```
//!
//! Words of the form `NAME=value` at the front are the environment. `{port}` is the server's port.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use stdx::text::split_words;

use crate::process::{Workplace, is_installed};
use crate::server::{Server, locate};
use crate::{product, tree};

const CASES: &str = include_str!("twins/cases.txt");

/// What the server holds before every run. Of one key more its table would grow, and `SCAN` would
/// name keys in another order while it does.
const FIXTURE: &str = include_str!("twins/fixture.txt");

const FORMATS: &[&[&str]] = &[
    &[],
    &["--no-raw"],
    &["--csv"],
    &["--json"],
    &["--quoted-json"],
    &["-3"],
    &["-3", "--no-raw"],
    &["-2", "--json"],
    &["-d", ",", "-D", ";\n"],
];

/// Of the formats, a quick run plays one in so many.
const QUICK_STEP: usize = 3;

/// How often a case is played until the programs agree.
const PLAYS_MAX: usize = 3;

/// How long a run may take, and one that has no end.
const RUN_MAX: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(300);

/// How long a busy machine may keep the server from answering.
const SERVER_MAX: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Options {
    /// Only cases that contain this text.
    #[arg(long)]
    only: Option<String>,
    /// Each case in some of the formats only, others for the next case.
    #[arg(long)]
    quick: bool,
    /// Talk to Ochre's server instead of Redis's.
    #[arg(long)]
    ochre: bool,
    /// The profile Ochre is built with.
    #[arg(long, default_value = product::EVERYDAY_PROFILE)]
    profile: String,
}

struct Case {
    mark: char,
    words: Vec<String>,
    input: String,
    line: usize,
}

impl Case {
    fn formats(&self, quick: bool) -> impl Iterator<Item = &'static &'static [&'static str]> {
        let formats = if self.mark == '%' {
            FORMATS
        } else {
            &FORMATS[..1]
        };
        let (first, step) = match (self.mark, quick) {
            ('%', true) => (self.line % QUICK_STEP, QUICK_STEP),
            _ => (0, 1),
        };
        formats.iter().skip(first).step_by(step)
    }
}

#[derive(PartialEq, Eq)]
struct Seen {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    code: Option<i32>,
}

/// Why the comparison cannot run here.
pub fn missing() -> Option<&'static str> {
    let there = is_installed("redis-cli") && is_installed("redis-server");
    (!there).then_some("redis-cli or redis-server is not installed")
}

pub fn run(options: &Options) -> Result<()> {
    if let Some(reason) = missing() {
        bail!("{reason}");
    }
    let workplace = Workplace::open()?;
    let ochre = product::build(&options.profile)?;
    let server_binary = match options.ochre {
        true => ochre.clone(),
        false => locate(Path::new("/usr/bin/redis-server"))?,
    };
    let server = Server::start(
        &server_binary,
        &workplace.folder().join("server"),
        &["--enable-debug-command", "yes"],
    )?;
    let twins = Twins {
        port: server.port,
        ochre,
        folder: workplace.folder().to_path_buf(),
    };
    let (mut runs, mut differences) = (0, 0);
    for case in cases()? {
        let text = case.words.join(" ");
        if options
            .only
            .as_ref()
            .is_some_and(|only| !text.contains(only))
        {
            continue;
        }
        for format in case.formats(options.quick) {
            runs += 1;
            differences += usize::from(!twins.agree(&case, format)?);
        }
    }
    println!("twins: {runs} runs, {differences} differences");
    ensure!(differences == 0, "the programs differ");
    Ok(())
}

fn cases() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in CASES.lines().enumerate() {
        let Some(mark) = line.chars().next().filter(|mark| *mark != '#') else {
            continue;
        };
        let rest = line[1..].strip_prefix(' ').unwrap_or_default();
        if mark == '<' {
            let case = cases.last_mut().context("input before any case")?;
            case.input += &format!("{rest}\n");
            continue;
        }
        ensure!("$%!~".contains(mark), "line {}: no such mark", index + 1);
        let words = split_words(rest.as_bytes());
        let words = words.map_err(|_| anyhow::anyhow!("line {}: quotes", index + 1))?;
        cases.push(Case {
            mark,
            words: words
                .into_iter()
                .map(|word| String::from_utf8_lossy(&word).into_owned())
                .collect(),
            input: String::new(),
            line: index + 1,
        });
    }
    Ok(cases)
}

struct Twins {
    port: u16,
    ochre: PathBuf,
    folder: PathBuf,
}

impl Twins {
    /// Whether the programs agree in one of a few runs: on a busy machine one may take so much
    /// longer than the other that it says so.
    fn agree(&self, case: &Case, format: &[&str]) -> Result<bool> {
        for _ in 1..PLAYS_MAX {
            let [theirs, ours] = self.play(case, format)?;
            if ours == theirs {
                return Ok(true);
            }
        }
        let [theirs, ours] = self.play(case, format)?;
        if ours == theirs {
            return Ok(true);
        }
        let words = format.join(" ") + " " + &case.words.join(" ");
        println!("line {}: {}", case.line, words.trim());
        for (name, seen) in [("theirs", &theirs), ("ours", &ours)] {
            println!("  {name}: code {:?}", seen.code);
            println!("    out {}", seen.stdout.escape_ascii());
            println!("    err {}", seen.stderr.escape_ascii());
        }
        Ok(false)
    }

    /// What redis-cli does, and what Ochre does.
    fn play(&self, case: &Case, format: &[&str]) -> Result<[Seen; 2]> {
        self.reset()?;
        let theirs = self.observe(Command::new("/usr/bin/redis-cli"), case, format)?;
        self.reset()?;
        let mut ours = Command::new(&self.ochre);
        ours.arg("cli");
        Ok([theirs, self.observe(ours, case, format)?])
    }

    /// Brings the server into the state that every run begins with.
    fn reset(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(SERVER_MAX))?;
        stream.write_all(FIXTURE.as_bytes())?;
        stream.write_all(b"ECHO fixture-done\r\n")?;
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !seen.ends_with(b"fixture-done\r\n") {
            let read = stream.read(&mut buffer);
            let read = read.context("the server does not take the fixture")?;
            ensure!(read > 0, "the server hung up on the fixture");
            seen.extend_from_slice(&buffer[..read]);
        }
        Ok(())
    }

    fn observe(&self, mut program: Command, case: &Case, format: &[&str]) -> Result<Seen> {
        let [input, stdout, stderr] = ["in", "out", "err"].map(|name| self.folder.join(name));
        std::fs::write(&input, case.input.replace("{port}", &self.port.to_string()))?;
        let mut words = case
            .words
            .iter()
            .map(|word| word.replace("{port}", &self.port.to_string()));
        let mut words: Vec<String> = words.by_ref().collect();
        while let Some((name, value)) = words.first().and_then(|word| word.split_once('=')) {
            if !name
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_')
            {
                break;
            }
            program.env(name, value);
            words.remove(0);
        }
        if case.mark != '!' {
            program.args(["-p", &self.port.to_string()]);
        }
        let mut child = program
            .args(format)
            .args(&words)
            .current_dir(tree::root())
            .env_remove("REDISCLI_AUTH")
            .stdin(std::fs::File::open(&input)?)
            .stdout(std::fs::File::create(&stdout)?)
            .stderr(std::fs::File::create(&stderr)?)
            .spawn()?;
        let patience = if case.mark == '~' { MOMENT } else { RUN_MAX };
        let deadline = Instant::now() + patience;
        let code = loop {
            if let Some(status) = child.try_wait()? {
                break status.code();
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        Ok(Seen {
            stdout: without_durations(&without_ids(&std::fs::read(stdout)?)),
            stderr: std::fs::read(stderr)?,
            code,
        })
    }
}

/// Numbers of connections differ from run to run: those that stand behind `id` become `#`.
fn without_ids(text: &[u8]) -> Vec<u8> {
    const FORMS: &[&[u8]] = &[
        b"\nid\n", b"\nid ", b"\"id\",", b"\"id\":", b"\nid,", b",id,",
    ];
    const STANDARD: &[&[u8]] = &[b"\"id\" => (integer) ", b"\"id\"\n 8) (integer) "];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        out.push(byte);
        rest = behind;
        if FORMS.iter().chain(STANDARD).any(|form| out.ends_with(form)) {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            out.push(b'#');
            rest = &rest[digits..];
        }
    }
    out
}

/// How long a command took differs from run to run: `(0.61s)` becomes `(#s)`.
fn without_durations(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let inner = line
            .strip_prefix(b"(")
            .and_then(|line| line.strip_suffix(b"s)\n"));
        let is_number = |text: &&[u8]| text.iter().all(|&byte| matches!(byte, b'0'..=b'9' | b'.'));
        match inner.filter(is_number) {
            Some(_) => b"(#s)\n",
            None => line,
        }
    });
    lines.collect::<Vec<_>>().concat()
}
