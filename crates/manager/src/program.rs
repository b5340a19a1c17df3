//! The program under each of its names.

use std::process::ExitCode;
use std::sync::Arc;

use crate::command::{Errand, Outcome, usage};
use crate::link::Access;
use crate::request::{Command, Request, Settings, UsageError, table};
use crate::voice::{Dialect, Voice};

/// Who asks, and how to enter the nodes.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub connection: client::Options,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub verbose: bool,
}

/// An option of `redis-cli --cluster` and its values, by its name behind `--cluster-`.
pub type Setting = (String, Vec<Vec<u8>>);

/// Runs what stands behind `redis-cli --cluster`: a command with its arguments, and settings.
pub fn cli(entry: Entry, words: &[Vec<u8>], settings: &[Setting]) -> ExitCode {
    let dialect = Dialect::Cli;
    let name = words.first().map(|word| text(word)).unwrap_or_default();
    let Some(command) = Command::by_name(&name, dialect) else {
        return fail("Unknown --cluster subcommand");
    };
    let mut request = Request {
        command,
        args: words[1..].to_vec(),
        settings: Settings {
            verbose: entry.verbose,
            yes: std::env::var_os("REDISCLI_CLUSTER_YES").is_some_and(|value| value == "1"),
            ..Settings::default()
        },
    };
    for (name, values) in settings {
        if let Err(error) = request.settings.set(name, values) {
            return fail(&explain(&error));
        }
    }
    if !command.takes(request.args.len(), dialect) {
        return fail("[ERR] Wrong number of arguments for specified --cluster sub command");
    }
    if request.settings.from_askpass {
        request.settings.from_password = match ask_password() {
            Some(password) => Some(password),
            None => return ExitCode::FAILURE,
        };
    }
    perform(dialect, entry, request)
}

/// Runs `ochre cluster`, whose connection options have been taken out of the words.
pub fn ochre(entry: Entry, words: &[Vec<u8>]) -> ExitCode {
    let dialect = Dialect::Ochre;
    let mut request = match read(words) {
        Ok(Some(request)) => request,
        Ok(None) => {
            print!("{}", usage(dialect));
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("ochre: {}", explain(&error));
            return ExitCode::from(Outcome::Usage.code(dialect));
        }
    };
    request.settings.verbose |= entry.verbose;
    if request.settings.from_askpass {
        request.settings.from_password = ask_password();
    }
    perform(dialect, entry, request)
}

/// Reads a command among its options and arguments; none if help is wanted.
fn read(words: &[Vec<u8>]) -> Result<Option<Request>, UsageError> {
    let mut settings = Settings::default();
    let mut plain: Vec<Vec<u8>> = Vec::new();
    let mut rest = words;
    while let [word, behind @ ..] = rest {
        rest = behind;
        let calls = plain.first().is_some_and(|name| name == b"call") && plain.len() > 2;
        let shown = text(word);
        if matches!(shown.as_str(), "-h" | "--help") && !calls {
            return Ok(None);
        }
        let option = shown.strip_prefix("--").filter(|_| !calls);
        let Some(option) = option else {
            plain.push(word.clone());
            continue;
        };
        let option = option.strip_prefix("cluster-").unwrap_or(option);
        let unknown = || UsageError::Option {
            option: shown.clone(),
            command: plain.first().map(|name| text(name)).unwrap_or_default(),
        };
        let (name, mut values) = match option.split_once('=') {
            Some((name, value)) => (name, vec![value.as_bytes().to_vec()]),
            None => (option, Vec::new()),
        };
        if table::WITH_VALUE.contains(&name) && values.is_empty() {
            values.push(rest.first().ok_or_else(unknown)?.clone());
            rest = &rest[1..];
            // A list of weights may go on.
            while name == "weight" && rest.first().is_some_and(|word| is_pair(word)) {
                values.push(rest[0].clone());
                rest = &rest[1..];
            }
        }
        if !settings.set(name, &values)? {
            return Err(unknown());
        }
    }
    let Some((name, args)) = plain.split_first() else {
        return Ok(None);
    };
    let name = text(name);
    let command = Command::by_name(&name, Dialect::Ochre);
    let command = command.ok_or(UsageError::Command(name))?;
    if !command.takes(args.len(), Dialect::Ochre) {
        return Err(UsageError::Arity);
    }
    Ok(Some(Request {
        command,
        args: args.to_vec(),
        settings,
    }))
}

fn is_pair(word: &[u8]) -> bool {
    !word.starts_with(b"-") && word.contains(&b'=')
}

/// Runs redis-trib: options stand between the command and its arguments.
pub fn trib(words: &[Vec<u8>]) -> ExitCode {
    let dialect = Dialect::Trib;
    let Some((name, mut rest)) = words.split_first() else {
        print!("{}", usage(dialect));
        return ExitCode::FAILURE;
    };
    let name = text(name);
    let Some(command) = Command::by_name(&name, dialect) else {
        println!("Unknown redis-trib subcommand '{name}'");
        return ExitCode::FAILURE;
    };
    let mut settings = Settings::default();
    let row = table::COMMANDS.iter().find(|row| row.command == command);
    let known = row.map(|row| row.trib_options).unwrap_or_default();
    while let [word, behind @ ..] = rest {
        let Some(option) = word.strip_prefix(b"--").map(text) else {
            break;
        };
        let found = known.iter().find(|known| {
            let bare = known.split(' ').next().unwrap_or_default();
            bare == option
        });
        let takes_value = found.is_some_and(|known| known.ends_with("<arg>"));
        if found.is_none() && option != "verbose" {
            println!("Unknown option '{option}' for command '{name}'");
            return ExitCode::FAILURE;
        }
        let values = &behind[..usize::from(takes_value).min(behind.len())];
        if settings.set(&option, values).is_err() {
            println!("Unknown option '{option}' for command '{name}'");
            return ExitCode::FAILURE;
        }
        rest = &behind[values.len()..];
    }
    if !command.takes(rest.len(), dialect) {
        println!("[ERR] Wrong number of arguments for specified sub command");
        return ExitCode::FAILURE;
    }
    let request = Request {
        command,
        args: rest.to_vec(),
        settings,
    };
    perform(dialect, Entry::default(), request)
}

/// Does what was asked for.
pub fn perform(dialect: Dialect, entry: Entry, request: Request) -> ExitCode {
    let voice = Voice::new(dialect, request.settings.json);
    let mut errand = Errand {
        voice,
        access: Arc::new(Access {
            connection: entry.connection,
            user: entry.user,
            password: entry.password,
        }),
        request,
        result: serde_json::Map::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(errand.run()),
        Err(error) => return fail(&format!("ochre: cannot watch sockets: {error}")),
    };
    ExitCode::from(outcome.code(dialect))
}

fn explain(error: &UsageError) -> String {
    match error {
        UsageError::Command(name) => {
            format!("there is no command '{name}', see 'ochre cluster --help'")
        }
        UsageError::Arity => "too many or too few arguments, see 'ochre cluster --help'".to_owned(),
        UsageError::Option { option, command } => {
            format!("'{command}' has no option {option}, or it lacks its value")
        }
        UsageError::Value { option, wanted } => format!("--{option} takes {wanted}"),
    }
}

fn ask_password() -> Option<Vec<u8>> {
    eprint!("Please input import source node password: ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    Some(line.trim_end().as_bytes().to_vec())
}

fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

#[cfg(test)]
mod tests;
