//! Connections that do nothing.

use std::io::IsTerminal;

use crate::load;
use crate::options::Options;
use crate::program::{Bench, emit};
use crate::site::Site;
use crate::suite::{Request, Test};

/// Opens connections and waits until somebody ends the program, or the server a connection.
pub fn run(options: &Options) -> Result<(), String> {
    let site = Site::find(options)?;
    let clients = options.clients;
    emit(
        format!("Creating {clients} idle connections and waiting forever (Ctrl+C when done)\n")
            .as_bytes(),
    );
    let bench = Bench::new(options);
    let nothing = Test {
        title: String::new(),
        request: Request::Words(Vec::new()),
    };
    let is_watched = std::io::stdout().is_terminal();
    let held = load::hold(&bench.job(&nothing, &site), |connected| {
        if is_watched {
            emit(format!("clients: {connected}\r").as_bytes());
        }
    });
    let never = held.map_err(|failure| failure.to_string())?;
    match never {}
}
