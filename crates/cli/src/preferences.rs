//! What `:set` sets.

/// What `:set` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Arguments still to come are shown while a line is typed.
    pub hints: bool,
    /// Replies longer than the screen go to the pager.
    pub pager: bool,
    /// Lines typed before are suggested while one is typed.
    pub suggestions: bool,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences {
            hints: true,
            pager: false,
            suggestions: true,
        }
    }
}

impl Preferences {
    /// Sets what `name` names, or unsets it behind `no`. Says whether there is such a thing.
    pub fn set(&mut self, name: &[u8]) -> bool {
        let name = name.to_ascii_lowercase();
        let (name, on) = match name.strip_prefix(b"no") {
            Some(name) => (name, false),
            None => (name.as_slice(), true),
        };
        match name {
            b"hints" => self.hints = on,
            b"pager" => self.pager = on,
            b"suggestions" => self.suggestions = on,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_unsets() {
        let mut preferences = Preferences::default();
        assert!(preferences.set(b"NoHints") && !preferences.hints);
        assert!(preferences.set(b"hints") && preferences.hints);
        assert!(preferences.set(b"pager") && preferences.pager);
        assert!(!preferences.set(b"no") && !preferences.set(b"nonsense"));
    }
}
