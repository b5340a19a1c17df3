//! Services of a machine: what is installed, and what the service manager hears.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, kill_process};

use crate::process::{Ended, Folder, OCHRE, PATIENCE, Process, free_port, wait_until};
use crate::wire::Wire;

/// Starts this program with variables in its environment.
fn start_with(variables: &[&str], args: &[&str]) -> Process {
    let words = [variables, &[OCHRE], args].concat();
    Process::start(Path::new("/usr/bin/env"), "env", &words, "")
}

/// A socket as systemd's, and its path.
fn manager(folder: &Folder) -> (UnixDatagram, String) {
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket, format!("NOTIFY_SOCKET={path}"))
}

fn hear(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 1024];
    let read = socket.recv(&mut bytes).expect("the server says something");
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[test]
fn systemd_hears_when_the_data_is_loaded_and_when_it_ends() {
    let folder = Folder::new();
    let (socket, variable) = manager(&folder);
    let port = free_port().to_string();
    for supervised in ["systemd", "auto"] {
        let args = [
            "server",
            "--port",
            &port,
            "--dir",
            folder.root(),
            "--supervised",
            supervised,
            // Loading takes a while.
            "--key-load-delay",
            "1000",
            // Whoever is supervised stays.
            "--daemonize",
            "yes",
        ];
        let mut server = start_with(&[&variable], &args);
        assert_eq!(hear(&socket), "STATUS=Loading the data\n");
        let ready = "STATUS=Ready to accept connections\nREADY=1\n";
        assert_eq!(hear(&socket), ready);
        // Whoever was told so is not sent away, and finds what was there before.
        let mut wire = Wire::connect(("127.0.0.1", port.parse().unwrap()));
        let keys = if supervised == "auto" { ":300" } else { ":0" };
        assert_eq!(wire.ask("DBSIZE"), keys);
        assert!(server.output().contains("Ready to accept connections"));
        assert!(!server.has_ended());
        let keys = (0..300).map(|number| format!("SET {number} v"));
        wire.ask_all(&keys.collect::<Vec<_>>());
        kill_process(server.id(), Signal::TERM).unwrap();
        assert_eq!(hear(&socket), "STATUS=Ending\nSTOPPING=1\n");
        assert_eq!(server.end().code, Some(0));
    }
    let config = folder.file("sentinel.conf", &format!("port {port}\n"));
    let args = ["sentinel", &config, "--supervised", "systemd"];
    let mut sentinel = start_with(&[&variable], &args);
    assert!(hear(&socket).contains("READY=1"));
    kill_process(sentinel.id(), Signal::TERM).unwrap();
    assert_eq!(sentinel.end().code, Some(0));
}

#[test]
fn a_server_whose_manager_is_missing_says_so_and_serves() {
    let folder = Folder::new();
    let port = free_port().to_string();
    let args = [
        "server",
        "--port",
        &port,
        "--dir",
        folder.root(),
        "--supervised",
        "systemd",
    ];
    let server = start_with(&["-u", "NOTIFY_SOCKET"], &args);
    wait_until("the server is ready", || {
        server.output().contains("Ready to accept connections")
    });
    let said = "supervised: NOTIFY_SOCKET is not in the environment";
    assert!(server.output().contains(said), "{}", server.output());
}

/// Installs into a folder that stands for the machine.
fn install(root: &Folder, args: &[&str], input: &str) -> Ended {
    let words = [&["install", "--root", root.root()], args].concat();
    Process::start(OCHRE.as_ref(), "ochre", &words, input).end()
}

