//! When to save: after so many seconds with so many changes.

use super::{How, Line, Refusal, Value, forgiving_decimal, is_nothing};
use crate::directive::Limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    pub seconds: u64,
    pub changes: u64,
}

/// The save points, any of which triggers a save. None means: never by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavePoints(pub Vec<SavePoint>);

impl SavePoints {
    fn parse(words: &[Vec<u8>]) -> Option<Vec<SavePoint>> {
        let number = |word: &Vec<u8>| u64::try_from(forgiving_decimal(word)?).ok();
        let pairs = words.chunks_exact(2);
        pairs.remainder().is_empty().then_some(())?;
        pairs
            .map(|pair| {
                let (seconds, changes) = (number(&pair[0])?, number(&pair[1])?);
                (seconds > 0).then_some(SavePoint { seconds, changes })
            })
            .collect()
    }
}

impl Value for SavePoints {
    fn assign(&mut self, words: &[Vec<u8>], how: How, _: &Limits) -> Result<(), Refusal> {
        if is_nothing(words) {
            self.0.clear();
            return Ok(());
        }
        let points = SavePoints::parse(words).ok_or(Refusal::because("Invalid save parameters"))?;
        if how != How::Further {
            self.0.clear();
        }
        self.0.extend(points);
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let points = self
            .0
            .iter()
            .map(|point| format!("{} {}", point.seconds, point.changes));
        points.collect::<Vec<_>>().join(" ").into_bytes()
    }

    fn lines(&self, default: &SavePoints) -> Vec<Line> {
        let is_default = self == default;
        if self.0.is_empty() {
            return vec![Line::new(b"\"\"".to_vec(), is_default)];
        }
        let line = |point: &SavePoint| {
            Line::new(
                format!("{} {}", point.seconds, point.changes).into_bytes(),
                is_default,
            )
        };
        self.0.iter().map(line).collect()
    }
}
