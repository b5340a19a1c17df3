//! The bar that a terminal shows while data is loaded.

use std::time::Duration;

use engine::Engine;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::Journal;

/// Between two looks at how far the load is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const FORM: &str = "Loading {bar:40} {percent}%  {bytes}/{total_bytes}  {bytes_per_sec}  \
                    {msg}, {eta} left";

/// Shows how far the load is until it is over, if somebody watches.
pub async fn watch_load(engine: &Engine, journal: &Journal) {
    if !journal.is_watched() {
        return;
    }
    let style = ProgressStyle::with_template(FORM).expect("the form is well-formed");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    bar.set_style(style);
    journal.set_bar(Some(bar.clone()));
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !engine.persistence.is_loading() {
            break;
        }
        let figures = engine.persistence.load.figures();
        bar.set_length(figures.bytes_total);
        bar.set_position(figures.bytes);
        bar.set_message(format!("{} keys", figures.keys));
    }
    bar.finish_and_clear();
    journal.set_bar(None);
}
