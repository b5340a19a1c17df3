//! Subscribed: messages come until a key is pressed.

use std::time::Duration;

use crate::session::Session;
use crate::terminal::{Raw, has_key};

/// Between two looks at the keyboard: shorter than anybody notices.
const GLANCE: Duration = Duration::from_millis(20);

const NOTICE: &[u8] =
    b"\x1b[1;90mReading messages... (press Ctrl-C to quit or any key to type command)\x1b[0m\r";
const NOTICE_PLAIN: &[u8] =
    b"Reading messages... (press Ctrl-C to quit or any key to type command)\r";
const ERASE: &[u8] = b"\r\x1b[K";

/// What ended the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    Key,
    Interrupted,
}

/// Shows messages until a key is pressed, which is left to be read.
pub async fn wait(session: &mut Session) -> Waited {
    let Ok(raw) = Raw::keys() else {
        return Waited::Key;
    };
    let notice = match session.style.colours {
        true => NOTICE,
        false => NOTICE_PLAIN,
    };
    let waited = loop {
        session.emit(notice);
        let message = tokio::select! {
            message = session.message() => message,
            () = key() => break Waited::Key,
            _ = tokio::signal::ctrl_c() => break Waited::Interrupted,
        };
        session.emit(ERASE);
        match message {
            Ok(message) => session.show_message(&[], message),
            Err(error) => {
                eprintln!("Error: {error}");
                session.disconnect();
                break Waited::Key;
            }
        }
    };
    drop(raw);
    session.emit(ERASE);
    waited
}

/// Waits for a key.
async fn key() {
    while !has_key() {
        tokio::time::sleep(GLANCE).await;
    }
}
