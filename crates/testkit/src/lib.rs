//! Transcripts, the virtual world and checkers that tests are written with.
//!
//! A transcript is a session as a person sees it: commands behind `> `, replies as the command line
//! shows them. [`replay`] runs its commands and writes the text anew, with the replies there are.
//!
//! ```text
//!   > SET k v PX 100
//!   OK
//!   @ +1s                      the virtual clock moves
//!   b> GET k                   another client
//!   (nil)
//!   > SET k "a b\x00"          words may be quoted
//!   OK
//!   b> BLPOP l 0
//!   (no reply)
//!   > RPUSH l x
//!   (integer) 1
//!   b<                         what b is sent meanwhile, one value at a time
//!   1) "l"
//!   2) "x"
//! ```

#![forbid(unsafe_code)]

pub mod chaos;
pub mod disk;
mod node;
mod peers;
mod render;
mod transcript;
mod wire;
mod world;

pub use chaos::{Chaos, Mood};
pub use disk::{Disk, Fault};
pub use node::Node;
pub use render::render;
pub use transcript::{Player, Step, parse, replay, replay_with};
pub use world::World;
