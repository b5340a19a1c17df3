//! What a signal to stop makes the server do.

use super::choice::find_word;
use super::{How, Refusal, Value};
use crate::directive::Limits;

/// The flags of SHUTDOWN that a signal stands for. None of them is the default behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownMode {
    pub save: bool,
    pub nosave: bool,
    pub now: bool,
    pub force: bool,
}

impl ShutdownMode {
    fn words(&self) -> [(&'static str, bool); 5] {
        let by_default = *self == ShutdownMode::default();
        [
            ("default", by_default),
            ("save", self.save),
            ("nosave", self.nosave),
            ("now", self.now),
            ("force", self.force),
        ]
    }
}

impl Value for ShutdownMode {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let names = self.words().map(|(name, _)| name);
        *self = ShutdownMode::default();
        let refused = || Refusal::not_one_of(&names.join(", "));
        if words.is_empty() {
            return Err(refused());
        }
        for word in words {
            match names[find_word(&names, word).ok_or_else(refused)?] {
                "save" => self.save = true,
                "nosave" => self.nosave = true,
                "now" => self.now = true,
                "force" => self.force = true,
                _ => {}
            }
        }
        match self.save && self.nosave {
            true => Err(Refusal::because(
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            )),
            false => Ok(()),
        }
    }

    fn print(&self) -> Vec<u8> {
        let held = self.words().into_iter().filter(|(_, held)| *held);
        held.map(|(name, _)| name)
            .collect::<Vec<_>>()
            .join(" ")
            .into_bytes()
    }
}
