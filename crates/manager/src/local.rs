//! `ochre cluster local`: a cluster on this machine, for whoever tries or develops something.
//!
//! What `create-cluster` does, a script that comes with Redis, with its settings and its files. A
//! node's port is in the names of its files, so the folder is all the state there is.

mod files;
mod settings;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use settings::{NAMES, Settings};

use crate::link::{Access, Link, Trouble};
use crate::place::Place;
use crate::program::{Entry, perform};
use crate::request::{self, Request};
use crate::voice::{Dialect, Voice};
use crate::words;

/// How long a server may take to come up, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Between two looks of somebody who watches.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Lines of the list of nodes that somebody who watches is shown.
const WATCHED_LINES: usize = 30;

/// Lines of the log of a server that does not come up.
const LOG_LINES: usize = 5;

/// Every command, what it is given and what it does.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("start", "", "start all nodes, and wait until they serve"),
    (
        "create",
        "[-f]",
        "make a cluster of them; with -f without a question",
    ),
    ("stop", "", "end all nodes, whose data stays"),
    ("restart", "", "stop, then start"),
    (
        "watch",
        "",
        "show the first node's list of nodes, every second",
    ),
    ("tail", "N", "show what the N-th node logs"),
    ("tailall", "", "show what all nodes log"),
    ("call", "COMMAND ...", "send a command to every node"),
    (
        "clean",
        "",
        "remove the files that nodes have left: data, logs, configuration",
    ),
    ("clean-logs", "", "remove their logs only"),
];

/// Runs `ochre cluster local`, or `create-cluster` if that is the dialect of `redis-cli`.
pub fn local(args: &[Vec<u8>], dialect: Dialect) -> ExitCode {
    let voice = Voice::new(dialect, false);
    let call = match Call::read(args) {
        Ok(call) => call,
        Err(why) => {
            voice.aside(&format!("ochre: {why}"));
            return ExitCode::FAILURE;
        }
    };
    if !COMMANDS.iter().any(|(name, ..)| *name == call.command) {
        voice.write(&usage(dialect));
        return ExitCode::SUCCESS;
    }
    let town = Town {
        voice,
        settings: call.settings,
    };
    match town.run(&call.command, &call.words) {
        Ok(code) => code,
        Err(why) => {
            town.voice.aside(&format!("ochre: {why}"));
            ExitCode::from(2)
        }
    }
}

fn usage(dialect: Dialect) -> String {
    let called = match dialect {
        Dialect::Ochre => "ochre cluster local",
        Dialect::Cli | Dialect::Trib => "create-cluster",
    };
    let names: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
    let mut text = format!("Usage: {called} [OPTIONS] [{}]\n", names.join("|"));
    for (name, words, what) in COMMANDS {
        let shown = format!("{name} {words}");
        text += &format!("  {shown:<17} {what}\n");
    }
    text += "\nOptions, before the command, and what they are called in config.sh:\n";
    for (option, variable) in NAMES {
        text += &format!("  --{option:<15} {variable}\n");
    }
    text += "  --server          a server's program; this one if nothing is said\n  \
             --dir             where the files are; here if nothing is said\n";
    text
}

/// What was asked for.
struct Call {
    settings: Settings,
    /// Empty if there is none.
    command: String,
    words: Vec<Vec<u8>>,
}

impl Call {
    /// Reads options up to the command. The folder's `config.sh` says what options do not.
    fn read(args: &[Vec<u8>]) -> Result<Call, String> {
        let mut settings = Settings::default();
        let (mut told, mut rest) = (Vec::new(), args);
        let mut command = String::new();
        while let [word, behind @ ..] = rest {
            rest = behind;
            let word = String::from_utf8_lossy(word).into_owned();
            let Some(option) = word.strip_prefix("--") else {
                command = word;
                break;
            };
            if option == "help" {
                break;
            }
            let [value, behind @ ..] = behind else {
                return Err(format!("--{option} takes a value"));
            };
            rest = behind;
            told.push((
                option.to_owned(),
                String::from_utf8_lossy(value).into_owned(),
            ));
        }
        if let Some((_, folder)) = told.iter().rev().find(|(option, _)| option == "dir") {
            settings.folder = PathBuf::from(folder);
        }
        let file = settings.folder.join("config.sh");
        if let Ok(text) = std::fs::read_to_string(&file) {
            settings.read(&text, &|name| std::env::var(name).ok())?;
        }
        for (option, value) in &told {
            match NAMES.iter().find(|(name, _)| name == option) {
                Some((_, variable)) => settings.set(variable, value)?,
                None if option == "server" => settings.server = Some(PathBuf::from(value)),
                None if option == "dir" => {}
                None => return Err(format!("there is no option --{option}")),
            }
        }
        settings.check()?;
        Ok(Call {
            settings,
            command,
            words: rest.to_vec(),
        })
    }
}

