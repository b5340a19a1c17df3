//! The service manager that started the program, which hears when it serves.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use config::{Config, Supervised};
use engine::host::LogLevel;

use crate::journal::Journal;

/// Where systemd listens.
const SOCKET: &str = "NOTIFY_SOCKET";

/// What upstart calls the program.
const JOB: &str = "UPSTART_JOB";

/// Who waits for the program to serve.
#[derive(Debug)]
pub enum Supervisor {
    Nobody,
    Systemd(SocketAddr),
    Upstart,
}

impl Supervisor {
    /// Finds whoever the configuration speaks of. What is asked for and is not there is said.
    pub fn find(config: &Config) -> (Supervisor, Option<String>) {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        choose(
            config.process.supervised,
            variable(SOCKET).as_deref(),
            variable(JOB).as_deref(),
        )
    }

    pub fn is_there(&self) -> bool {
        !matches!(self, Supervisor::Nobody)
    }

    /// Says that data is being loaded, which may take longer than a start usually does.
    pub fn loads(&self, journal: &Journal) {
        self.tell(journal, "STATUS=Loading the data\n");
    }

    /// Says that clients are served.
    pub fn is_ready(&self, journal: &Journal) {
        self.tell(journal, "STATUS=Ready to accept connections\nREADY=1\n");
        if let Supervisor::Upstart = self {
            // It waits for the program to stop, and has it go on. Otherwise it waits in vain.
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::STOP);
        }
    }

    /// Says that the program ends as it was told to.
    pub fn ends(&self, journal: &Journal) {
        self.tell(journal, "STATUS=Ending\nSTOPPING=1\n");
    }

    fn tell(&self, journal: &Journal, text: &str) {
        let Supervisor::Systemd(address) = self else {
            return;
        };
        if let Err(error) = send(address, text) {
            let line = format!("Can't tell systemd at {SOCKET}: {error}");
            journal.line(LogLevel::Warning, &line);
        }
    }
}

fn send(address: &SocketAddr, text: &str) -> io::Result<usize> {
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), address)
}

/// Who it is, by what is asked for and by what the environment says.
fn choose(
    asked: Supervised,
    socket: Option<&OsStr>,
    job: Option<&OsStr>,
) -> (Supervisor, Option<String>) {
    let missing = |name: &str| Some(format!("supervised: {name} is not in the environment"));
    match (asked, socket, job) {
        (Supervised::No, ..) | (Supervised::Auto, None, None) => (Supervisor::Nobody, None),
        (Supervised::Auto | Supervised::Upstart, _, Some(_)) => (Supervisor::Upstart, None),
        (Supervised::Auto | Supervised::Systemd, Some(socket), _) => match address(socket) {
            Ok(address) => (Supervisor::Systemd(address), None),
            Err(error) => {
                let why = format!("supervised: {SOCKET} is no address: {error}");
                (Supervisor::Nobody, Some(why))
            }
        },
        (Supervised::Systemd, None, _) => (Supervisor::Nobody, missing(SOCKET)),
        (Supervised::Upstart, _, None) => (Supervisor::Nobody, missing(JOB)),
    }
}

/// A path, or a name that is in no folder behind an `@`.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_who_is_asked_for_and_there() {
        let kind = |asked, socket: Option<&str>, job: Option<&str>| {
            let (found, why) = choose(asked, socket.map(OsStr::new), job.map(OsStr::new));
            let kind = match found {
                Supervisor::Nobody => "nobody",
                Supervisor::Systemd(_) => "systemd",
                Supervisor::Upstart => "upstart",
            };
            (kind, why.is_some())
        };
        let socket = Some("/run/notify");
        assert_eq!(kind(Supervised::No, socket, None), ("nobody", false));
        assert_eq!(kind(Supervised::Auto, None, None), ("nobody", false));
        assert_eq!(kind(Supervised::Auto, socket, None), ("systemd", false));
        assert_eq!(
            kind(Supervised::Auto, socket, Some("a")),
            ("upstart", false)
        );
        assert_eq!(kind(Supervised::Systemd, socket, None), ("systemd", false));
        assert_eq!(
            kind(Supervised::Systemd, Some("@name"), None),
            ("systemd", false)
        );
        assert_eq!(kind(Supervised::Systemd, None, Some("a")), ("nobody", true));
        assert_eq!(kind(Supervised::Upstart, socket, None), ("nobody", true));
        let long = "/".repeat(200);
        assert_eq!(
            kind(Supervised::Systemd, Some(&long), None),
            ("nobody", true)
        );
    }
}
