//! The program from its arguments to its end.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use stdx::text::{Unbalanced, split_words};

use crate::line::{self, Flow};
use crate::options::{Mode, Options, Stdin, entry};
use crate::session::{Outcome, Session};
use crate::{eval, keys, latency, lru, pipe, replica, shell, stat, terminal, top, usage};

/// What `--version` prints, and what tools look for.
pub const VERSION_LINE: &str = "redis-cli 7.0.15";

const PASSWORD_WARNING: &str = "Warning: Using a password with '-a' or '-u' option on the command \
line interface may not be safe.";

/// What the cluster manager is asked for, and how to enter the nodes.
#[derive(Debug)]
pub struct ClusterCall {
    pub connection: client::Options,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub verbose: bool,
    /// The command and its arguments.
    pub words: Vec<Vec<u8>>,
    /// What stands behind `--cluster-`, and its values.
    pub settings: Vec<crate::options::Setting>,
}

impl ClusterCall {
    fn new(options: Options, words: Vec<Vec<u8>>) -> ClusterCall {
        ClusterCall {
            connection: options.connection(),
            user: options.user,
            password: options.password,
            verbose: options.verbose,
            words,
            settings: options.cluster_settings,
        }
    }
}

/// Takes the options that say how to connect out of the cluster manager's own words.
pub fn cluster_call(args: &[Vec<u8>]) -> Result<ClusterCall, String> {
    let (mut options, words) = entry(args).map_err(|error| error.to_string())?;
    options.auth_warning = false;
    settle(&mut options)?;
    Ok(ClusterCall::new(options, words))
}

/// Runs the command line. `args` are those behind the program's name; `manager` takes what is
/// asked of the cluster manager.
pub fn main(args: &[Vec<u8>], manager: fn(ClusterCall) -> ExitCode) -> ExitCode {
    let mut options = match Options::parse(args) {
        Ok(options) => options,
        Err(error) => return fail(&error.to_string()),
    };
    match options.mode {
        Mode::Help => {
            terminal::emit(usage::TEXT.as_bytes());
            return ExitCode::SUCCESS;
        }
        Mode::Version => {
            terminal::emit(format!("{VERSION_LINE}\n").as_bytes());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if options.quoted_input && unquote(&mut options.command).is_err() {
        terminal::emit(b"Invalid quoted string\n");
        return ExitCode::FAILURE;
    }
    if let Err(message) = settle(&mut options) {
        return fail(&message);
    }
    if let Mode::Cluster(cluster) = &options.mode {
        let mut words = cluster.words.clone();
        return match add_stdin(&mut words, &options.stdin) {
            Ok(()) => manager(ClusterCall::new(options, words)),
            Err(message) => fail(&message),
        };
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(options)),
        Err(error) => fail(&format!("ochre: cannot watch sockets: {error}")),
    }
}

pub fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

/// Reads every word as a line of exactly one word.
fn unquote(words: &mut [Vec<u8>]) -> Result<(), Unbalanced> {
    for word in words {
        let mut read = split_words(word)?;
        *word = match (read.pop(), read.is_empty()) {
            (Some(only), true) => only,
            _ => return Err(Unbalanced),
        };
    }
    Ok(())
}

/// Completes the options with what the environment says, or whoever is asked.
fn settle(options: &mut Options) -> Result<(), String> {
    if options.askpass {
        options.password_shown = false;
        options.password = Some(ask_password()?);
    } else if options.password.is_none() {
        use std::os::unix::ffi::OsStringExt;
        let from_environment = std::env::var_os("REDISCLI_AUTH");
        options.password = from_environment.map(OsStringExt::into_vec);
    }
    if options.password_shown && options.auth_warning {
        eprintln!("{PASSWORD_WARNING}");
    }
    Ok(())
}

/// Asks for a password and shows asterisks.
fn ask_password() -> Result<Vec<u8>, String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("ochre: cannot read the password: {error}");
    let stdin = std::io::stdin();
    let mut password = Vec::new();
    if !stdin.is_terminal() {
        let read = stdin.lock().read_until(b'\n', &mut password);
        read.map_err(|error| cannot(&error))?;
        password.truncate(password.trim_ascii_end().len());
        return Ok(password);
    }
    eprint!("Please input password: ");
    let raw = terminal::Raw::enter().map_err(|error| cannot(&error))?;
    for byte in stdin.lock().bytes() {
        match byte.map_err(|error| cannot(&error))? {
            b'\r' | b'\n' => break,
            0x03 => {
                drop(raw);
                eprintln!();
                std::process::exit(1);
            }
            0x7f | 0x08 => {
                if password.pop().is_some() {
                    eprint!("\x08 \x08");
                }
            }
            byte => {
                password.push(byte);
                eprint!("*");
            }
        }
        drop(std::io::stderr().flush());
    }
    drop(raw);
    eprintln!();
    Ok(password)
}