/// The nodes of this machine.
struct Town {
    voice: Voice,
    settings: Settings,
}

impl Town {
    fn run(&self, command: &str, words: &[Vec<u8>]) -> Result<ExitCode, String> {
        match command {
            "start" => block(self.start())??,
            "create" => return Ok(self.create(words)),
            "stop" => block(self.stop())??,
            "restart" => {
                block(self.stop())??;
                block(self.start())??;
            }
            "watch" => block(self.watch())??,
            "tail" => self.tail(words)?,
            "tailall" => {
                let logs = files::logs(&self.settings.folder);
                let logs = logs.map_err(|error| self.about_folder(&error))?;
                let shown = files::follow(&self.voice, &logs);
                shown.map_err(|error| self.about_folder(&error))?;
            }
            "call" => return self.call(words),
            "clean" | "clean-logs" => block(self.clean(command == "clean-logs"))??,
            other => unreachable!("{other} is no command"),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn about_folder(&self, error: &std::io::Error) -> String {
        format!("{}: {error}", self.settings.folder.display())
    }

    fn links(&self) -> Vec<Link> {
        let access = Arc::new(self.access());
        let ports = self.settings.ports();
        ports
            .map(|port| Link::new(self.place(port), &access))
            .collect()
    }

    fn access(&self) -> Access {
        Access {
            password: self
                .settings
                .password()
                .map(|word| word.as_bytes().to_vec()),
            ..Access::default()
        }
    }

    fn place(&self, port: u16) -> Place {
        Place {
            host: self.settings.host.clone(),
            port,
        }
    }

    /// Starts every node that does not run, and waits until all serve.
    async fn start(&self) -> Result<(), String> {
        let folder = &self.settings.folder;
        std::fs::create_dir_all(folder).map_err(|error| self.about_folder(&error))?;
        let program = self.server()?;
        let has_folder = has_folder_of_increments(&program);
        for mut link in self.links() {
            let port = link.place.port;
            if link.open().await.is_ok() {
                self.voice.line(&format!("{port} runs already"));
                continue;
            }
            self.voice.line(&format!("Starting {port}"));
            let mut command = program.command();
            command.args(self.directives(port, has_folder));
            command.current_dir(folder).stdin(Stdio::null());
            let ended = command.status();
            let ended =
                ended.map_err(|error| format!("cannot start {}: {error}", program.path.display()));
            if !ended?.success() {
                return Err(format!("{port} does not start: see above"));
            }
        }
        for link in &mut self.links() {
            self.wait_until_serving(link).await?;
        }
        Ok(())
    }

    /// What a server is told besides where to be.
    fn directives(&self, port: u16, has_folder: bool) -> Vec<String> {
        let settings = &self.settings;
        let mut words: Vec<String> = [
            ("port", port.to_string()),
            ("protected-mode", settings.protected_mode.clone()),
            ("cluster-enabled", "yes".to_owned()),
            ("cluster-config-file", format!("nodes-{port}.conf")),
            ("cluster-node-timeout", settings.timeout_ms.to_string()),
            ("appendonly", "yes".to_owned()),
            ("appendfilename", format!("appendonly-{port}.aof")),
            ("appenddirname", format!("appendonlydir-{port}")),
            ("dbfilename", format!("dump-{port}.rdb")),
            ("logfile", format!("{port}.log")),
            ("daemonize", "yes".to_owned()),
        ]
        .into_iter()
        .filter(|(name, _)| has_folder || *name != "appenddirname")
        .flat_map(|(name, value)| [format!("--{name}"), value])
        .collect();
        words.extend(settings.additional.iter().cloned());
        words
    }

    fn server(&self) -> Result<Program, String> {
        let own = || std::env::current_exe().map_err(|error| format!("cannot find ochre: {error}"));
        let Some(path) = &self.settings.server else {
            return Ok(Program {
                path: own()?,
                is_own: true,
            });
        };
        // What is no mere name is found from here, not from the nodes' folder.
        let path = match path.components().count() {
            1 => path.clone(),
            _ => std::path::absolute(path).map_err(|error| self.about_folder(&error))?,
        };
        Ok(Program {
            path,
            is_own: false,
        })
    }

    async fn wait_until_serving(&self, link: &mut Link) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let port = link.place.port;
        loop {
            let why = match link.ask(&["PING"]).await {
                Ok(_) => return Ok(()),
                Err(trouble) => trouble,
            };
            if Instant::now() > deadline || matches!(why, Trouble::Refused(_)) && !why.passes() {
                let log = self.settings.folder.join(format!("{port}.log"));
                let said = files::end_of(&log, LOG_LINES);
                return Err(format!("{port} does not serve: {why}\n{said}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Makes a cluster of the nodes, as the cluster manager does.
    fn create(&self, words: &[Vec<u8>]) -> ExitCode {
        let places = self.settings.ports().map(|port| self.place(port));
        let settings = request::Settings {
            replicas: self.settings.replicas,
            yes: words.iter().any(|word| word == b"-f"),
            ..request::Settings::default()
        };
        let request = Request {
            command: request::Command::Create,
            args: places.map(|place| place.to_string().into_bytes()).collect(),
            settings,
        };
        let entry = Entry {
            password: self.access().password,
            ..Entry::default()
        };
        perform(self.voice.dialect, entry, request)
    }

    /// Ends all nodes at once, for each waits for its replicas.
    async fn stop(&self) -> Result<(), String> {
        let mut ending = Vec::new();
        for mut link in self.links() {
            self.voice.line(&format!("Stopping {}", link.place.port));
            // One that does not run is not to be stopped.
            if let Ok(mut connection) = link.take().await {
                connection.queue(&["SHUTDOWN", "NOSAVE"]);
                drop(connection.flush().await);
                ending.push((link, connection));
            }
        }
        let deadline = Instant::now() + PATIENCE;
        for (mut link, connection) in ending {
            while link.take().await.is_ok() {
                if Instant::now() > deadline {
                    return Err(format!("{} does not end", link.place));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            drop(connection);
        }
        Ok(())
    }

    /// Shows what the first node says of all, until somebody ends the program.
    async fn watch(&self) -> Result<(), String> {
        let mut link = self.links().remove(0);
        loop {
            let nodes = link.text(&words!["CLUSTER", "NODES"]).await;
            let nodes = nodes.unwrap_or_else(|trouble| trouble.to_string());
            let lines: Vec<&str> = nodes.lines().take(WATCHED_LINES).collect();
            let text = format!(
                "\x1b[H\x1b[2J\x1b[3J{}\n{}",
                time_of_day(),
                lines.join("\n")
            );
            self.voice.line(&text);
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }

    fn tail(&self, words: &[Vec<u8>]) -> Result<(), String> {
        let text = words.first().map(|word| String::from_utf8_lossy(word));
        let number = text.as_deref().and_then(|text| text.parse::<u16>().ok());
        let number = number.filter(|number| (1..=self.settings.nodes).contains(number));
        let number = number.ok_or_else(|| {
            format!(
                "tail takes a node's number, from 1 to {}",
                self.settings.nodes
            )
        })?;
        let name = format!("{}.log", self.settings.port + number);
        let path = self.settings.folder.join(name);
        let shown = files::follow(&self.voice, std::slice::from_ref(&path));
        shown.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Has the command line send a command to every node: replies look as they do there.
    fn call(&self, words: &[Vec<u8>]) -> Result<ExitCode, String> {
        use std::os::unix::ffi::OsStrExt;
        let own = std::env::current_exe().map_err(|error| format!("cannot find ochre: {error}"))?;
        let mut code = ExitCode::SUCCESS;
        for port in self.settings.ports() {
            let mut command = Command::new(&own);
            command.args(["cli", "-h", &self.settings.host, "-p", &port.to_string()]);
            if let Some(password) = self.settings.password() {
                command.args(["-a", password, "--no-auth-warning"]);
            }
            command.args(words.iter().map(|word| std::ffi::OsStr::from_bytes(word)));
            command.stdin(Stdio::null());
            let ended = command.status();
            if !ended.is_ok_and(|ended| ended.success()) {
                code = ExitCode::from(2);
            }
        }
        Ok(code)
    }

    /// Removes files, unless somebody works with them.
    async fn clean(&self, only_logs: bool) -> Result<(), String> {
        for mut link in self.links() {
            if !only_logs && link.open().await.is_ok() {
                return Err(format!("{} runs: stop comes before clean", link.place));
            }
        }
        let cleaned = files::clean(&self.voice, &self.settings.folder, only_logs);
        cleaned.map_err(|error| self.about_folder(&error))
    }
}

/// A program that serves.
struct Program {
    path: PathBuf,
    is_own: bool,
}

impl Program {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if self.is_own {
            command.arg("server");
        }
        command
    }
}

/// Whether a server keeps its append-only files in a folder, as those since 7.0 do.
fn has_folder_of_increments(program: &Program) -> bool {
    let told = program.command().arg("--version").output();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
    let told = told.unwrap_or_default();
    let version = told.split(" v=").nth(1).unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major >= 7)
}

/// `23:37:58 UTC`.
fn time_of_day() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

/// Runs what waits for servers.
fn block<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("cannot watch sockets: {error}"))?;
    Ok(runtime.block_on(future))
}
