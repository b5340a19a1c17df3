//! One option and its values.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use client::{Family, Uri};
use resp::Protocol;
use stdx::text::split_words;

use super::{Debugger, Mode, Options, Stdin, UsageError};
use crate::output::Format;

/// Reads `word` and the values `behind` it, and returns how many those are.
pub fn read(options: &mut Options, word: &[u8], behind: &[Vec<u8>]) -> Result<usize, UsageError> {
    if word == b"-h" && behind.is_empty() {
        options.mode = Mode::Help;
        return Ok(0);
    }
    if switch(options, word)? || mode_switch(options, word) {
        return Ok(0);
    }
    let unrecognized = || UsageError::Unrecognized(word.to_vec());
    let value = behind.first().ok_or_else(unrecognized)?;
    if connecting(options, word, value)?
        || rendering(options, word, value)?
        || encrypting(options, word, value)
        || walking(options, word, value)?
        || mode_with_value(options, word, value)
    {
        return Ok(1);
    }
    Err(unrecognized())
}

/// Options without a value.
fn switch(options: &mut Options, word: &[u8]) -> Result<bool, UsageError> {
    match word {
        b"-x" if options.stdin != Stdin::Unused => return Err(UsageError::Exclusive("-x", "-X")),
        b"-x" => options.stdin = Stdin::LastArgument,
        b"-c" => options.cluster = true,
        b"-e" => options.error_code = true,
        b"-2" => protocol(options, Protocol::Resp2)?,
        b"-3" => protocol(options, Protocol::Resp3)?,
        b"-4" => options.family = Family::V4,
        b"-6" => options.family = Family::V6,
        b"--raw" => options.format = Some(Format::Raw),
        b"--no-raw" => options.format = Some(Format::Standard),
        b"--csv" => options.format = Some(Format::Csv),
        b"--json" => options.format = Some(Format::Json),
        b"--quoted-json" => options.format = Some(Format::QuotedJson),
        b"--quoted-input" => options.quoted_input = true,
        b"--no-auth-warning" => options.auth_warning = false,
        b"--askpass" => options.askpass = true,
        b"--verbose" => options.verbose = true,
        b"--mono" => options.monochrome = true,
        b"--ldb" => options.debugger = Some(Debugger::Forked),
        b"--ldb-sync-mode" => options.debugger = Some(Debugger::Synchronous),
        b"--tls" => options.tls = true,
        b"--insecure" => options.tls_settings.insecure = true,
        _ => return Ok(false),
    }
    Ok(true)
}

fn protocol(options: &mut Options, version: Protocol) -> Result<(), UsageError> {
    if options.protocol.is_some_and(|chosen| chosen != version) {
        return Err(UsageError::Exclusive("-2", "-3"));
    }
    options.protocol = Some(version);
    Ok(())
}

/// What a program does comes last, but help, whatever is said besides.
fn mode_switch(options: &mut Options, word: &[u8]) -> bool {
    options.mode = match word {
        b"--help" => Mode::Help,
        b"-v" | b"--version" => Mode::Version,
        b"--latency" => Mode::Latency,
        b"--latency-history" => Mode::LatencyHistory,
        b"--latency-dist" => Mode::LatencyDistribution,
        b"--stat" => Mode::Stat,
        b"--scan" => Mode::Scan,
        b"--bigkeys" => Mode::BigKeys,
        b"--memkeys" => Mode::MemoryKeys,
        b"--hotkeys" => Mode::HotKeys,
        b"--replica" | b"--slave" => Mode::Replica,
        b"--pipe" => Mode::Pipe,
        b"--top" => Mode::Top,
        _ => return false,
    };
    true
}

fn connecting(options: &mut Options, word: &[u8], value: &[u8]) -> Result<bool, UsageError> {
    match word {
        b"-h" => options.host = text(value),
        b"-p" => options.port = text(value).parse().map_err(|_| UsageError::Port)?,
        b"-s" => options.socket = Some(path(value)),
        b"-t" => {
            let seconds: f64 = text(value).parse().map_err(|_| UsageError::Patience)?;
            let patience = Duration::try_from_secs_f64(seconds);
            let patience = patience.map_err(|_| UsageError::Patience)?;
            options.patience = (!patience.is_zero()).then_some(patience);
        }
        b"-a" | b"--pass" => {
            options.password = Some(value.to_vec());
            options.password_shown = true;
        }
        b"--user" => options.user = Some(value.to_vec()),
        b"-u" => uri(options, value)?,
        b"-n" => options.db = u32::try_from(leading_integer(value)).unwrap_or(0),
        _ => return Ok(false),
    }
    Ok(true)
}