async fn run(options: Options) -> ExitCode {
    let watched = terminal::output_is_watched();
    let mode = options.mode.clone();
    let mut session = Session::new(options, watched);
    match mode {
        Mode::BigKeys => keys::biggest(&mut session, keys::Measure::Elements).await,
        Mode::MemoryKeys => keys::biggest(&mut session, keys::Measure::Memory).await,
        Mode::HotKeys => keys::hottest(&mut session).await,
        Mode::Scan => keys::scan(&mut session).await,
        Mode::Latency => latency::measure(&mut session, false).await,
        Mode::LatencyHistory => latency::measure(&mut session, true).await,
        Mode::LatencyDistribution => latency::distribution(&mut session).await,
        Mode::IntrinsicLatency(length) => latency::intrinsic(&session, length),
        Mode::Stat => stat::run(&mut session).await,
        Mode::Pipe => pipe::run(&mut session).await,
        Mode::Eval(file) => eval::run(&mut session, &file).await,
        Mode::Top => top::run(&mut session).await,
        Mode::TestHint(line) => test_hint(&session, &line),
        Mode::TestHintFile(file) => test_hint_file(&session, &file),
        Mode::LruTest(keys) => lru::run(&mut session, keys).await,
        Mode::Replica => replica::run(&mut session).await,
        Mode::Rdb {
            file,
            functions_only,
        } => replica::save(&mut session, &file, functions_only).await,
        _ if session.options.command.is_empty() => interact(&mut session).await,
        _ => one_command(&mut session).await,
    }
}

/// Lines from the standard input, typed by a person or not.
pub async fn interact(session: &mut Session) -> ExitCode {
    match std::io::stdin().is_terminal() {
        true => shell::run(session).await,
        false => piped(session).await,
    }
}

/// Lines from the standard input that nobody types.
async fn piped(session: &mut Session) -> ExitCode {
    session.interactive = true;
    // A server that is not there is said so with every line, and may come.
    session.connect_or_say().await;
    let stdin = std::io::stdin();
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdin.lock().read_until(b'\n', &mut line) {
            Ok(0) => return ExitCode::SUCCESS,
            Ok(_) => {}
            Err(error) => return fail(&format!("ochre: cannot read the standard input: {error}")),
        }
        if line::run(session, &line).await == Flow::End {
            return ExitCode::SUCCESS;
        }
    }
}

/// The command of the command line.
pub async fn one_command(session: &mut Session) -> ExitCode {
    let mut words = session.options.command.clone();
    if let Err(message) = add_stdin(&mut words, &session.options.stdin) {
        return fail(&message);
    }
    if line::local(session, &words) {
        return ExitCode::SUCCESS;
    }
    let repeat = session.options.repeat;
    let outcome = session.run(&words, repeat).await;
    let failed = match outcome {
        Outcome::Done => false,
        Outcome::Refused => session.options.error_code,
        Outcome::Lost => true,
    };
    ExitCode::from(u8::from(failed))
}

fn add_stdin(words: &mut Vec<Vec<u8>>, stdin: &Stdin) -> Result<(), String> {
    let read = || {
        let mut text = Vec::new();
        match std::io::stdin().lock().read_to_end(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(format!("ochre: cannot read the standard input: {error}")),
        }
    };
    match stdin {
        Stdin::Unused => {}
        Stdin::LastArgument => words.push(read()?),
        Stdin::Tag(tag) => match words.iter_mut().find(|word| *word == tag) {
            Some(word) => *word = read()?,
            None => return Err("Using -X option but stdin tag not match.".to_owned()),
        },
    }
    Ok(())
}

/// Shows what stands behind the cursor when a line is typed.
fn test_hint(session: &Session, line: &[u8]) -> ExitCode {
    let hint = shell::hint(session, &String::from_utf8_lossy(line));
    terminal::emit(format!("{}\n", hint.unwrap_or_default()).as_bytes());
    ExitCode::SUCCESS
}

/// Compares hints with those of a file, whose lines are a quoted input and the hint.
fn test_hint_file(session: &Session, file: &Path) -> ExitCode {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) => return fail(&format!("Can't open file '{}': {error}", file.display())),
    };
    let (mut passed, mut failed) = (0, 0);
    for line in text.split(|&byte| byte == b'\n') {
        let words = split_words(line).unwrap_or_default();
        let [input, expected] = words.as_slice() else {
            continue;
        };
        if input.starts_with(b"#") {
            continue;
        }
        let hint = shell::hint(session, &String::from_utf8_lossy(input)).unwrap_or_default();
        if hint.as_bytes() == expected.as_slice() {
            passed += 1;
            continue;
        }
        failed += 1;
        let (input, expected) = (input.escape_ascii(), expected.escape_ascii());
        terminal::emit(format!("'{input}': expected '{expected}', got '{hint}'\n").as_bytes());
    }
    let verdict = if failed > 0 { "FAILURE" } else { "SUCCESS" };
    terminal::emit(format!("{verdict}: {passed} passed, {failed} failed\n").as_bytes());
    ExitCode::from(u8::from(failed > 0))
}
