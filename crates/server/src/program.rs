//! The program from its arguments to its end.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use config::{CommandLine, Config, LoadError, Loaded, Sources};
use engine::Engine;
use engine::command::{RenameError, Table};
use engine::host::{LogLevel, Process, Shutdown};
use node::sentinel::Sentinel;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot::{Receiver, channel};

use crate::bar;
use crate::bus;
use crate::disk::Disk;
use crate::durability::{self, Durability};
use crate::encryption::Encryption;
use crate::governor::Governor;
use crate::journal::Journal;
use crate::listener::{House, Listeners};
use crate::machine::{Machine, Request, raise_open_files, system_words};
use crate::memory;
use crate::outbox;
use crate::primary::Sockets;
use crate::sentinel;
use crate::signals::Endings;
use crate::supervisor::Supervisor;
use crate::upkeep;
use crate::worker;

/// What `--version` prints: tools look for ` v=`.
pub const VERSION_LINE: &str = concat!(
    "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ochre-",
    env!("CARGO_PKG_VERSION")
);

const HELP: &str = "\
Usage: ochre server [FILE] [--DIRECTIVE VALUE ...] [-]

  FILE                 a configuration file in the syntax of redis.conf
  --DIRECTIVE VALUE    any directive of that file, overriding it
  -                    more configuration is read from the standard input
  -v, --version        print the version and exit
  -h, --help           print this help and exit
  --sentinel           run as Sentinel, as `ochre sentinel` does

Examples:
  ochre server                                    serve on port 6379
  ochre server --port 7000 --requirepass secret
  ochre server /etc/redis/redis.conf --loglevel verbose
  echo 'maxmemory 100mb' | ochre server -
";

const SENTINEL_HELP: &str = "\
Usage: ochre sentinel FILE [--DIRECTIVE VALUE ...]

  FILE                 a configuration file in the syntax of sentinel.conf; what the
                       Sentinel learns is kept in it, so it has to be writable
  --DIRECTIVE VALUE    any directive of that file, overriding it
  -v, --version        print the version and exit
  -h, --help           print this help and exit

Examples:
  ochre sentinel /etc/redis/sentinel.conf         listen on port 26379
  ochre sentinel sentinel.conf --port 5000
  ochre server sentinel.conf --sentinel           the same program

A file that watches one master:
  port 26379
  sentinel monitor mymaster 127.0.0.1 6379 2
  sentinel down-after-milliseconds mymaster 5000
";

/// Between two looks at whether a shutdown that waits may begin.
const SHUTDOWN_LOOK: Duration = Duration::from_millis(20);

/// Set in the environment of a process that was started to run in the background.
const DAEMON: &str = "OCHRE_DAEMON";

/// Runs the server. `args` are those behind the program's name.
pub fn main(args: &[Vec<u8>]) -> ExitCode {
    run(args, CommandLine::parse(args), HELP)
}

/// Runs Sentinel. `args` are those behind the program's name.
pub fn sentinel_main(args: &[Vec<u8>]) -> ExitCode {
    let mut line = CommandLine::parse(args);
    line.sentinel = true;
    run(args, line, SENTINEL_HELP)
}

