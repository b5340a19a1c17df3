//! A whole node without sockets: engine, machines and timers; run by server and simulator alike.

#![forbid(unsafe_code)]

pub mod storage;
