//! `ochre install`: has a server, a Sentinel or a proxy run as a service of this machine.
//!
//! It asks what Redis's `install_server.sh` asks, with its questions and defaults, and takes the
//! same variables. What is to be done is a list of steps (`plan`), so it can be shown without being
//! done, and tried in a folder.

mod instance;
mod perform;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use instance::{Init, Instance, Kind, Tool};

use crate::voice::{Dialect, Voice};

const USAGE: &str = "\
Usage: ochre install [server|sentinel|proxy] [OPTIONS]

Has an instance run as a service: writes its configuration, a systemd unit or an init script,
and makes its user and its folders. Asks what nothing is said about.

  --port PORT           REDIS_PORT          the port to listen on
  --config-file FILE    REDIS_CONFIG_FILE   the configuration that is written
  --log-file FILE       REDIS_LOG_FILE      where the instance logs
  --data-dir DIR        REDIS_DATA_DIR      where it keeps its data
  --executable FILE     REDIS_EXECUTABLE    what is run; this program if nothing is said
  --user NAME                               who runs it (redis)
  --init systemd|script                     who starts it; what this machine has
  --monitor 'NAME HOST PORT QUORUM'         what a Sentinel watches
  --yes                                     ask nothing, take the defaults
  --dry-run                                 print all files and commands, and do nothing
  --uninstall                               end an instance; its data and its log stay
  --root DIR                                in this folder; no user is made, nothing is started

Names in capitals are variables of the environment that say the same.
";

/// Options that are followed by a value, and the variables that say the same.
const WITH_VALUE: &[(&str, &str)] = &[
    ("port", "REDIS_PORT"),
    ("config-file", "REDIS_CONFIG_FILE"),
    ("log-file", "REDIS_LOG_FILE"),
    ("data-dir", "REDIS_DATA_DIR"),
    ("executable", "REDIS_EXECUTABLE"),
    ("user", ""),
    ("init", ""),
    ("monitor", ""),
    ("root", ""),
];

/// What was asked for.
#[derive(Debug, Default)]
struct Call {
    kind: Option<Kind>,
    values: BTreeMap<&'static str, String>,
    yes: bool,
    dry_run: bool,
    uninstall: bool,
    help: bool,
}

impl Call {
    fn read(words: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Call, String> {
        let mut call = Call::default();
        for (name, variable_name) in WITH_VALUE {
            if let Some(value) = variable(variable_name).filter(|value| !value.is_empty()) {
                call.values.insert(name, value);
            }
        }
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-h" | "--help" => call.help = true,
                "--yes" => call.yes = true,
                "--dry-run" => call.dry_run = true,
                "--uninstall" => call.uninstall = true,
                other => match other.strip_prefix("--") {
                    Some(option) => {
                        let known = WITH_VALUE.iter().find(|(name, _)| *name == option);
                        let (name, _) = known.ok_or_else(|| format!("no option --{option}"))?;
                        let value = words.next().ok_or_else(|| format!("--{option} of what?"))?;
                        call.values.insert(name, value.clone());
                    }
                    None if call.kind.is_none() => {
                        let kind = Kind::by_name(other);
                        call.kind = Some(kind.ok_or_else(|| format!("what is '{other}'?"))?);
                    }
                    None => return Err(format!("one instance at a time, not '{other}' too")),
                },
            }
        }
        Ok(call)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Runs `ochre install`.
pub fn install(args: &[Vec<u8>]) -> ExitCode {
    let words: Vec<String> = args
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let call = Call::read(&words, &|name| std::env::var(name).ok());
    let voice = Voice::new(Dialect::Ochre, false);
    let done = match call {
        Ok(call) if call.help => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(call) => run(&call, &voice),
        Err(why) => Err(format!("ochre: {why}, see 'ochre install --help'")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            voice.aside(&why);
            ExitCode::FAILURE
        }
    }
}

fn run(call: &Call, voice: &Voice) -> Result<(), String> {
    let root = call.value("root").map(PathBuf::from);
    let is_root = is_administrator();
    if !is_root && root.is_none() && !call.dry_run {
        return Err("You must run this script as root. Sorry!".to_owned());
    }
    let init = match call.value("init") {
        Some("systemd") => Init::Systemd,
        Some("script") => Init::Script(tool()),
        Some(other) => return Err(format!("ochre: --init is systemd or script, not {other}")),
        None if Path::new("/run/systemd/system").exists() => Init::Systemd,
        None => Init::Script(tool()),
    };
    let (instance, asked) = Interview { call, voice }.instance(init)?;
    let steps = match call.uninstall {
        true => plan::uninstall(&instance),
        false => plan::install(&instance),
    };
    if call.dry_run {
        perform::show(voice, &steps);
        return Ok(());
    }
    if asked && !call.uninstall {
        let question = "Is this ok? Then press ENTER to go on or Ctrl-C to abort.";
        voice.ask(question).ok_or("ochre: nobody answered")?;
    }
    let work = perform::Work {
        voice,
        root: root.as_deref(),
        user: &instance.user,
    };
    work.check(&steps)?;
    work.perform(&steps)?;
    match call.uninstall {
        false => voice.line("Installation successful!"),
        true => {
            voice.line(&format!("{} is gone. What it has left:", instance.name()));
            let left = [instance.data.as_deref(), Some(&*instance.log)];
            for path in left.into_iter().flatten() {
                voice.line(&format!("  {}", path.display()));
            }
        }
    }
    Ok(())
}

/// Who owns what this process makes tells whose it is.
fn is_administrator() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Who has scripts started on this machine.
fn tool() -> Option<Tool> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| {
        let own = std::env::split_paths(&path).map(|folder| folder.join(name));
        let system = ["/sbin", "/usr/sbin"].map(|folder| Path::new(folder).join(name));
        own.chain(system).any(|path| path.exists())
    };
    match (is_there("chkconfig"), is_there("update-rc.d")) {
        (true, _) => Some(Tool::Chkconfig),
        (false, true) => Some(Tool::UpdateRc),
        (false, false) => None,
    }
}

