//! The percentiles INFO shows of each command's latency.

use super::{How, Line, Refusal, Value, is_nothing};
use crate::directive::Limits;

#[derive(Clone, Debug, PartialEq)]
pub struct Percentiles(pub Vec<f64>);

impl Value for Percentiles {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let percentile = |word: &Vec<u8>| {
            let text = std::str::from_utf8(word).unwrap_or_default();
            let number: f64 =
                text.parse()
                    .ok()
                    .filter(|n: &f64| !n.is_nan())
                    .ok_or(Refusal::because(
                        "Invalid latency-tracking-info-percentiles parameters",
                    ))?;
            match (0.0..=100.0).contains(&number) {
                true => Ok(number),
                false => Err(Refusal::because(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
                )),
            }
        };
        let words = if is_nothing(words) { &[] } else { words };
        self.0 = words.iter().map(percentile).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let number = |percentile: &f64| {
            let text = format!("{percentile:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        self.0
            .iter()
            .map(number)
            .collect::<Vec<_>>()
            .join(" ")
            .into_bytes()
    }

    fn lines(&self, default: &Percentiles) -> Vec<Line> {
        let text = if self.0.is_empty() {
            b"\"\"".to_vec()
        } else {
            self.print()
        };
        vec![Line::new(text, self == default)]
    }
}