fn own_user() -> String {
    let told = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// Makes a file speak of the folder where it speaks of the machine.
fn move_into(root: &Folder, path: &str) -> String {
    let place = root.path(path.trim_start_matches('/'));
    let mut text = fs::read_to_string(&place).unwrap();
    for folder in ["/etc/redis", "/var/lib", "/var/log", "/var/run"] {
        text = text.replace(folder, &root.path(&folder[1..]));
    }
    fs::write(&place, text).unwrap();
    place
}

#[test]
fn what_a_script_installs_starts_and_stops() {
    let (root, user, port) = (Folder::new(), own_user(), free_port().to_string());
    let options = [
        "server", "--yes", "--init", "script", "--user", &user, "--port", &port,
    ];
    let installed = install(&root, &options, "");
    assert_eq!(installed.code, Some(0), "{}", installed.output);
    assert!(installed.output.ends_with("Installation successful!\n"));
    let again = install(&root, &options, "");
    assert_eq!(again.code, Some(1), "{}", again.output);
    assert!(
        again.output.contains("is there already"),
        "{}",
        again.output
    );
    let config = move_into(&root, &format!("/etc/redis/{port}.conf"));
    let script = move_into(&root, &format!("/etc/init.d/redis_{port}"));
    fs::create_dir_all(root.path("var/run")).unwrap();
    let call = |word: &str| Process::start(script.as_ref(), &script, &[word], "").end();
    let started = call("start");
    let ready = || {
        let log = fs::read_to_string(root.path(&format!("var/log/redis_{port}.log")));
        log.unwrap_or_default().matches("Ready to accept").count()
    };
    wait_until("the server is ready", || ready() == 1);
    assert_eq!(started.code, Some(0), "{}", started.output);
    let mut wire = Wire::connect(("127.0.0.1", port.parse().unwrap()));
    assert_eq!(wire.ask("SET fruit apple"), "+OK");
    let status = call("status").output;
    assert!(status.starts_with("Redis is running ("), "{status}");
    let twice = call("start").output;
    assert!(twice.contains("process is already running"), "{twice}");
    // Whether it has a password does not matter to who stops it.
    wire.ask("CONFIG SET requirepass secret");
    let restarted = call("restart").output;
    assert!(restarted.contains("Redis stopped\nStarting"), "{restarted}");
    wait_until("the server is ready again", || ready() == 2);
    let mut wire = Wire::connect(("127.0.0.1", port.parse().unwrap()));
    assert_eq!(wire.ask("GET fruit"), "$5\r\napple");
    let stopped = call("stop");
    assert!(
        stopped.output.ends_with("Redis stopped\n"),
        "{}",
        stopped.output
    );
    let status = call("status");
    assert_eq!(
        (status.code, status.output.as_str()),
        (Some(3), "Redis is not running\n")
    );
    let gone = install(&root, &[&options[..], &["--uninstall"]].concat(), "");
    assert_eq!(gone.code, Some(0), "{}", gone.output);
    assert!(!Path::new(&config).exists() && !Path::new(&script).exists());
    let snapshot = root.path(&format!("var/lib/redis/{port}/dump.rdb"));
    assert!(Path::new(&snapshot).exists(), "data stays");
}

#[test]
fn units_say_nothing_that_systemd_does_not_know() {
    const ANALYZE: &str = "/usr/bin/systemd-analyze";
    if !Path::new(ANALYZE).exists() {
        eprintln!("skipped: {ANALYZE} is not installed");
        return;
    }
    let (root, user) = (Folder::new(), own_user());
    for kind in ["server", "sentinel", "proxy"] {
        let options = [kind, "--yes", "--init", "systemd", "--user", &user];
        let watched = ["--monitor", "main 127.0.0.1 6379 2"];
        let installed = install(&root, &[&options[..], &watched].concat(), "");
        assert_eq!(installed.code, Some(0), "{}", installed.output);
    }
    let units = fs::read_dir(root.path("etc/systemd/system")).unwrap();
    let units: Vec<_> = units.map(|unit| unit.unwrap().path()).collect();
    assert_eq!(units.len(), 3);
    let verify = |unit: &Path| {
        Command::new(ANALYZE)
            .arg("verify")
            .arg(unit)
            .output()
            .unwrap()
    };
    for unit in &units {
        let said = verify(unit);
        let flaw = String::from_utf8_lossy(&said.stderr);
        // What it says of others' units is not about ours.
        let own = unit.file_name().unwrap().to_str().unwrap();
        assert!(said.status.success() && !flaw.contains(own), "{flaw}");
    }
    // It would say so.
    let text = fs::read_to_string(&units[0]).unwrap();
    fs::write(&units[0], text.replace("LimitNOFILE=", "LimitNOFILE=many")).unwrap();
    let flaw = String::from_utf8_lossy(&verify(&units[0]).stderr).into_owned();
    assert!(
        flaw.contains(units[0].file_name().unwrap().to_str().unwrap()),
        "{flaw}"
    );
}

#[test]
fn what_is_installed_is_asked_for_and_is_what_the_programs_read() {
    let root = Folder::new();
    let asked = install(&root, &["--init", "systemd"], "\n\n\n\n\n\n");
    let path = fs::canonicalize(OCHRE).unwrap();
    let path = path.display();
    let questions = format!(
        "Welcome to the redis service installer\nThis script will help you easily set up a running \
         redis server\n\nPlease select the redis port for this instance: [6379] Selecting default: \
         6379\nPlease select the redis config file name [/etc/redis/6379.conf] Selected default - \
         /etc/redis/6379.conf\nPlease select the redis log file name [/var/log/redis_6379.log] \
         Selected default - /var/log/redis_6379.log\nPlease select the data directory for this \
         instance [/var/lib/redis/6379] Selected default - /var/lib/redis/6379\nPlease select the \
         redis executable path [{path}] Selected default - {path}\nSelected config:\n\
         Port           : 6379\nConfig file    : /etc/redis/6379.conf\n\
         Log file       : /var/log/redis_6379.log\nData dir       : /var/lib/redis/6379\n\
         Executable     : {path}\nCli Executable : {path} cli\nIs this ok? Then press ENTER to go \
         on or Ctrl-C to abort.Writing "
    );
    assert!(asked.output.starts_with(&questions), "{}", asked.output);
    assert_eq!(asked.code, Some(0), "{}", asked.output);
    let unit = root.path("etc/systemd/system/redis_6379.service");
    assert!(fs::read_to_string(&unit).unwrap().contains("Type=notify\n"));
    // A file that somebody else has written is nobody's to remove.
    root.file("etc/redis/6379.conf", "port 1\n");
    let gone = install(&root, &["--init", "systemd", "--uninstall"], "");
    assert!(
        gone.output.contains("somebody else has written it"),
        "{}",
        gone.output
    );
    assert!(!Path::new(&unit).exists() && Path::new(&root.path("etc/redis/6379.conf")).exists());
    // Nobody is left alone with half an answer.
    let unanswered = install(&root, &["--port", "7000"], "\n\n\n\n");
    assert_eq!(unanswered.code, Some(1), "{}", unanswered.output);
    let proxy = install(&root, &["proxy", "--yes", "--init", "systemd"], "");
    assert_eq!(proxy.code, Some(0), "{}", proxy.output);
    let config = root.path("etc/redis/proxy_22121.toml");
    let checked = crate::process::run(&["proxy", "--check", &config]);
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    let before = fs::read_dir(root.root()).unwrap().count();
    let shown = install(&root, &["sentinel", "--dry-run", "--port", "7001"], "");
    assert!(
        shown
            .output
            .contains("# file /etc/redis/sentinel_7001/sentinel.conf (640)\n")
    );
    assert_eq!(fs::read_dir(root.root()).unwrap().count(), before);
    assert!(!Path::new(&root.path("etc/redis/sentinel_7001")).exists());
    for args in [
        &["nonsense"][..],
        &["--port", "x", "--yes"],
        &["--executable", "/etc/passwd", "--yes"],
    ] {
        assert_eq!(install(&root, args, "").code, Some(1), "{args:?}");
    }
}
