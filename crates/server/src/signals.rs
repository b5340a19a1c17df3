//! Signals that end the program.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals an operator ends the server with.
pub struct Endings {
    interrupt: Signal,
    terminate: Signal,
}

impl Endings {
    pub fn listen() -> std::io::Result<Endings> {
        Ok(Endings {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them, and tells its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
