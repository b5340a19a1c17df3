//! What can go wrong between a client and its server.

use std::fmt;
use std::io;

use resp::value::Malformed;

use crate::Address;
use crate::tls::TlsError;

/// What can go wrong between a client and its server.
#[derive(Debug)]
pub enum Error {
    /// No connection came about.
    Connect {
        address: Address,
        source: io::Error,
    },
    /// The server ended the connection.
    Closed,
    Io(io::Error),
    /// What arrived is no reply, and its first byte there.
    Malformed(Malformed, Option<u8>),
    Tls(TlsError),
}

impl Error {
    /// Client and server did not come to terms about encryption.
    pub fn handshake(address: &Address, error: &io::Error) -> Error {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        let reason = match cause {
            Some(rustls::Error::InvalidCertificate(_)) => "certificate verify failed".to_owned(),
            _ => reason(error),
        };
        Error::Connect {
            address: address.clone(),
            source: io::Error::other(format!("SSL_connect failed: {reason}")),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Connect { address, source } => {
                let reason = reason(source);
                write!(f, "Could not connect to Redis at {address}: {reason}")
            }
            Error::Closed => f.write_str("Server closed the connection"),
            Error::Io(error) => f.write_str(&reason(error)),
            Error::Malformed(malformed, Some(byte)) if malformed.what == "unknown type" => {
                let byte = byte.escape_ascii();
                write!(f, "Protocol error, got \"{byte}\" as reply type byte")
            }
            Error::Malformed(malformed, _) => write!(f, "Protocol error, {malformed}"),
            Error::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// The system's words alone, without numbers and without what Rust puts around them.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}
