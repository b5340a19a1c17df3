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

/// Every `{` opens a known variable; the title may not come out empty.
pub(crate) fn title_template(text: &[u8]) -> Checked {
    const VARIABLES: [&[u8]; 7] = [
        b"title",
        b"listen-addr",
        b"server-mode",
        b"port",
        b"tls-port",
        b"unixsocket",
        b"config-file",
    ];
    let mut pieces = text.split(|&byte| byte == b'{');
    pieces.next();
    let known = |piece: &[u8]| {
        let end = piece.iter().position(|&byte| byte == b'}');
        end.is_some_and(|end| VARIABLES.contains(&&piece[..end]))
    };
    match !text.is_empty() && pieces.all(known) {
        true => Ok(()),
        false => Err("template format is invalid or contains unknown variables"),
    }
}
