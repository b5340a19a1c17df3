//! One option and its value.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use client::{Address, Uri};

use super::{
    DATA_BYTES_MAX, Format, Mode, Options, PRECISION, PRECISION_MAX, THREADS_MAX, UsageError,
};

const KEEPALIVE_WARNING: &str = "WARNING: Keepalive disabled. You probably need \
'echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse' for Linux and \
'sudo sysctl -w net.inet.tcp.msl=1000' for Mac OS X in order to use a lot of clients/requests";
const ERRORS_WARNING: &str = "WARNING: -e option has no effect. \
We now immediately exit on error to avoid false results.";
const THREADS_WARNING: &str = "WARNING: Too many threads, limiting threads to 500.";

/// Reads `word` and the values `behind` it, and returns how many those are.
pub fn read(options: &mut Options, word: &[u8], behind: &[Vec<u8>]) -> Result<usize, UsageError> {
    if switch(options, word) {
        return Ok(0);
    }
    let invalid = || UsageError::Invalid(word.to_vec());
    if word == b"--compare" {
        let [one, other, ..] = behind else {
            return Err(invalid());
        };
        options.compare = Some([address(one)?, address(other)?]);
        return Ok(2);
    }
    let value = behind.first().ok_or_else(invalid)?;
    if connecting(options, word, value)?
        || encrypting(options, word, value)
        || loading(options, word, value)
        || pacing(options, word, value)?
    {
        return Ok(1);
    }
    Err(invalid())
}

/// Options without a value.
fn switch(options: &mut Options, word: &[u8]) -> bool {
    match word {
        b"-3" => options.resp3 = true,
        b"-q" if options.format == Format::Report => options.format = Format::Quiet,
        b"-q" => {}
        b"--csv" => options.format = Format::Csv,
        b"--json" => options.format = Format::Json,
        b"-l" => options.endless = true,
        b"-I" => options.idle = true,
        b"-x" => options.stdin = true,
        b"-e" => options.warnings.push(ERRORS_WARNING),
        b"--cluster" => options.cluster = true,
        b"--enable-tracking" => options.tracking = true,
        b"--cpu" => options.cpu = true,
        b"--tls" => options.tls = true,
        b"--insecure" => options.tls_settings.insecure = true,
        b"--help" => options.mode = Mode::Help,
        b"-v" | b"--version" => options.mode = Mode::Version,
        _ => return false,
    }
    true
}

fn connecting(options: &mut Options, word: &[u8], value: &[u8]) -> Result<bool, UsageError> {
    match word {
        b"-h" => options.host = text(value),
        b"-p" => options.port = u16::try_from(integer(value)).unwrap_or(0),
        b"-s" => options.socket = Some(path(value)),
        b"-a" => options.password = Some(value.to_vec()),
        b"--user" => options.user = Some(value.to_vec()),
        b"-u" => uri(options, value)?,
        b"--dbnum" => options.db = u32::try_from(integer(value)).unwrap_or(0),
        _ => return Ok(false),
    }
    Ok(true)
}

fn uri(options: &mut Options, value: &[u8]) -> Result<(), UsageError> {
    let uri = Uri::parse(&text(value)).map_err(UsageError::Uri)?;
    options.tls |= uri.tls;
    options.user = uri.user.or(options.user.take());
    options.password = uri.password.or(options.password.take());
    options.host = uri.host.unwrap_or(std::mem::take(&mut options.host));
    options.port = uri.port.unwrap_or(options.port);
    options.db = uri.db.unwrap_or(options.db);
    Ok(())
}

fn encrypting(options: &mut Options, word: &[u8], value: &[u8]) -> bool {
    let tls = &mut options.tls_settings;
    match word {
        b"--sni" => tls.server_name = Some(text(value)),
        b"--cacert" => tls.authorities = Some(path(value)),
        b"--cacertdir" => tls.authorities_folder = Some(path(value)),
        b"--cert" => tls.certificate = Some(path(value)),
        b"--key" => tls.key = Some(path(value)),
        b"--tls-ciphers" => tls.ciphers = list(value),
        b"--tls-ciphersuites" => tls.suites = list(value),
        _ => return false,
    }
    true
}

/// What is sent, how much of it, and by how many.
fn loading(options: &mut Options, word: &[u8], value: &[u8]) -> bool {
    let number = integer(value);
    let count = u64::try_from(number).unwrap_or(0);
    let size = usize::try_from(count).unwrap_or(usize::MAX);
    match word {
        b"-c" => options.clients = size.max(1),
        b"-n" => options.requests = count.max(1),
        b"-d" => options.data_bytes = size.clamp(1, DATA_BYTES_MAX),
        b"-k" => {
            options.keep_alive = number != 0;
            if number == 0 {
                options.warnings.push(KEEPALIVE_WARNING);
            }
        }
        b"-r" => options.keyspace = Some(count.max(1)),
        b"-P" => options.pipeline = size.max(1),
        b"-t" => {
            let names = text(value).to_ascii_lowercase();
            options.tests = Some(names.split(',').map(str::to_owned).collect());
        }
        b"--threads" => {
            if size > THREADS_MAX {
                options.warnings.push(THREADS_WARNING);
            }
            options.threads = (size > 0).then_some(size.min(THREADS_MAX));
        }
        b"--precision" => {
            let digits = u8::try_from(number.min(PRECISION_MAX.into())).unwrap_or(PRECISION);
            options.precision = digits.max(1);
        }
        b"--seed" => options.seed = Some(count),
        _ => return false,
    }
    true
}

/// What the original does not know: nobody depends on how a wrong number is taken.
fn pacing(options: &mut Options, word: &[u8], value: &[u8]) -> Result<bool, UsageError> {
    let number = text(value).parse::<f64>().ok();
    match word {
        b"--warmup" => {
            let length = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            options.warmup = length.ok_or(UsageError::Number("--warmup"))?;
        }
        b"--rate" => {
            let rate = number.filter(|rate| (0.001..=1e9).contains(rate));
            options.rate = Some(rate.ok_or(UsageError::Number("--rate"))?);
        }
        b"--rounds" => {
            let rounds = text(value).parse().ok();
            let rounds = rounds.filter(|rounds| (1..=1000).contains(rounds));
            options.rounds = rounds.ok_or(UsageError::Number("--rounds"))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn address(value: &[u8]) -> Result<Address, UsageError> {
    let text = text(value);
    let split = text.rsplit_once(':');
    let split = split.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = split.filter(|(host, _)| !host.is_empty()) else {
        return Err(UsageError::Address(text));
    };
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    Ok(Address::Tcp { host, port })
}

fn list(value: &[u8]) -> Vec<String> {
    text(value).split(':').map(str::to_owned).collect()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn path(value: &[u8]) -> PathBuf {
    OsString::from_vec(value.to_vec()).into()
}

/// The integer that a word begins with; none is 0.
fn integer(word: &[u8]) -> i64 {
    let word = word.trim_ascii_start();
    let sign = usize::from(matches!(word.first(), Some(b'-' | b'+')));
    let digits = word[sign..].iter().take_while(|byte| byte.is_ascii_digit());
    let end = sign + digits.count();
    let number = std::str::from_utf8(&word[..end]).unwrap_or_default();
    number.parse().unwrap_or(0)
}
