//! What a client may call itself.

use engine::Error;

/// The name, if it can stand in a line of `CLIENT LIST`: printable ASCII without blanks.
pub(crate) fn valid(name: &[u8]) -> Result<&str, Error> {
    let text = std::str::from_utf8(name).ok();
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or(Error::text(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ))
}
