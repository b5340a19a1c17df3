//! The bar that a terminal shows while data is loaded.

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::Journal;

/// Between two looks at how far the load is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const FORM: &str = "Loading {bar:40} {percent}%  {bytes}/{total_bytes}  {bytes_per_sec}  \
                    {msg}, {eta} left";

/// Shows how far the load is until it is over, if somebody watches.
pub fn watch_load(engine: &Arc<Engine>, journal: &Arc<Journal>) {
    if journal.is_watched() {
        let (engine, journal) = (Arc::clone(engine), Arc::clone(journal));
        tokio::spawn(async move { show_load(&engine, &journal).await });
    }
}

async fn show_load(engine: &Engine, journal: &Journal) {
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
