//! The proxy as a process, between clients and servers that are stopped and started.
//!
//! ```text
//!   arena      a proxy, and the servers behind it
//!   cluster    slots that move while clients talk
//!   ending     what is left when the proxy ends
//!   memory     what is left of a rush
//!   groups     masters with replicas, and Sentinels that watch them
//!   reload     files that change while clients talk, figures, limits
//!   pools      what twemproxy's pools answer
//!   sessions   what operators typed, through command lines
//!   order      every reply belongs to its request, whoever dies meanwhile
//!   tls        encrypted connections on both sides
//!   users      who may run which commands on which keys
//!   migration  keys that move from one pool to another
//!   placement  the same keys on the same servers as Debian's nutcracker has them
//! ```

#![allow(clippy::unwrap_used)]

mod arena;
mod cluster;
mod ending;
mod groups;
mod memcached;
mod memory;
mod migration;
mod order;
#[path = "../it/papers.rs"]
#[allow(dead_code)]
mod papers;
mod placement;
mod pools;
#[path = "../it/process.rs"]
#[allow(dead_code)]
mod process;
mod reload;
mod sessions;
mod tls;
mod users;
#[path = "../it/wire.rs"]
#[allow(dead_code)]
mod wire;
