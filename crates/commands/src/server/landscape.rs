//! Hills of ochre, one range behind the other: what `LOLWUT` draws.

use stdx::prng::Prng;

const WIDTH: usize = 64;
const HEIGHT: usize = 14;

/// The ranges, the farthest first: the height it keeps to, how steep it may be, how it is drawn.
const RANGES: [(i64, u64, char); 3] = [(10, 3, '.'), (6, 2, ':'), (3, 1, '#')];

/// Draws a landscape, each line ended by a line feed.
pub(super) fn draw(prng: &mut Prng) -> String {
    let mut picture = vec![vec![' '; WIDTH]; HEIGHT];
    let sun = prng.below(WIDTH as u64) as usize;
    picture[0][sun] = 'o';
    for (level, steepness, mark) in RANGES {
        let heights = heights(prng, level, steepness);
        for (row, line) in picture.iter_mut().rev().enumerate() {
            for (cell, height) in line.iter_mut().zip(&heights) {
                *cell = if row < *height { mark } else { *cell };
            }
        }
    }
    let lines = picture
        .iter()
        .map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n");
    lines.collect()
}

fn heights(prng: &mut Prng, level: i64, steepness: u64) -> Vec<usize> {
    let mut height = level;
    let mut next = || {
        height += prng.below(2 * steepness + 1) as i64 - steepness as i64;
        // A range that has strayed far from its level is drawn back to it.
        height -= (height - level) / 3;
        height.clamp(1, HEIGHT as i64 - 1) as usize
    };
    (0..WIDTH).map(|_| next()).collect()
}
