//! The program: arguments, signals, the order of start and end.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::admin;
use crate::arguments::{Arguments, Task};
use crate::configuration::{self, Configuration, nutcracker, own, predixy};
use crate::house::{Control, House, Registry};
use crate::log::{self, Log};
use crate::plan;
use crate::report;
use crate::stream::error_words;
use crate::worker::Worker;

/// Clients that still wait for replies have so long to get them.
const DRAIN: Duration = Duration::from_secs(30);

/// Where twemproxy gives statistics unless it is told otherwise.
const STATISTICS_PORT: u16 = 22222;

/// Runs the program with the arguments behind its name.
pub fn main(args: &[Vec<u8>]) -> ExitCode {
    let task = match Arguments::parse(args) {
        Ok(task) => task,
        Err(what) => {
            eprintln!("ochre proxy: {what}\n\n{}", crate::arguments::USAGE);
            return ExitCode::FAILURE;
        }
    };
    match task {
        Task::Help => {
            println!(
                "{}\n\n{}",
                crate::arguments::version(),
                crate::arguments::USAGE
            );
            ExitCode::SUCCESS
        }
        Task::Version => {
            println!("{}", crate::arguments::version());
            ExitCode::SUCCESS
        }
        Task::DescribeStatistics => {
            print!("{}", crate::arguments::describe_statistics());
            ExitCode::SUCCESS
        }
        Task::Check(path) => check(&path),
        Task::Plan(path, pool) => tell(&path, async |file| plan::plan(file, &pool).await),
        Task::Move(path, pool) => tell(&path, async |file| plan::carry_out(file, &pool).await),
        Task::Run(arguments) => match run(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(what) => {
                eprintln!("ochre proxy: {what}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Reads a configuration file of any of the formats.
pub fn read(path: &str) -> Result<Configuration, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read '{path}': {}", error_words(&error)))?;
    let include = |path: &Path| std::fs::read_to_string(path).map_err(|error| error_words(&error));
    let parsed = match () {
        () if path.ends_with(".toml") => own::parse(&text),
        () if is_outline(&text) => nutcracker::parse(&text),
        () => predixy::parse(&text, Path::new(path), &include),
    };
    let mut configuration = parsed.map_err(|refusal| format!("{path}: {refusal}"))?;
    configuration
        .load()
        .map_err(|what| format!("{path}: {what}"))?;
    Ok(configuration)
}

/// Whether a file is `nutcracker.yml` rather than predixy's: its first line that says something
/// ends with a colon, or begins what only such files have.
fn is_outline(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim_end());
    let first = lines.find(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    let first = first.unwrap_or_default();
    first.is_empty()
        || first.ends_with(':')
        || first.starts_with(['-', '%', '{', '[', '.'])
        || first.contains(": ")
}

/// Does something with a file, and prints what is to be told.
fn tell(path: &str, job: impl AsyncFnOnce(Configuration) -> Result<String, String>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error_words(&error));
    let told = runtime.and_then(|runtime| runtime.block_on(job(read(path)?)));
    match told {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("ochre proxy: {what}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether a file could be used.
fn check(path: &str) -> ExitCode {
    match read(path) {
        Ok(_) => {
            eprintln!("nutcracker: configuration file '{path}' syntax is ok");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("{what}");
            eprintln!("nutcracker: configuration file '{path}' syntax is invalid");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let configuration = read(&arguments.config)?;
    if arguments.daemonize && std::env::var_os(DAEMON).is_none() {
        return daemonize();
    }
    let log = Log::open(arguments.output.clone(), arguments.verbosity)
        .map_err(|error| format!("cannot open the log: {}", error_words(&error)))?;
    let failed = |error: std::io::Error| error_words(&error);
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    runtime.block_on(serve(arguments, configuration, Arc::new(log)))
}

/// As many connections as the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With less the proxy serves fewer clients.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn serve(
    arguments: &Arguments,
    configuration: Configuration,
    log: Arc<Log>,
) -> Result<(), String> {
    let threads = arguments
        .threads
        .or(configuration.threads)
        .unwrap_or_else(default_threads);
    let reports = |pool: &configuration::Pool| pool.groups.is_none() && pool.cluster.is_none();
    let is_own = arguments.config.ends_with(".toml");
    let has_statistics = !is_own && configuration.pools.iter().all(reports);
    let statistics = match arguments.stats_port {
        Some(port) => Some(bind_statistics(arguments, port).await?),
        None if has_statistics => Some(bind_statistics(arguments, STATISTICS_PORT).await?),
        None => None,
    };
    let admin = match arguments.admin.as_ref().or(configuration.admin.as_ref()) {
        Some(address) => Some(admin::bind(address).await?),
        None => None,
    };
    let seed = crate::pool::unix_us() ^ (u64::from(std::process::id()) << 40);
    let workers: std::io::Result<Vec<Worker>> = (0..threads)
        .map(|index| Worker::start(index, seed))
        .collect();
    let workers = workers.map_err(|error| error_words(&error))?;
    let orders = workers.iter().map(|worker| worker.orders.clone()).collect();
    let control = Arc::new(Control {
        path: arguments.config.clone(),
        reload: Notify::new(),
    });
    let mut house = House::new(orders, Arc::clone(&control), Arc::clone(&log));
    house.furnish(configuration).await?;
    let mut tasks = Vec::new();
    if let Some(statistics) = statistics {
        tasks.push(tokio::spawn(give_statistics(
            statistics,
            house.registry.clone(),
        )));
    }
    if let Some(admin) = admin {
        let (registry, control) = (house.registry.clone(), Arc::clone(&control));
        tasks.push(tokio::spawn(admin::serve(admin, registry, control)));
    }
    if let Some(path) = &arguments.pid_file {
        let text = std::process::id().to_string();
        std::fs::write(path, text).map_err(|error| format!("{path}: {}", error_words(&error)))?;
    }
    until_the_end(&log, &mut house, &control)
        .await
        .map_err(|error| error_words(&error))?;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    house.close().await;
    drain(workers).await;
    if let Some(path) = &arguments.pid_file {
        drop(std::fs::remove_file(path));
    }
    log.line(log::NOTICE, "ended");
    Ok(())
}

/// Reads the file again and makes everything as it says. If it cannot be, all stays as it is.
async fn reload(log: &Log, house: &mut House, path: &str) {
    let outcome = match read(path) {
        Ok(configuration) => house.furnish(configuration).await,
        Err(what) => Err(what),
    };
    match outcome {
        Ok(()) => log.line(log::NOTICE, "the configuration has been read again"),
        Err(what) => log.line(log::ERROR, &format!("all stays as it is: {what}")),
    }
}

/// A thread for every two cores: clients and servers need some, too, and the fewer threads there
/// are, the more requests leave in one write. Measured on two cores, with 50 clients and no
/// pipeline, a request costs two threads 1.4 times the CPU it costs one.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

async fn bind_statistics(arguments: &Arguments, port: u16) -> Result<TcpListener, String> {
    let bound = TcpListener::bind((arguments.stats_address.as_str(), port)).await;
    bound.map_err(|error| format!("cannot listen for statistics: {}", error_words(&error)))
}

/// Serves until a signal ends the program.
async fn until_the_end(log: &Log, house: &mut House, control: &Control) -> std::io::Result<()> {
    let mut reopen = signal(SignalKind::hangup())?;
    let mut louder = signal(SignalKind::from_raw(rustix::process::Signal::TTIN.as_raw()))?;
    let mut quieter = signal(SignalKind::from_raw(rustix::process::Signal::TTOU.as_raw()))?;
    let mut first = signal(SignalKind::user_defined1())?;
    let mut second = signal(SignalKind::user_defined2())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = reopen.recv() => {
                log.line(log::NOTICE, "signal HUP: log and configuration are opened anew");
                if let Err(error) = log.reopen() {
                    log.line(log::ERROR, &format!("cannot open the log: {}", error_words(&error)));
                }
                reload(log, house, &control.path).await;
            }
            () = control.reload.notified() => reload(log, house, &control.path).await,
            _ = louder.recv() => {
                let level = log.change_level(1);
                log.line(log::ALERT, &format!("signal TTIN: log level {level}"));
            }
            _ = quieter.recv() => {
                let level = log.change_level(-1);
                log.line(log::ALERT, &format!("signal TTOU: log level {level}"));
            }
            _ = first.recv() => log.line(log::NOTICE, "signal USR1"),
            _ = second.recv() => log.line(log::NOTICE, "signal USR2"),
            _ = interrupt.recv() => {
                log.line(log::NOTICE, "signal INT: ending");
                return Ok(());
            }
            _ = terminate.recv() => {
                log.line(log::NOTICE, "signal TERM: ending");
                return Ok(());
            }
        }
    }
}

/// Lets clients have the replies they wait for, within reason.
async fn drain(workers: Vec<Worker>) {
    let joined = tokio::task::spawn_blocking(move || {
        for worker in workers {
            drop(worker.thread.join());
        }
    });
    let impatient = async {
        match (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            _ => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(DRAIN, joined) => ended.is_ok(),
        // Whoever asks twice does not want to wait.
        () = impatient => false,
    };
    if !ended {
        std::process::exit(1);
    }
}

/// Everybody who connects is told all figures.
async fn give_statistics(listener: TcpListener, registry: Registry) {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    loop {
        if let Ok((mut stream, _)) = listener.accept().await {
            let text = report::json(&registry.pools(), &host);
            tokio::spawn(async move {
                // Who does not read it has asked in vain.
                drop(stream.write_all(text.as_bytes()).await);
            });
        }
    }
}

/// Set for the process that runs in the background.
const DAEMON: &str = "OCHRE_PROXY_IN_BACKGROUND";

/// Starts this program anew, in the background.
fn daemonize() -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;
    let failed = |error: std::io::Error| format!("cannot daemonize: {}", error_words(&error));
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = std::process::Command::new(program);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command.args(std::env::args_os().skip(1)).env(DAEMON, "1");
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().map_err(failed)?;
    Ok(())
}