fn uri(options: &mut Options, value: &[u8]) -> Result<(), UsageError> {
    let uri = Uri::parse(&text(value)).map_err(UsageError::Uri)?;
    options.tls |= uri.tls;
    options.user = uri.user.or(options.user.take());
    if uri.password.is_some() {
        options.password = uri.password;
        options.password_shown = true;
    }
    options.host = uri.host.unwrap_or(std::mem::take(&mut options.host));
    options.port = uri.port.unwrap_or(options.port);
    options.db = uri.db.unwrap_or(options.db);
    Ok(())
}

fn rendering(options: &mut Options, word: &[u8], value: &[u8]) -> Result<bool, UsageError> {
    match word {
        b"-r" => options.repeat = u64::try_from(leading_integer(value)).ok(),
        b"-i" => {
            let seconds: f64 = leading_number(value);
            let interval = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            options.interval = (!interval.is_zero()).then_some(interval);
        }
        b"-X" if options.stdin != Stdin::Unused => return Err(UsageError::Exclusive("-x", "-X")),
        b"-X" => options.stdin = Stdin::Tag(value.to_vec()),
        b"-d" => options.element_delimiter = value.to_vec(),
        b"-D" => options.reply_delimiter = value.to_vec(),
        b"--show-pushes" => match value.first().map(u8::to_ascii_lowercase) {
            Some(b'y') => options.show_pushes = Some(true),
            Some(b'n') => options.show_pushes = Some(false),
            _ => eprintln!(
                "Unknown --show-pushes value '{}' (valid: '[y]es', '[n]o')",
                text(value)
            ),
        },
        _ => return Ok(false),
    }
    Ok(true)
}

fn encrypting(options: &mut Options, word: &[u8], value: &[u8]) -> bool {
    let tls = &mut options.tls_settings;
    let list = || text(value).split(':').map(str::to_owned).collect();
    match word {
        b"--sni" => tls.server_name = Some(text(value)),
        b"--cacert" => tls.authorities = Some(path(value)),
        b"--cacertdir" => tls.authorities_folder = Some(path(value)),
        b"--cert" => tls.certificate = Some(path(value)),
        b"--key" => tls.key = Some(path(value)),
        b"--tls-ciphers" => tls.ciphers = list(),
        b"--tls-ciphersuites" => tls.suites = list(),
        _ => return false,
    }
    true
}

fn walking(options: &mut Options, word: &[u8], value: &[u8]) -> Result<bool, UsageError> {
    let number = || u64::try_from(leading_integer(value)).unwrap_or(0);
    match word {
        b"--pattern" => options.keys.pattern = Some(value.to_vec()),
        b"--quoted-pattern" => {
            let mut words = split_words(value).map_err(|_| UsageError::QuotedPattern)?;
            match (words.pop(), words.is_empty()) {
                (Some(only), true) => options.keys.pattern = Some(only),
                _ => return Err(UsageError::QuotedPattern),
            }
        }
        b"--count" => options.keys.count = Some(number()),
        b"--memkeys-samples" => {
            options.mode = Mode::MemoryKeys;
            options.keys.memory_samples = Some(number());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn mode_with_value(options: &mut Options, word: &[u8], value: &[u8]) -> bool {
    let number = u64::try_from(leading_integer(value)).unwrap_or(0);
    options.mode = match word {
        b"--eval" => Mode::Eval(path(value)),
        b"--rdb" | b"--functions-rdb" => Mode::Rdb {
            file: path(value),
            functions_only: word == b"--functions-rdb",
        },
        b"--lru-test" => Mode::LruTest(number),
        b"--intrinsic-latency" => Mode::IntrinsicLatency(Duration::from_secs(number)),
        b"--pipe-timeout" => {
            options.pipe_timeout = (number > 0).then(|| Duration::from_secs(number));
            return true;
        }
        b"--test_hint" => Mode::TestHint(value.to_vec()),
        b"--test_hint_file" => Mode::TestHintFile(path(value)),
        _ => return false,
    };
    true
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn path(value: &[u8]) -> PathBuf {
    OsString::from_vec(value.to_vec()).into()
}

/// The integer that a word begins with; none is 0.
pub fn leading_integer(word: &[u8]) -> i64 {
    let word = word.trim_ascii_start();
    let sign = usize::from(matches!(word.first(), Some(b'-' | b'+')));
    let digits = word[sign..].iter().take_while(|byte| byte.is_ascii_digit());
    let end = sign + digits.count();
    let number = std::str::from_utf8(&word[..end]).unwrap_or_default();
    number.parse().unwrap_or(0)
}

/// The number that a word begins with; none is 0.
fn leading_number(word: &[u8]) -> f64 {
    let text = text(word);
    let ends = (0..=text.len())
        .rev()
        .filter(|&end| text.is_char_boundary(end));
    let numbers = ends.filter_map(|end| text[..end].trim_start().parse().ok());
    numbers.into_iter().next().unwrap_or(0.0)
}
