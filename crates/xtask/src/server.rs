//! One server process under test: started on a free port, asked when ready, ended when dropped.

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(120);

pub struct Server {
    child: Child,
    pub port: u16,
    folder: PathBuf,
}

impl Server {
    /// Starts `binary` on a free port in `folder` without persistence, with `arguments` added.
    pub fn start(binary: &Path, folder: &Path, arguments: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = free_port()?;
        let mut command = Command::new(binary);
        if is_ochre(binary) {
            command.arg("server");
        }
        let child = command
            .args(["--port", &port.to_string(), "--save", "", "--dir"])
            .arg(folder)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(File::create(folder.join("stderr.log"))?)
            .stdout(File::create(log_path(folder))?)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let folder = folder.to_owned();
        let mut server = Self {
            child,
            port,
            folder,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it was started, and keeps its files unless it was told otherwise.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How long it took to load what was there at the start, by the server's own log.
    pub fn load_seconds(&self) -> Result<f64> {
        let text = std::fs::read_to_string(log_path(&self.folder))?;
        let (_, said) = text
            .rsplit_once("DB loaded from disk: ")
            .context("the server does not say what it has loaded")?;
        let seconds = said.split_whitespace().next().unwrap_or_default();
        Ok(seconds.parse()?)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended at its start with {status}: {}",
                    last_words(&self.folder)
                );
            }
            if ping(self.port).unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "the server did not answer PING: {}",
            last_words(&self.folder)
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of a test server is worth saving, and it may be stopped or hung.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the binary takes `server` as its first word; links are named after Redis's programs.
pub fn is_ochre(binary: &Path) -> bool {
    binary
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("ochre"))
}

/// The program's absolute path. Links stay: Debian's redis-server is one, and a program of many
/// parts looks at the name it was called by.
pub fn locate(binary: &Path) -> Result<PathBuf> {
    ensure!(binary.is_file(), "there is no program {}", binary.display());
    Ok(std::path::absolute(binary)?)
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn ping(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 5];
    stream.read_exact(&mut reply)?;
    Ok(reply != *b"-LOAD")
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("stdout.log")
}

fn last_words(folder: &Path) -> String {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let text = read(log_path(folder)) + &read(folder.join("stderr.log"));
    let last = text
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("(no output)");
    last.to_owned()
}
