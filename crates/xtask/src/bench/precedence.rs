//! The place of the bench among the machine's programs, while it measures.
//!
//! Linux divides processor time among terminals and the like first, and by the priorities of their
//! threads only then (`autogroup`, sched(7)). A program of the machine's own that works for three
//! milliseconds keeps a server waiting for as long, though another core idles: a watch that goes
//! before all others ([`super::standstill`]) cannot see that.

use std::fs;

const PATH: &str = "/proc/self/autogroup";

/// The most that a group can be preferred, as the `nice` of a process.
const FIRST: i32 = -20;

/// While this lives, the bench and the servers that it starts go before others.
pub struct Precedence {
    /// What their group had before; None if nothing could be changed.
    nice: Option<i32>,
}

impl Precedence {
    /// Takes it, or says that the machine does not let it.
    pub fn take() -> Self {
        let nice = fs::read_to_string(PATH).ok().as_deref().and_then(nice_of);
        let nice = nice.filter(|_| set(FIRST));
        if nice.is_none() {
            eprintln!("bench: other programs of this machine may go before the servers");
        }
        Self { nice }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        // What cannot be put back lasts as long as the terminal does.
        let _ = self.nice.map(set);
    }
}

fn set(nice: i32) -> bool {
    fs::write(PATH, nice.to_string()).is_ok()
}

/// Of `/autogroup-789 nice 0`. Who is in no such group finds an empty line.
fn nice_of(line: &str) -> Option<i32> {
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::nice_of;

    #[test]
    fn the_number_is_the_last_word() {
        assert_eq!(nice_of("/autogroup-789 nice -20\n"), Some(-20));
        assert_eq!(nice_of("/\n"), None);
        assert_eq!(nice_of("\n"), None);
    }
}