fn run(args: &[Vec<u8>], line: CommandLine, help: &str) -> ExitCode {
    match args {
        [only] if [b"-v".as_slice(), b"--version"].contains(&only.as_slice()) => {
            println!("{VERSION_LINE}");
            ExitCode::SUCCESS
        }
        [only] if [b"-h".as_slice(), b"--help"].contains(&only.as_slice()) => {
            print!("{help}");
            ExitCode::SUCCESS
        }
        _ => match start(&line) {
            Ok(code) => code,
            Err(message) => {
                eprintln!("{message}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Everything up to the point where clients are served, and until the end.
fn start(line: &CommandLine) -> Result<ExitCode, String> {
    let started_in = std::env::current_dir();
    let (mut loaded, config_file) = configuration(line)?;
    let table = table(&loaded).map_err(|error| format!("\n{error}"))?;
    let journal = Arc::new(Journal::new());
    let prepared = enter_folder(&mut loaded).and_then(|()| open_log(&journal, &loaded.config));
    prepared.map_err(|error| format!("\n{error}"))?;
    // Paths of scripts begin in that folder.
    let sentinel = watcher(&loaded)?;
    let mut config = loaded.config;
    let (supervisor, unfound) = Supervisor::find(&config);
    // Whoever supervises a process must not lose it.
    let goes_away = config.process.daemonize && !supervisor.is_there();
    if goes_away && std::env::var_os(DAEMON).is_none() {
        return daemonize(started_in);
    }
    if std::env::var_os(DAEMON).is_some() {
        // A process that leads a session already stays its leader.
        let _ = rustix::process::setsid();
    }
    let threads = threads(&config);
    config.network.io_threads.set_effective(threads as u32);
    announce(&journal, &config, config_file.as_deref());
    if let Some(why) = unfound {
        journal.line(LogLevel::Warning, &why);
    }
    if config.sentinel.is_on
        && let Err(why) = sentinel::check_file(config_file.as_deref())
    {
        journal.line(LogLevel::Warning, &why);
        return Ok(ExitCode::FAILURE);
    }
    let encryption = Encryption::default();
    if let Err(why) = encryption.load(&config) {
        journal.line(LogLevel::Warning, &why);
        let line = "Failed to configure TLS. Check logs for more info.";
        journal.line(LogLevel::Warning, line);
        return Ok(ExitCode::FAILURE);
    }
    if let Err(why) = raise_open_files(config.clients.count_max) {
        journal.line(LogLevel::Warning, &why);
    }
    let governor = Governor::new();
    let runtime = runtime(threads, &governor)?;
    let ended = runtime.block_on(serve(Start {
        config,
        config_file,
        journal,
        table,
        governor,
        sentinel,
        supervisor,
        encryption: Arc::new(encryption),
    }));
    // Some workers may be in bed.
    runtime.shutdown_background();
    ended
}

/// The threads that serve clients.
fn runtime(threads: usize, governor: &Governor) -> Result<Runtime, String> {
    let (waking, resting) = (governor.clone(), governor.clone());
    let wake = move || {
        waking.wake();
        worker::has_woken();
    };
    let rest = move || {
        outbox::flush();
        resting.rest();
    };
    memory::count_this_thread();
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("ochre-worker")
        .on_thread_start(memory::count_this_thread)
        .on_thread_unpark(wake)
        .on_thread_park(rest)
        .enable_all()
        .build();
    built.map_err(|error| format!("Can't start worker threads: {}", system_words(&error)))
}

/// What a program starts with.
struct Start {
    config: Config,
    config_file: Option<String>,
    journal: Arc<Journal>,
    table: Table,
    governor: Governor,
    sentinel: Option<Arc<Sentinel>>,
    supervisor: Supervisor,
    encryption: Arc<Encryption>,
}

/// The Sentinel that is to run, if one is.
fn watcher(loaded: &Loaded) -> Result<Option<Arc<Sentinel>>, String> {
    if !loaded.config.sentinel.is_on {
        return Ok(None);
    }
    let made = sentinel::make(loaded, seed()?, &sentinel::clocks());
    made.map(|made| Some(Arc::new(made)))
        .map_err(|error| format!("\n{error}"))
}

/// Makes the folder of the data the one that relative paths begin at.
fn enter_folder(loaded: &mut Loaded) -> Result<(), LoadError> {
    let dir = &mut loaded.config.persistence.dir;
    let entered = std::env::set_current_dir(dir.to_string());
    match entered.and_then(|()| std::env::current_dir()) {
        Ok(path) => {
            *dir = path.to_string_lossy().into_owned().into_bytes().into();
            Ok(())
        }
        Err(error) => {
            let why = system_words(&error);
            Err(match loaded.origins_of("dir").last() {
                Some(line) => line.refuse(why),
                None => LoadError::Whole { why },
            })
        }
    }
}

fn open_log(journal: &Journal, config: &Config) -> Result<(), LoadError> {
    let opened = journal.configure(&config.logging.file.to_string(), config.logging.level);
    opened.map_err(|why| LoadError::Whole { why })
}

/// Worker threads: as many as asked for, or one per core.
fn threads(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    config
        .network
        .io_threads
        .asked()
        .map_or(cores, |asked| asked as usize)
        .max(1)
}

fn configuration(line: &CommandLine) -> Result<(Loaded, Option<String>), String> {
    let (mut text, mut file) = (Vec::new(), None);
    if let Some(path) = &line.file {
        let path = String::from_utf8_lossy(path).into_owned();
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.into());
        let path = absolute.to_string_lossy().into_owned();
        text = std::fs::read(&path).map_err(|error| {
            format!(
                "Fatal error, can't open config file '{path}': {}",
                system_words(&error)
            )
        })?;
        file = Some(path);
    }
    if line.stdin {
        text.push(b'\n');
        let read = std::io::stdin().read_to_end(&mut text);
        read.map_err(|error| format!("Can't read standard input: {}", system_words(&error)))?;
    }
    let sources = Sources {
        text: &text,
        options: &line.options,
        sentinel: line.sentinel,
        include: &mut include,
    };
    let loaded = config::load(sources);
    loaded
        .map(|loaded| (loaded, file))
        .map_err(|error| format!("\n{error}"))
}

/// The commands, some renamed or removed as the operator wishes.
fn table(loaded: &Loaded) -> Result<Table, LoadError> {
    let mut table = match loaded.config.sentinel.is_on {
        true => commands::sentinel_table(),
        false => commands::table(),
    };
    let lines = loaded.config.security.renamed_commands.0.iter();
    for (words, origin) in lines.zip(loaded.origins_of("rename-command")) {
        let [from, to] = [0, 1].map(|word| String::from_utf8_lossy(&words[word]));
        table.rename(&from, &to).map_err(|error| match error {
            RenameError::NoSuchCommand => origin.refuse("No such command in rename-command"),
            RenameError::NameTaken => origin.refuse("Target command name already exists"),
        })?;
    }
    Ok(table)
}

/// The texts of the files that an `include` names.
fn include(path: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let path = String::from_utf8_lossy(path);
    match path.contains(['*', '?', '[']) {
        false => std::fs::read(&*path)
            .map(|text| vec![text])
            .map_err(|error| system_words(&error)),
        true => included_by_pattern(std::path::Path::new(&*path)),
    }
}

/// Files whose names fit a pattern, in the order of their names.
fn included_by_pattern(pattern: &std::path::Path) -> Result<Vec<Vec<u8>>, String> {
    let (Some(folder), Some(pattern)) = (pattern.parent(), pattern.file_name()) else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() {
        ".".as_ref()
    } else {
        folder
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let fits = |name: &std::ffi::OsStr| {
        stdx::glob::matches(pattern.as_encoded_bytes(), name.as_encoded_bytes(), false)
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(fits))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).map_err(|error| system_words(&error)))
        .collect()
}

/// Starts this program anew, in the background and in the folder that this one was started in:
/// the arguments may have paths that begin there.
fn daemonize(started_in: std::io::Result<PathBuf>) -> Result<ExitCode, String> {
    let failed = |error: std::io::Error| format!("Can't daemonize: {}", system_words(&error));
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = std::process::Command::new(program);
    use std::os::unix::process::CommandExt;
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let null = std::process::Stdio::null;
    command.args(std::env::args_os().skip(1)).env(DAEMON, "1");
    command.current_dir(started_in.map_err(failed)?);
    command
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .spawn()
        .map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn announce(journal: &Journal, config: &Config, config_file: Option<&str>) {
    let pid = std::process::id();
    journal.line(LogLevel::Warning, "Ochre is starting");
    let version = env!("CARGO_PKG_VERSION");
    journal.line(
        LogLevel::Warning,
        &format!("Ochre version={version}, compatible with Redis 7.0.15, pid={pid}, just started"),
    );
    let configured = match config_file {
        Some(path) => format!("Configuration loaded from {path}"),
        None => "No configuration file given, using the defaults".to_owned(),
    };
    journal.line(LogLevel::Warning, &configured);
    journal.serve_as(match (config.sentinel.is_on, &config.replication.primary) {
        (true, _) => 'X',
        (false, Some(_)) => 'S',
        (false, None) => 'M',
    });
}

/// Whoever reads this can connect.
fn announce_port(journal: &Journal, config: &Config) {
    let (port, pid) = (config.main_port(), std::process::id());
    journal.line(LogLevel::Notice, &format!("Port: {port} PID: {pid}"));
    journal.line(LogLevel::Warning, "Server initialized");
}

async fn serve(start: Start) -> Result<ExitCode, String> {
    let Start {
        config,
        config_file,
        journal,
        table,
        governor,
        sentinel,
        supervisor,
        encryption,
    } = start;
    let path = config_file.clone();
    let mut endings = Endings::listen().map_err(|error| system_words(&error))?;
    let (requests, received) = unbounded_channel();
    let process = process(&config, config_file.as_deref());
    let durability = Arc::new(Durability::new(Arc::new(Disk), &config, threads(&config)));
    let machine = Machine::new(
        Arc::clone(&journal),
        requests,
        config_file,
        process,
        governor.clone(),
        (Arc::clone(&durability), Arc::clone(&encryption)),
        sentinel.clone(),
    );
    memory::purge_in_background();
    let (gauge, its_engine) = (Arc::clone(&machine.gauge), Arc::clone(&machine.engine));
    let engine = Arc::new(Engine::new(
        table,
        config.clone(),
        Box::new(machine),
        seed()?,
    ));
    // It is set once.
    drop(its_engine.set(Arc::downgrade(&engine)));
    if sentinel.is_none() {
        // Nobody is served data that is not there yet.
        engine.persistence.begin_load(engine.now(), 0);
    }
    let house = House::new(engine, durability, encryption);
    let opened = open_ports(&house, &config);
    let (bus, mut listeners) = opened.inspect_err(|why| journal.line(LogLevel::Warning, why))?;
    write_pid_file(&config, &journal);
    announce_port(&journal, &config);
    governor.start(threads(&config), &house.engine);
    upkeep::start(&house.engine);
    // Tables that wait for data are the program's own: INFO must not call them data.
    gauge.mark_startup();
    let watch = sentinel.as_ref().zip(path);
    let loaded = begin(&house, &config, &journal, watch, bus)?;
    match loaded {
        Some(_) => supervisor.loads(&journal),
        None => supervisor.is_ready(&journal),
    }
    let end = until_the_end(
        &house,
        (&*journal, &supervisor),
        &mut listeners,
        received,
        &mut endings,
        loaded,
    );
    if end.await {
        supervisor.ends(&journal);
        return Ok(end_well(&config, &journal, listeners).await);
    }
    remove_pid_file(&config);
    listeners.close().await;
    std::process::exit(1);
}

/// Listens for whoever may come.
fn open_ports(house: &House, config: &Config) -> Result<(Ports, Listeners), String> {
    let bus = open_cluster(house, config)?;
    let listeners = Listeners::bind(house, config)?;
    match listeners.is_empty() {
        true => Err("Configured to not listen anywhere, exiting.".to_owned()),
        false => Ok((bus, listeners)),
    }
}

/// Becomes the node that the file of the cluster tells of, if the node is one of a cluster.
fn open_cluster(house: &House, config: &Config) -> Result<Ports, String> {
    let Some(cluster) = &house.durability.cluster else {
        return Ok(None);
    };
    cluster.open(&house.engine, [seed()?, seed()?])?;
    bus::listen(house, config).map(Some)
}

/// The ports of the bus, if the node is one of a cluster.
type Ports = Option<Vec<std::net::TcpListener>>;

/// What is loaded, if the program has data.
type Loading = Option<Receiver<Result<(), String>>>;

/// Begins to load the data, or to watch that of others.
fn begin(
    house: &House,
    config: &Config,
    journal: &Arc<Journal>,
    watch: Option<(&Arc<Sentinel>, String)>,
    bus: Ports,
) -> Result<Loading, String> {
    if let Some((sentinel, path)) = watch {
        sentinel::announce(journal, config);
        let started = sentinel::start(&house.engine, sentinel, config, path);
        started.map_err(|error| format!("Can't start threads: {}", system_words(&error)))?;
        return Ok(None);
    }
    Sockets::open(house, journal, threads(config));
    let loaded = load(house, threads(config), [seed()?, seed()?], bus);
    bar::watch_load(&house.engine, journal);
    Ok(Some(loaded))
}

/// Ends the process, whose data is safe.
async fn end_well(config: &Config, journal: &Journal, listeners: Listeners) -> ExitCode {
    remove_pid_file(config);
    let name = match config.sentinel.is_on {
        true => "Sentinel",
        false => "Ochre",
    };
    let line = format!("{name} is now ready to exit, bye bye...");
    journal.line(LogLevel::Warning, &line);
    // Whoever sees its connection end must not find the server again. The locks are held for
    // good, so every worker may wait for one, and none be left to close what listens.
    end_soon();
    listeners.close().await;
    // Tasks of clients that are still connected end with the process, and so do the threads.
    std::process::exit(0);
}

/// How long closing what listens may take.
const CLOSING_TIME: Duration = Duration::from_millis(500);

/// Ends the process a little later, whatever the runtime does.
fn end_soon() {
    let run = || {
        std::thread::sleep(CLOSING_TIME);
        std::process::exit(0);
    };
    // Without the thread the listeners are waited for as long as it takes.
    drop(
        std::thread::Builder::new()
            .name("ochre-end".to_owned())
            .spawn(run),
    );
}

/// Loads what there is, on a thread of its own: clients are told meanwhile that they have to wait.
fn load(
    house: &House,
    threads: usize,
    seeds: [u64; 2],
    bus: Ports,
) -> Receiver<Result<(), String>> {
    let (sender, receiver) = channel();
    let house = house.clone();
    let run = move || {
        memory::count_this_thread();
        let loaded = durability::load(&house.durability, &house.engine, threads);
        let loaded = loaded.and_then(|()| {
            let started = house.durability.start(&house.engine);
            started.map_err(|error| format!("Can't start threads: {}", system_words(&error)))
        });
        let loaded = loaded.and_then(|()| {
            house.durability.replication.start(&house.engine, seeds);
            bus.map_or(Ok(()), |bus| bus::start(&house, bus))
        });
        // Whoever listens may have ended.
        drop(sender.send(loaded));
    };
    // Without the thread the sender is gone, which is taken for an error.
    drop(
        std::thread::Builder::new()
            .name("ochre-load".to_owned())
            .spawn(run),
    );
    receiver
}

/// Serves until a signal or a client ends the program. Returns whether it ends well.
async fn until_the_end(
    house: &House,
    (journal, supervisor): (&Journal, &Supervisor),
    listeners: &mut Listeners,
    mut requests: UnboundedReceiver<Request>,
    endings: &mut Endings,
    loaded: Option<Receiver<Result<(), String>>>,
) -> bool {
    let (mut is_loading, has_data) = (loaded.is_some(), loaded.is_some());
    let mut loaded = loaded.unwrap_or_else(|| channel().1);
    let (ended, mut has_ended) = unbounded_channel();
    let (mut is_ending, mut how) = (false, Shutdown::default());
    let ending = &house.durability.ending;
    loop {
        tokio::select! {
            result = &mut loaded, if is_loading => {
                is_loading = false;
                if let Err(why) = result.unwrap_or_else(|_| Err("Can't load the data".to_owned())) {
                    eprintln!("{why}");
                    return false;
                }
                journal.line(LogLevel::Notice, "Ready to accept connections");
                supervisor.is_ready(journal);
            }
            name = endings.next() => {
                if is_ending || house.engine.ending.is_pending() && name == "SIGINT" {
                    journal.line(LogLevel::Warning, "You insist... exiting now.");
                    house.durability.keeper.remove_drafts();
                    return false;
                }
                journal.line(LogLevel::Warning, &format!("Received {name} scheduling shutdown..."));
                how = way_to_end(&house.engine.config.load(), name);
                ending.store(true, Ordering::Release);
            }
            () = shutdown_begins(house), if ending.load(Ordering::Acquire) => {
                if !has_data {
                    journal.line(LogLevel::Warning, "User requested shutdown...");
                    return true;
                }
                is_ending = true;
                let (house, ended) = (house.clone(), ended.clone());
                tokio::task::spawn_blocking(move || {
                    // One that waits for replicas is carried out like all that happens by itself.
                    let waits = house.engine.begin_shutdown(how);
                    let keeper = &house.durability.keeper;
                    let is_over = !waits && keeper.shut_down(&house.engine, how).is_ok();
                    // Whoever listens may have ended.
                    let _ = ended.send(is_over);
                });
            }
            Some(is_over) = has_ended.recv() => match is_over {
                true => return true,
                false => is_ending = false,
            },
            request = requests.recv() => match request {
                Some(Request::Rebind(config, answer)) => {
                    let bound = listeners.follow(house, &config).await;
                    // Who asked may have gone meanwhile.
                    drop(answer.send(bound));
                }
                Some(Request::ShutDown) | None => return true,
            },
        }
    }
}

/// What a signal asks for.
fn way_to_end(config: &Config, signal: &str) -> Shutdown {
    let mode = match signal {
        "SIGINT" => config.process.on_sigint,
        _ => config.process.on_sigterm,
    };
    Shutdown {
        save: match (mode.save, mode.nosave) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        now: mode.now,
        force: mode.force,
    }
}

/// Waits until a shutdown that was asked for begins, and takes it: at once, unless nothing is to
/// happen that nobody asks for.
async fn shutdown_begins(house: &House) {
    loop {
        let is_still = house.engine.switches.still.load(Ordering::Relaxed);
        if !is_still && house.durability.ending.swap(false, Ordering::AcqRel) {
            return;
        }
        tokio::time::sleep(SHUTDOWN_LOOK).await;
    }
}

fn process(config: &Config, config_file: Option<&str>) -> Process {
    let path = std::env::current_exe().unwrap_or_default();
    let uname = rustix::system::uname();
    let word = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let words = [uname.sysname(), uname.release(), uname.machine()].map(word);
    Process {
        id: std::process::id(),
        os: words.join(" "),
        executable: path.to_string_lossy().into_owned(),
        config_file: config_file.unwrap_or_default().to_owned(),
        tcp_port: config.main_port(),
        io_threads: threads(config),
        poller: "epoll",
    }
}

/// A number nobody can guess.
fn seed() -> Result<u64, String> {
    let mut bytes = [0; 8];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| format!("Can't read /dev/urandom: {}", system_words(&error)))?;
    Ok(u64::from_le_bytes(bytes))
}

/// The file that names the process, if one is asked for or the process runs in the background.
fn pid_file(config: &Config) -> Option<String> {
    match config.process.pid_file.set() {
        Some(path) => Some(String::from_utf8_lossy(path).into_owned()),
        None => config
            .process
            .daemonize
            .then(|| "/var/run/redis.pid".to_owned()),
    }
}

fn write_pid_file(config: &Config, journal: &Journal) {
    let Some(path) = pid_file(config) else { return };
    if let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id())) {
        let line = format!("Can't write the pid file {path}: {}", system_words(&error));
        journal.line(LogLevel::Warning, &line);
    }
}

fn remove_pid_file(config: &Config) {
    if let Some(path) = pid_file(config) {
        // It may never have been written.
        drop(std::fs::remove_file(path));
    }
}
