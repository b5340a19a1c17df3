//! A connection for questions, beside those that carry the load.

use std::fmt;

use client::{Address, Connection};
use resp::value::Value;
use tokio::runtime::Runtime;

use crate::cpu;
use crate::options::Options;
use std::time::Duration;

/// A connection for questions.
pub struct Control {
    runtime: Runtime,
    connection: Connection,
}

/// Why a server cannot be asked.
#[derive(Debug)]
pub enum ControlError {
    Connection(client::Error),
    /// It does not let us in.
    Refused(String),
    System(std::io::Error),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::Connection(error) => error.fmt(f),
            ControlError::Refused(text) => f.write_str(text),
            ControlError::System(error) => write!(f, "ochre: cannot watch sockets: {error}"),
        }
    }
}

impl Control {
    pub fn open(options: &Options, address: &Address) -> Result<Control, ControlError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ControlError::System)?;
        let connection = runtime.block_on(Connection::open(address, &options.connection()));
        let mut control = Control {
            connection: connection.map_err(ControlError::Connection)?,
            runtime,
        };
        if let Some(words) = options.credentials() {
            match control.ask(&words) {
                Ok(Value::Error(text)) => Err(ControlError::Refused(
                    String::from_utf8_lossy(&text).into_owned(),
                )),
                Ok(_) => Ok(control),
                Err(error) => Err(ControlError::Connection(error)),
            }
        } else {
            Ok(control)
        }
    }

    pub fn ask(&mut self, words: &[&[u8]]) -> Result<Value, client::Error> {
        let asked = self.connection.ask(words, |_| {});
        self.runtime.block_on(asked)
    }

    /// `save` and `appendonly`, if the server tells.
    pub fn keeps(&mut self) -> Option<[String; 2]> {
        let save = self.setting(b"save")?;
        Some([save, self.setting(b"appendonly")?])
    }

    fn setting(&mut self, name: &[u8]) -> Option<String> {
        match self.ask(&[b"CONFIG", b"GET", name]).ok()? {
            Value::Array(words) => match words.get(1)? {
                Value::Bulk(text) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The processor's time that the server has taken so far.
    pub fn cpu(&mut self) -> Option<Duration> {
        match self.ask(&[b"INFO", b"CPU"]).ok()? {
            Value::Bulk(text) | Value::Verbatim(_, text) => cpu::of_server(&text),
            _ => None,
        }
    }
}
