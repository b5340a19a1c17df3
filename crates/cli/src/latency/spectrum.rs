//! `--latency-dist`: a line for every second, a cell for every length of time, its colour the share
//! of round trips that took so long.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::{PAUSE, round_trip};
use crate::program::fail;
use crate::session::Session;

/// Lines between two legends.
const LINES_PER_LEGEND: usize = 20;

/// The longest time of each cell, in microseconds, and its sign.
const CELLS: &[(u64, char)] = &[
    (10, '.'),
    (125, '-'),
    (250, '*'),
    (500, '#'),
    (1_000, '1'),
    (2_000, '2'),
    (3_000, '3'),
    (4_000, '4'),
    (5_000, '5'),
    (6_000, '6'),
    (7_000, '7'),
    (8_000, '8'),
    (9_000, '9'),
    (10_000, 'A'),
    (20_000, 'B'),
    (30_000, 'C'),
    (40_000, 'D'),
    (50_000, 'E'),
    (100_000, 'F'),
    (200_000, 'G'),
    (300_000, 'H'),
    (400_000, 'I'),
    (500_000, 'J'),
    (1_000_000, 'K'),
    (2_000_000, 'L'),
    (4_000_000, 'M'),
    (8_000_000, 'N'),
    (16_000_000, 'O'),
    (30_000_000, 'P'),
    (60_000_000, 'Q'),
    (u64::MAX, '?'),
];

/// From nothing to everything, as colours of 256.
const COLOURS: &[u8] = &[
    0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196,
];
const GREYS: &[u8] = &[
    0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253,
];

pub async fn run(session: &mut Session) -> ExitCode {
    let palette = match session.options.monochrome {
        true => GREYS,
        false => COLOURS,
    };
    let range = session.options.interval.unwrap_or(Duration::from_secs(1));
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    for line in 0.. {
        let mut counts = [0; CELLS.len()];
        let begun = Instant::now();
        while begun.elapsed() < range {
            let took = round_trip(session).await.as_micros() as u64;
            counts[CELLS.partition_point(|(longest, _)| *longest < took)] += 1;
            tokio::time::sleep(PAUSE).await;
        }
        if line % LINES_PER_LEGEND == 0 {
            session.emit(legend(palette).as_bytes());
        }
        session.emit(spectrum(&counts, palette).as_bytes());
    }
    ExitCode::SUCCESS
}

fn legend(palette: &[u8]) -> String {
    let rule = "-".repeat(45);
    let swatches: String = palette
        .iter()
        .map(|colour| format!("\x1b[48;5;{colour}m "))
        .collect();
    format!(
        "{rule}\n\
         . - * #          .01 .125 .25 .5 milliseconds\n\
         1,2,3,...,9      from 1 to 9     milliseconds\n\
         A,B,C,D,E        10,20,30,40,50  milliseconds\n\
         F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n\
         K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds\n\
         From 0 to 100%: {swatches}\x1b[0m\n\
         {rule}\n"
    )
}

fn spectrum(counts: &[u64], palette: &[u8]) -> String {
    let total: u64 = counts.iter().sum();
    let mut text = "\x1b[38;5;0m".to_owned();
    for (count, (_, sign)) in counts.iter().zip(CELLS) {
        let share = *count as f64 / total.max(1) as f64;
        let place = (share * (palette.len() - 1) as f64).ceil() as usize;
        text += &format!("\x1b[48;5;{}m{sign}", palette[place]);
    }
    text + "\x1b[0m\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_colours() {
        let mut counts = [0; CELLS.len()];
        (counts[1], counts[2]) = (94, 6);
        let text = spectrum(&counts, COLOURS);
        let start = "\x1b[38;5;0m\x1b[48;5;0m.\x1b[48;5;202m-\x1b[48;5;234m*\x1b[48;5;0m#";
        assert!(text.starts_with(start) && text.ends_with("\x1b[48;5;0m?\x1b[0m\n"));
        assert!(legend(COLOURS).contains("From 0 to 100%: \x1b[48;5;0m \x1b[48;5;233m "));
    }
}
