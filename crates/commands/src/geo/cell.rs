//! The earth cut into cells, and a cell as a number: a geohash.
//!
//! ```text
//!   latitude     . y . y . y     each half of the range is a bit, the first bit the highest
//!   longitude    x . x . x .
//!   hash         x y x y x y     so near places mostly share their first bits
//! ```
//!
//! A place's hash has 26 bits of each, about 60 cm, which an `f64` holds exactly: it is the score
//! of a member. The members in a larger cell are those whose hashes begin with the cell's.

use std::ops::Range;

/// Bits of each coordinate in a score.
pub const STEPS_MAX: u32 = 26;

pub const LONGITUDE_MAX: f64 = 180.0;

/// Where a square map of the earth ends.
pub const LATITUDE_MAX: f64 = 85.05112878;

/// Where the earth ends.
const POLE: f64 = 90.0;

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub longitude: f64,
    pub latitude: f64,
}

/// A part of the earth, by 2^`steps` columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// From west to east.
    pub column: u32,
    /// From south to north.
    pub row: u32,
    pub steps: u32,
}

/// The borders of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Borders {
    pub west: f64,
    pub east: f64,
    pub south: f64,
    pub north: f64,
}

impl Cell {
    /// The cell of a place within the map. Places on its eastern or northern end are beyond the
    /// last column or row.
    pub fn of(place: Place, steps: u32) -> Cell {
        Cell::within(place, steps, LATITUDE_MAX)
    }

    fn within(place: Place, steps: u32, latitude_max: f64) -> Cell {
        let cells = f64::from(1 << steps);
        let x = (place.longitude + LONGITUDE_MAX) / (LONGITUDE_MAX * 2.0);
        let y = (place.latitude + latitude_max) / (latitude_max * 2.0);
        Cell {
            column: (x * cells) as u32,
            row: (y * cells) as u32,
            steps,
        }
    }

    pub fn hash(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    fn of_hash(hash: u64, steps: u32) -> Cell {
        Cell {
            column: gather(hash >> 1),
            row: gather(hash),
            steps,
        }
    }

    pub fn borders(self) -> Borders {
        let cells = f64::from(1 << self.steps);
        let border = |at: u32, max: f64| f64::from(at) / cells * (max * 2.0) - max;
        Borders {
            west: border(self.column, LONGITUDE_MAX),
            east: border(self.column.wrapping_add(1), LONGITUDE_MAX),
            south: border(self.row, LATITUDE_MAX),
            north: border(self.row.wrapping_add(1), LATITUDE_MAX),
        }
    }

    /// The cell so many columns to the east and rows to the north, around the map's ends. A cell
    /// beyond an end stays there unless it is moved along.
    pub fn moved(self, columns: i32, rows: i32) -> Cell {
        let last = (1 << self.steps) - 1;
        let moved = |at: u32, by: i32| match by {
            0 => at,
            _ => at.wrapping_add_signed(by) & last,
        };
        Cell {
            column: moved(self.column, columns),
            row: moved(self.row, rows),
            steps: self.steps,
        }
    }

    /// The scores of the places within.
    pub fn scores(self) -> Range<f64> {
        let below = (STEPS_MAX - self.steps) * 2;
        (self.hash() << below) as f64..((self.hash() + 1) << below) as f64
    }
}

/// The number that a score stands for. Any sorted set can be read as places, so below 0 it is the
/// complement of two, and what 64 bits cannot hold stands for 0.
fn hash_of(score: f64) -> u64 {
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    match score {
        ..0.0 => score as i64 as u64,
        0.0..BEYOND => score as u64,
        _ => 0,
    }
}

impl Place {
    /// The score of a member at this place.
    pub fn score(self) -> f64 {
        Cell::of(self, STEPS_MAX).hash() as f64
    }

    /// The middle of the smallest cell that a score stands for.
    pub fn of_score(score: f64) -> Place {
        let borders = Cell::of_hash(hash_of(score), STEPS_MAX).borders();
        let middle = |from: f64, to: f64, max: f64| ((from + to) / 2.0).clamp(-max, max);
        Place {
            longitude: middle(borders.west, borders.east, LONGITUDE_MAX),
            latitude: middle(borders.south, borders.north, LATITUDE_MAX),
        }
    }

    pub fn is_on_map(self) -> bool {
        self.longitude.abs() <= LONGITUDE_MAX && self.latitude.abs() <= LATITUDE_MAX
    }

    /// The geohash as others write it, for whom the map ends at the poles: eleven letters, of which
    /// the last has no bits any more.
    pub fn text(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let hash = Cell::within(self, STEPS_MAX, POLE).hash();
        std::array::from_fn(|at| match at {
            10 => LETTERS[0],
            _ => LETTERS[(hash >> (52 - (at + 1) * 5)) as usize % 32],
        })
    }
}

/// Puts a 0 before each bit.
fn spread(bits: u32) -> u64 {
    let halves = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555_u64),
    ];
    halves.iter().fold(u64::from(bits), |bits, (shift, mask)| {
        (bits | bits << shift) & mask
    })
}

/// Every other bit, from the lowest on.
fn gather(bits: u64) -> u32 {
    let halves = [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff_u64),
    ];
    let every_other = bits & 0x5555_5555_5555_5555;
    let gathered = halves.iter().fold(every_other, |bits, (shift, mask)| {
        (bits | bits >> shift) & mask
    });
    gathered as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_spread_and_gathered() {
        for bits in [0, 1, 2, 0x5555_5555, 0xdead_beef, u32::MAX] {
            assert_eq!(gather(spread(bits)), bits);
            assert_eq!(gather(spread(bits) << 1), 0);
        }
        assert_eq!(spread(0b1011), 0b100_0101);
    }

    #[test]
    fn a_place_has_a_score_and_a_text() {
        let palermo = Place {
            longitude: 13.361389,
            latitude: 38.115556,
        };
        assert_eq!(palermo.score(), 3479099956230698.0);
        assert_eq!(&Place::of_score(palermo.score()).text(), b"sqc8b49rny0");
    }

    #[test]
    fn a_cell_has_its_place_within_its_borders() {
        let mut random = stdx::prng::Prng::new(1);
        for _ in 0..1000 {
            let mut coordinate =
                |max: f64| (random.below(1 << 40) as f64 / 2f64.powi(39) - 1.0) * max;
            let place = Place {
                longitude: coordinate(LONGITUDE_MAX),
                latitude: coordinate(LATITUDE_MAX),
            };
            for steps in 1..=STEPS_MAX {
                let cell = Cell::of(place, steps);
                let Borders {
                    west,
                    east,
                    south,
                    north,
                } = cell.borders();
                assert!((west..=east).contains(&place.longitude));
                assert!((south..=north).contains(&place.latitude));
                assert!(cell.scores().contains(&place.score()));
                assert_eq!(cell.moved(1, -1).moved(-1, 1), cell);
            }
        }
    }
}
