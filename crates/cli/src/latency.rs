//! How long a round trip takes: `--latency`, `--latency-history`, `--latency-dist`; and how long
//! the machine itself interrupts a program: `--intrinsic-latency`.

mod spectrum;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::output::Format;
use crate::program::fail;
use crate::session::Session;

pub use spectrum::run as distribution;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);

/// How long is measured without a terminal, and for one line of the history.
const ONCE: Duration = Duration::from_secs(1);
const RANGE: Duration = Duration::from_secs(15);

/// What was measured, in whole milliseconds as the line shows them.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    min: u64,
    max: u64,
    total: u64,
    count: u64,
}

impl Figures {
    fn note(&mut self, took: u64) {
        self.min = if self.count == 0 {
            took
        } else {
            self.min.min(took)
        };
        self.max = self.max.max(took);
        self.total += took;
        self.count += 1;
    }

    fn line(&self, format: Format) -> String {
        let Figures {
            min, max, count, ..
        } = self;
        let average = self.total as f64 / self.count.max(1) as f64;
        match format {
            Format::Standard => {
                format!("min: {min}, max: {max}, avg: {average:.2} ({count} samples)")
            }
            Format::Raw => format!("{min} {max} {average:.2} {count}\n"),
            Format::Csv => format!("{min},{max},{average:.2},{count}\n"),
            Format::Json | Format::QuotedJson => format!(
                "{{\"min\": {min}, \"max\": {max}, \"avg\": {average:.2}, \"count\": {count}}}\n"
            ),
        }
    }
}

/// Asks over and over, and shows the figures. `history`: a line for every range of time.
pub async fn measure(session: &mut Session, history: bool) -> ExitCode {
    let format = session.style.format;
    let live = format == Format::Standard;
    let range = session.options.interval.unwrap_or(match (live, history) {
        (true, _) | (false, true) => RANGE,
        (false, false) => ONCE,
    });
    let mut figures = Figures::default();
    let mut since = Instant::now();
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    loop {
        let took = round_trip(session).await;
        figures.note((took.as_micros() / 1000) as u64);
        if live {
            session.emit(format!("\x1b[0G\x1b[2K{}", figures.line(format)).as_bytes());
        }
        let passed = since.elapsed();
        if passed >= range && (history || !live) {
            let text = match live {
                true => format!(" -- {:.2} seconds range\n", passed.as_secs_f64()),
                false => figures.line(format),
            };
            session.emit(text.as_bytes());
            if !history {
                return ExitCode::SUCCESS;
            }
            (figures, since) = (Figures::default(), Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks, and asks again once the server is back if it has gone.
async fn round_trip(session: &mut Session) -> Duration {
    loop {
        let begun = Instant::now();
        if session.ask(&["PING"]).await.is_ok() {
            return begun.elapsed();
        }
        reconnect(session).await;
    }
}

/// Tries until the server is there again.
pub async fn reconnect(session: &mut Session) {
    for attempt in 1.. {
        session.emit(format!("\r\x1b[0KReconnecting... {attempt}\r").as_bytes());
        tokio::time::sleep(Duration::from_secs(1)).await;
        if session.connect().await.is_ok() {
            session.emit(b"\r\x1b[0K");
            return;
        }
    }
}

/// Keeps one core busy, and looks for gaps in its own time.
pub fn intrinsic(session: &Session, length: Duration) -> ExitCode {
    let begun = Instant::now();
    let (mut runs, mut worst, mut last) = (0u64, Duration::ZERO, begun);
    while last.duration_since(begun) < length {
        let now = Instant::now();
        let gap = now - last;
        if gap > worst {
            worst = gap;
            let micros = gap.as_micros();
            if micros > 0 {
                session.emit(format!("Max latency so far: {micros} microseconds.\n").as_bytes());
            }
        }
        last = now;
        runs += 1;
    }
    let nanos = begun.elapsed().as_nanos() as f64 / runs.max(1) as f64;
    let times = worst.as_nanos() as f64 / nanos;
    let text = format!(
        "\n{runs} total runs (avg latency: {:.4} microseconds / {nanos:.2} nanoseconds per run).\n\
         Worst run took {times:.0}x longer than the average latency.\n",
        nanos / 1000.0
    );
    session.emit(text.as_bytes());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_in_every_format() {
        let mut figures = Figures::default();
        [2, 0, 1, 1].into_iter().for_each(|took| figures.note(took));
        let line = |format| figures.line(format);
        assert_eq!(
            line(Format::Standard),
            "min: 0, max: 2, avg: 1.00 (4 samples)"
        );
        assert_eq!(line(Format::Raw), "0 2 1.00 4\n");
        assert_eq!(line(Format::Csv), "0,2,1.00,4\n");
        let json = "{\"min\": 0, \"max\": 2, \"avg\": 1.00, \"count\": 4}\n";
        assert_eq!(line(Format::Json), json);
    }
}
