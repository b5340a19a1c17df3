//! How willingly the kernel may kill each kind of process.

use super::{How, Refusal, Value, forgiving_decimal};
use crate::directive::Limits;

/// Scores of a primary, a replica and a background process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomScores(pub [i32; 3]);

impl Value for OomScores {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let [primary, replica, background] = words else {
            return Err(Refusal::WRONG_ARITY);
        };
        let score = |word: &[u8]| {
            forgiving_decimal(word)
                .and_then(|score| i32::try_from(score).ok())
                .filter(|score| (-2000..=2000).contains(score))
                .ok_or(Refusal::because(
                    "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
                ))
        };
        self.0 = [score(primary)?, score(replica)?, score(background)?];
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.0.map(|score| score.to_string()).join(" ").into_bytes()
    }
}
