//! `--top`: a screen of live figures.

mod figures;
mod screen;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use resp::value::Value;

use crate::info::Info;
use crate::program::fail;
use crate::session::Session;
use figures::Figures;

/// Between two looks at the keyboard.
const GLANCE: Duration = Duration::from_millis(50);

/// How many entries of the slow log are asked for.
const SLOW_ENTRIES: &str = "10";

/// Shows figures until `q` is pressed.
pub async fn run(session: &mut Session) -> ExitCode {
    let interval = session.options.interval.unwrap_or(Duration::from_secs(1));
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    let mut terminal = match ratatui::try_init() {
        Ok(terminal) => terminal,
        Err(error) => return fail(&format!("ochre: there is no terminal to draw on: {error}")),
    };
    let mut figures = Figures::new(session.address.to_string(), session.style.colours);
    let ended = loop {
        if let Err(message) = sample(session, &mut figures).await {
            figures.trouble = Some(message);
        }
        let drawn = terminal.draw(|frame| screen::draw(frame, &figures));
        if let Err(error) = drawn {
            break Err(error);
        }
        match wait(interval) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    ratatui::restore();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("ochre: cannot draw: {error}")),
    }
}

/// Waits for the next picture, which comes at once when the screen changes its size. Says whether
/// to go on.
fn wait(interval: Duration) -> std::io::Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < interval {
        if !event::poll(GLANCE.min(interval))? {
            continue;
        }
        match event::read()? {
            Event::Resize(..) => return Ok(true),
            Event::Key(key) => match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(false);
                }
                _ => {}
            },
            _ => {}
        }
    }
    Ok(true)
}

/// Asks the server for everything on the screen.
async fn sample(session: &mut Session, figures: &mut Figures) -> Result<(), String> {
    let begun = Instant::now();
    ask(session, &["PING"]).await?;
    let latency = begun.elapsed();
    let (Value::Bulk(text) | Value::Verbatim(_, text)) = ask(session, &["INFO"]).await? else {
        return Err("INFO is no text".to_owned());
    };
    let info = Info::new(&text);
    figures.trouble = None;
    figures.note(&info, latency, Instant::now());
    // These may be forbidden to this user, and are left out then.
    if let Ok(Value::Bulk(text) | Value::Verbatim(_, text)) =
        ask(session, &["CLIENT", "LIST"]).await
    {
        figures.clients = figures::clients(&text);
    }
    if let Ok(Value::Array(entries)) = ask(session, &["SLOWLOG", "GET", SLOW_ENTRIES]).await {
        figures.slow = figures::slow_log(&entries);
    }
    if info.number("cluster_enabled") == 1
        && let Ok(Value::Array(ranges)) = ask(session, &["CLUSTER", "SLOTS"]).await
    {
        figures.slots = figures::slots(&ranges);
    }
    Ok(())
}

async fn ask(session: &mut Session, words: &[&str]) -> Result<Value, String> {
    match session.ask(words).await {
        Ok(Value::Error(text)) => Err(String::from_utf8_lossy(&text).into_owned()),
        Ok(reply) => Ok(reply),
        Err(error) => Err(error.to_string()),
    }
}
