//! What is installed: a server, a Sentinel or a proxy, and where its files go.

use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Server,
    Sentinel,
    Proxy,
}

/// Who starts it with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    Systemd,
    Script(Option<Tool>),
}

/// Who has a script started with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Chkconfig,
    UpdateRc,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub kind: Kind,
    pub port: u16,
    pub config: PathBuf,
    pub log: PathBuf,
    /// A proxy has none.
    pub data: Option<PathBuf>,
    pub executable: PathBuf,
    pub user: String,
    pub init: Init,
    /// What a Sentinel watches: name, host, port and quorum.
    pub monitor: Option<String>,
}

impl Kind {
    pub fn by_name(name: &str) -> Option<Kind> {
        match name {
            "server" => Some(Kind::Server),
            "sentinel" => Some(Kind::Sentinel),
            "proxy" => Some(Kind::Proxy),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Server => "server",
            Kind::Sentinel => "sentinel",
            Kind::Proxy => "proxy",
        }
    }

    pub fn port(self) -> u16 {
        match self {
            Kind::Server => 6379,
            Kind::Sentinel => 26_379,
            Kind::Proxy => 22_121,
        }
    }

    /// What the names of its files begin with.
    fn stem(self) -> &'static str {
        match self {
            Kind::Server => "redis",
            Kind::Sentinel => "redis-sentinel",
            Kind::Proxy => "redis-proxy",
        }
    }

    pub fn config(self, port: u16) -> PathBuf {
        match self {
            Kind::Server => format!("/etc/redis/{port}.conf").into(),
            // A Sentinel writes its file, and needs the folder for it.
            Kind::Sentinel => format!("/etc/redis/sentinel_{port}/sentinel.conf").into(),
            Kind::Proxy => format!("/etc/redis/proxy_{port}.toml").into(),
        }
    }

    pub fn log(self, port: u16) -> PathBuf {
        format!("/var/log/{}_{port}.log", self.stem()).into()
    }

    pub fn data(self, port: u16) -> Option<PathBuf> {
        match self {
            Kind::Server => Some(format!("/var/lib/redis/{port}").into()),
            Kind::Sentinel => Some(format!("/var/lib/redis/sentinel_{port}").into()),
            Kind::Proxy => None,
        }
    }

    /// Names under which an executable is this program and no other.
    fn links(self) -> &'static [&'static str] {
        match self {
            Kind::Server => &["redis-server", "valkey-server"],
            Kind::Sentinel => &["redis-sentinel", "valkey-sentinel"],
            Kind::Proxy => &["nutcracker", "predixy"],
        }
    }
}

impl Instance {
    /// What the service is called.
    pub fn name(&self) -> String {
        format!("{}_{}", self.kind.stem(), self.port)
    }

    pub fn pid_file(&self) -> PathBuf {
        Path::new("/var/run").join(format!("{}.pid", self.name()))
    }

    /// The words that start it.
    pub fn command(&self) -> Vec<String> {
        let name = self.executable.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let mut words = vec![self.executable.display().to_string()];
        if !self.kind.links().contains(&name.as_ref()) {
            words.push(self.kind.name().to_owned());
        }
        let config = self.config.display().to_string();
        match self.kind {
            Kind::Server | Kind::Sentinel => words.push(config),
            Kind::Proxy => {
                words.extend(["-c".to_owned(), config]);
                words.extend(["-o".to_owned(), self.log.display().to_string()]);
                if let Init::Script(_) = self.init {
                    let pid_file = self.pid_file().display().to_string();
                    words.extend(["-d".to_owned(), "-p".to_owned(), pid_file]);
                }
            }
        }
        words
    }
}
