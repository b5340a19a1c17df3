//! Conditions on texts that their type alone does not state.

type Checked = Result<(), &'static str>;

fn has_slash(text: &[u8]) -> bool {
    text.contains(&b'/')
}

/// A snapshot must not leave `dir`, or CONFIG SET could write anywhere.
pub(crate) fn dump_name(text: &[u8]) -> Checked {
    match has_slash(text) {
        true => Err("dbfilename can't be a path, just a filename"),
        false => Ok(()),
    }
}

pub(crate) fn append_name(text: &[u8]) -> Checked {
    match text {
        b"" => Err("appendfilename can't be empty"),
        _ if has_slash(text) => Err("appendfilename can't be a path, just a filename"),
        _ => Ok(()),
    }
}

pub(crate) fn append_directory(text: &[u8]) -> Checked {
    match text {
        b"" => Err("appenddirname can't be empty"),
        _ if has_slash(text) => Err("appenddirname can't be a path, just a dirname"),
        _ => Ok(()),
    }
}

pub(crate) fn host_name(text: &[u8]) -> Checked {
    const LEN_MAX: usize = 255;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    match text.iter().all(allowed) {
        _ if text.len() > LEN_MAX => Err("Hostnames must be less than 256 characters"),
        false => Err("Hostnames may only contain alphanumeric characters, hyphens or dots"),
        true => Ok(()),
    }
}

/// Every `{` opens a known variable, and the title may not come out blank. What may be blank on
/// some node does not count.
pub(crate) fn title_template(text: &[u8]) -> Checked {
    const REFUSED: Checked = Err("template format is invalid or contains unknown variables");
    let mut pieces = text.split(|&byte| byte == b'{');
    let mut shown = !pieces.next().unwrap_or_default().trim_ascii().is_empty();
    for piece in pieces {
        let Some(end) = piece.iter().position(|&byte| byte == b'}') else {
            return REFUSED;
        };
        shown |= match &piece[..end] {
            b"listen-addr" | b"port" | b"tls-port" | b"config-file" => true,
            b"title" | b"server-mode" | b"unixsocket" => false,
            _ => return REFUSED,
        };
        shown |= !piece[end + 1..].trim_ascii().is_empty();
    }
    if shown { Ok(()) } else { REFUSED }
}
