//! The snapshot that a server sends to whoever says `SYNC`.

use crate::{Connection, Error};

/// How long the mark is that ends a snapshot of unknown length.
pub const MARK_BYTES: usize = 40;

/// How much snapshot follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Bytes(u64),
    /// As much as there is before this mark.
    Mark(Vec<u8>),
}

/// Reads the line that announces the snapshot. Empty lines before it say that it is being made.
/// Any other line is what the server says instead.
pub async fn announced(connection: &mut Connection) -> Result<Result<Payload, String>, Error> {
    let line = loop {
        let line = line(connection).await?;
        if !line.is_empty() {
            break line;
        }
    };
    let text = String::from_utf8_lossy(&line).into_owned();
    if let Some(mark) = line.strip_prefix(b"$EOF:") {
        return Ok(match mark.len() {
            MARK_BYTES => Ok(Payload::Mark(mark.to_vec())),
            _ => Err(text),
        });
    }
    let bytes = text.strip_prefix('$').and_then(|bytes| bytes.parse().ok());
    Ok(bytes.map(Payload::Bytes).ok_or(text))
}

/// The next line, without its end.
pub async fn line(connection: &mut Connection) -> Result<Vec<u8>, Error> {
    loop {
        let unread = connection.unread();
        if let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
            let line = unread[..end].to_vec();
            connection.consume(end + 1);
            return Ok(line.strip_suffix(b"\r").unwrap_or(&line).to_vec());
        }
        connection.fill().await?;
    }
}

/// Hands the snapshot over in pieces, and returns its length.
pub async fn receive<E: From<Error>>(
    connection: &mut Connection,
    payload: &Payload,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut received = 0u64;
    loop {
        let unread = connection.unread();
        // The mark's bytes may be the last that have come so far.
        let (ready, ends) = match payload {
            Payload::Bytes(bytes) => {
                let missing = bytes - received;
                let ready = usize::try_from(missing)
                    .unwrap_or(usize::MAX)
                    .min(unread.len());
                (ready, ready as u64 == missing)
            }
            Payload::Mark(mark) => match unread.ends_with(mark) {
                true => (unread.len() - MARK_BYTES, true),
                false => (unread.len().saturating_sub(MARK_BYTES), false),
            },
        };
        take(&unread[..ready])?;
        received += ready as u64;
        connection.consume(ready);
        if ends {
            if let Payload::Mark(_) = payload {
                connection.consume(MARK_BYTES);
            }
            return Ok(received);
        }
        connection.fill().await?;
    }
}
