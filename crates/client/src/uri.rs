//! `redis://user:password@host:port/db`, one line for everything a connection needs.

use std::fmt;

/// The parts that a URI names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// `rediss://`.
    pub tls: bool,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub db: Option<u32>,
}

/// Why a URI is none, in the words that operators know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriError {
    Character,
    Incomplete,
    Port,
    Scheme,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UriError::Character => "Illegal character in URI encoding",
            UriError::Incomplete => "Incomplete URI encoding",
            UriError::Port => "Invalid server port.",
            UriError::Scheme => "Invalid URI scheme",
        })
    }
}

impl std::error::Error for UriError {}

impl Uri {
    pub fn parse(text: &str) -> Result<Uri, UriError> {
        let scheme_is = |scheme: &str| {
            let start = text.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let (tls, rest) = match () {
            () if scheme_is("redis://") => (false, &text["redis://".len()..]),
            () if scheme_is("rediss://") => (true, &text["rediss://".len()..]),
            () => return Err(UriError::Scheme),
        };
        let mut uri = Uri {
            tls,
            ..Uri::default()
        };
        let (rest, path) = match rest.split_once('/') {
            Some((rest, path)) => (rest, Some(path)),
            None => (rest, None),
        };
        let place = match rest.split_once('@') {
            Some((credentials, place)) => {
                uri.credentials(credentials)?;
                place
            }
            None => rest,
        };
        uri.place(place)?;
        // Like an option's value, what is no number is the first db.
        uri.db = path
            .filter(|path| !path.is_empty())
            .map(|path| path.parse().unwrap_or(0));
        Ok(uri)
    }

    /// `user:password`, or a password alone.
    fn credentials(&mut self, text: &str) -> Result<(), UriError> {
        match text.split_once(':') {
            Some((user, password)) => {
                let user = decode(user)?;
                self.user = (!user.is_empty()).then_some(user);
                self.password = Some(decode(password)?);
            }
            None => self.password = Some(decode(text)?),
        }
        Ok(())
    }

    fn place(&mut self, text: &str) -> Result<(), UriError> {
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        self.host = (!host.is_empty()).then(|| host.to_owned());
        self.port = match port {
            Some(port) => Some(port.parse().map_err(|_| UriError::Port)?),
            None => None,
        };
        Ok(())
    }
}

/// Resolves `%41`.
fn decode(text: &str) -> Result<Vec<u8>, UriError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let [high, low, behind @ ..] = rest else {
            return Err(UriError::Incomplete);
        };
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(UriError::Character);
        decoded.push((digit(*high)? << 4 | digit(*low)?) as u8);
        rest = behind;
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_part_may_be_missing() {
        let full = Uri {
            tls: true,
            user: Some(b"us er".to_vec()),
            password: Some(b"p@ss".to_vec()),
            host: Some("::1".to_owned()),
            port: Some(7000),
            db: Some(3),
        };
        assert_eq!(Uri::parse("rediss://us%20er:p%40ss@[::1]:7000/3"), Ok(full));
        assert_eq!(Uri::parse("redis://"), Ok(Uri::default()));
        let password = Uri {
            password: Some(b"secret".to_vec()),
            host: Some("h".to_owned()),
            ..Uri::default()
        };
        assert_eq!(Uri::parse("REDIS://secret@h/"), Ok(password.clone()));
        assert_eq!(Uri::parse("redis://:secret@h"), Ok(password));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("http://h", UriError::Scheme),
            ("redis:/h", UriError::Scheme),
            ("redis://%zz@h", UriError::Character),
            ("redis://%z@h", UriError::Incomplete),
            ("redis://h:x", UriError::Port),
        ] {
            assert_eq!(Uri::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(redis://)?\\PC{0,40}") {
            drop(Uri::parse(&text));
        }
    }
}
