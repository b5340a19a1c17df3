//! What stands before the cursor.

use client::Address;

use crate::session::Session;

/// A longer prompt is cut.
const BYTES_MAX: usize = 127;

/// `127.0.0.1:6379[2](TX)> `.
pub fn prompt(session: &Session) -> String {
    if !session.is_connected() {
        return "not connected> ".to_owned();
    }
    let mut text = match &session.address {
        Address::Unix(path) => format!("redis {}", path.display()),
        Address::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        Address::Tcp { host, port } => format!("{host}:{port}"),
    };
    // A name comes from whoever redirects.
    text.retain(|letter| !letter.is_control());
    if session.state.db != 0 {
        text += &format!("[{}]", session.state.db);
    }
    if session.state.in_transaction {
        text += "(TX)";
    }
    if session.state.subscribed {
        text += "(subscribed mode)";
    }
    text += "> ";
    let end = (0..=BYTES_MAX.min(text.len())).rfind(|&end| text.is_char_boundary(end));
    text.truncate(end.unwrap_or(0));
    text
}