/// Asks for what is not said.
struct Interview<'a> {
    call: &'a Call,
    voice: &'a Voice,
}

impl Interview<'_> {
    /// The instance, and whether anything had to be asked.
    fn instance(&self, init: Init) -> Result<(Instance, bool), String> {
        let kind = self.call.kind.unwrap_or(Kind::Server);
        let is_quiet = self.call.yes || self.call.dry_run || self.call.uninstall;
        if !is_quiet {
            self.voice.line("Welcome to the redis service installer");
            self.voice
                .line("This script will help you easily set up a running redis server\n");
        }
        let mut asked = false;
        let port = self.port(kind, is_quiet, &mut asked)?;
        let mut path = |name: &str, what: &str, default: PathBuf| -> Result<PathBuf, String> {
            let default = default.display().to_string();
            let told = self.call.value(name).map(str::to_owned);
            let told = match told {
                Some(told) => told,
                None if is_quiet => default,
                None => {
                    asked = true;
                    self.choose(what, default)
                }
            };
            let path = PathBuf::from(&told);
            match path.is_absolute() && !told.contains(|byte: char| " '\"\n".contains(byte)) {
                true => Ok(path),
                false => Err(format!("ochre: '{told}' is no plain path from the root on")),
            }
        };
        let config = path("config-file", "redis config file name", kind.config(port))?;
        let log = path("log-file", "redis log file name", kind.log(port))?;
        let data = match kind.data(port) {
            Some(data) => Some(path("data-dir", "data directory for this instance", data)?),
            None => None,
        };
        let own = std::env::current_exe().unwrap_or_default();
        let executable = path("executable", "redis executable path", own)?;
        if !is_executable(&executable) {
            let why = "Mmmmm...  it seems like you don't have a redis executable. Did you run \
                       make install yet?";
            return Err(why.to_owned());
        }
        let user = self.call.value("user").unwrap_or("redis").to_owned();
        if user.is_empty() || !user.bytes().all(is_name_byte) {
            return Err(format!("ochre: '{user}' is no name of a user"));
        }
        let monitor = self.call.value("monitor").map(str::to_owned);
        if monitor.as_deref().is_some_and(|text| text.contains('\n')) {
            return Err("ochre: --monitor is one line".to_owned());
        }
        let instance = Instance {
            kind,
            port,
            config,
            log,
            data,
            executable,
            user,
            init,
            monitor,
        };
        if !is_quiet {
            self.sum_up(&instance);
        }
        Ok((instance, asked))
    }

    fn port(&self, kind: Kind, is_quiet: bool, asked: &mut bool) -> Result<u16, String> {
        let default = kind.port();
        let read = |text: &str| text.trim().parse().ok().filter(|port: &u16| *port > 0);
        if let Some(text) = self.call.value("port") {
            return read(text).ok_or_else(|| format!("ochre: '{text}' is no port"));
        }
        if is_quiet {
            return Ok(default);
        }
        *asked = true;
        let question = format!("Please select the redis port for this instance: [{default}] ");
        let answer = self.voice.ask(&question).unwrap_or_default();
        Ok(read(&answer).unwrap_or_else(|| {
            self.voice.line(&format!("Selecting default: {default}"));
            default
        }))
    }

    fn choose(&self, what: &str, default: String) -> String {
        let question = format!("Please select the {what} [{default}] ");
        let answer = self.voice.ask(&question).unwrap_or_default();
        if answer.trim().is_empty() {
            self.voice.line(&format!("Selected default - {default}"));
            return default;
        }
        answer.trim().to_owned()
    }

    fn sum_up(&self, instance: &Instance) {
        let data = instance.data.clone().unwrap_or_default();
        let cli = instance.executable.with_file_name("redis-cli");
        let cli = match is_executable(&cli) {
            true => cli.display().to_string(),
            false => format!("{} cli", instance.executable.display()),
        };
        let rows = [
            ("Port", instance.port.to_string()),
            ("Config file", instance.config.display().to_string()),
            ("Log file", instance.log.display().to_string()),
            ("Data dir", data.display().to_string()),
            ("Executable", instance.executable.display().to_string()),
            ("Cli Executable", cli),
        ];
        self.voice.line("Selected config:");
        for (name, value) in rows {
            self.voice.line(&format!("{name:<15}: {value}"));
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path);
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Call, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Call::read(&words, &|name| {
            (name == "REDIS_PORT").then(|| "7000".to_owned())
        })
    }

    #[test]
    fn options_override_variables() {
        let call = read("sentinel --yes --user me").unwrap();
        assert_eq!((call.kind, call.yes), (Some(Kind::Sentinel), true));
        assert_eq!(
            (call.value("port"), call.value("user")),
            (Some("7000"), Some("me"))
        );
        assert_eq!(read("--port 8000").unwrap().value("port"), Some("8000"));
        for wrong in ["--nope", "--port", "nonsense", "server proxy"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
