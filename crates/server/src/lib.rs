//! The server program: listeners, connections, files, signals.
//!
//! Everything here moves bytes or asks the system; what the bytes mean is decided in `engine`.
//!
//! ```text
//!   program     arguments ▶ configuration ▶ engine ▶ listeners ▶ until a signal or SHUTDOWN
//!   listener    sockets that accept; who is let in
//!   connection  one task a client: read, run, write
//!   outbox      replies that leave together, when a thread has served all who were ready
//!   line        what a connection reads from and writes to
//!   durability  threads for what is kept in files
//!   disk        the files
//!   encryption  what TLS needs of files, and its streams
//!   wire        a connection to another server, for the command that sends it keys
//!   worker      what a thread keeps between clients: buffers, statistics
//!   dial        connections to other nodes, from where they are to come
//!   bus         the port and links of the cluster, on a thread of their own
//!   primary     the link to the primary; a timer and threads for replication
//!   sentinel    what Sentinel asks: links, names, scripts, its file
//!   governor    how many workers are up
//!   upkeep      expiry, garbage and samples, a few times a second
//!   supervisor  tells systemd when the program is ready
//!   machine     the engine's host: clocks, memory, processor time, files
//!   bar         how far the load is, for who watches
//!   journal     the program's own log lines
//! ```

mod bar;
mod bus;
mod clock;
mod config_file;
mod connection;
mod dial;
mod disk;
mod durability;
mod encryption;
mod governor;
mod journal;
mod line;
mod listener;
mod machine;
mod memory;
mod outbox;
mod primary;
mod program;
mod sentinel;
mod signals;

mod supervisor;
mod upkeep;
mod wire;
mod worker;

pub use journal::warn;
pub use program::{VERSION_LINE, main, sentinel_main};
