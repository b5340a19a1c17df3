//! `redis-check-rdb`: whether a snapshot can be loaded, and if not, where it breaks.
//!
//! The file is read in blocks and every value is decoded as for loading, so what passes here loads.
//! The lines are those of the original: scripts look for them.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use datatypes::packed::HashSeed;
use persistence::Limits;
use persistence::rdb::{self, Error, Item, Phase, Reason, Record, ScanOptions, Scanner, Sum, kind};

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 1 << 20;

pub fn main(args: &[Vec<u8>]) -> ExitCode {
    let [path] = args else {
        eprintln!("Usage: {} <rdb-file-name>", called(args.len()));
        return ExitCode::FAILURE;
    };
    if matches!(path.as_slice(), b"-v" | b"--version") {
        println!("redis-check-rdb 7.0.15");
        return ExitCode::SUCCESS;
    }
    let mut output = io::BufWriter::new(io::stdout().lock());
    let is_right = check(path, &mut output);
    // Whoever closed the output does not read what is left of it.
    drop(output.flush());
    match is_right {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// As what this program was called, which has so many arguments.
pub fn called(args: usize) -> String {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words[..words.len().saturating_sub(args)].join(" ")
}

/// Writes what is found out about a file. Returns whether it can be loaded.
fn check(path: &[u8], output: &mut impl Write) -> io::Result<bool> {
    begin(path, output)?;
    match File::open(OsStr::from_bytes(path)) {
        Ok(mut file) => Ok(go_through(&mut file, output)?.is_some()),
        Err(_) => Ok(false),
    }
}

/// Writes what is found out about the snapshot that a file begins with. Returns how long it is, if
/// it can be loaded.
pub fn check_beginning(
    file: &mut impl Read,
    name: &[u8],
    output: &mut impl Write,
) -> io::Result<Option<u64>> {
    begin(name, output)?;
    go_through(file, output)
}

fn begin(name: &[u8], output: &mut impl Write) -> io::Result<()> {
    output.write_all(b"[offset 0] Checking RDB file ")?;
    output.write_all(name)?;
    output.write_all(b"\n")
}

fn go_through(file: &mut impl Read, output: &mut impl Write) -> io::Result<Option<u64>> {
    let mut check = Check::new(output);
    let broken = check.run(file)?;
    if let Some(error) = &broken {
        check.report(error)?;
    }
    check.totals()?;
    Ok(broken.is_none().then(|| check.scanner.offset()))
}

/// A check on its way.
struct Check<'a, W> {
    output: &'a mut W,
    scanner: Scanner,
    limits: Limits,
    now: i64,
    counts: Counts,
    /// The type and the key that are being read. Before the first key the type is 0.
    kind: Option<u8>,
    key: Option<Vec<u8>>,
}

#[derive(Default)]
struct Counts {
    keys: u64,
    expiring: u64,
    expired: u64,
    /// Keys whose types are known but cannot be held.
    passed: u64,
}

/// The outcome of a step: nothing, what is wrong with the file, or that nobody reads the output.
type Checked = io::Result<Result<(), Error>>;

impl<'a, W: Write> Check<'a, W> {
    fn new(output: &'a mut W) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Check {
            output,
            scanner: Scanner::new(ScanOptions {
                verify: true,
                pass_unsupported: true,
            }),
            limits: Limits::with_seed(HashSeed(RandomState::new().build_hasher().finish())),
            now: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            counts: Counts::default(),
            kind: Some(kind::STRING),
            key: None,
        }
    }

    /// Goes through the file. Returns what is wrong with it.
    fn run(&mut self, file: &mut impl Read) -> io::Result<Option<Error>> {
        let mut buffer = Vec::new();
        loop {
            let is_at_end = !read_block(file, &mut buffer);
            loop {
                match self.scanner.next(&buffer) {
                    Err(error) => return Ok(Some(self.interrupted(error, &buffer))),
                    Ok(None) => break,
                    Ok(Some(Item::End(sum))) => {
                        self.end(sum)?;
                        return Ok(None);
                    }
                    Ok(Some(item)) => {
                        if let Err(error) = self.item(&item, &buffer)? {
                            return Ok(Some(error));
                        }
                    }
                }
            }
            if is_at_end {
                let end = self.scanner.finish(&buffer).err();
                return Ok(end.map(|error| self.interrupted(error, &buffer)));
            }
            buffer.drain(..self.scanner.take_consumed());
        }
    }

    fn item(&mut self, item: &Item, buffer: &[u8]) -> Checked {
        match item {
            Item::Record(record) => return Ok(self.record(record, buffer)),
            Item::Aux { name, value } => {
                self.line(&[b"AUX FIELD ", c_text(name), b" = '", c_text(value), b"'"])?;
            }
            Item::Select(db) => {
                self.line(&[format!("Selecting DB ID {db}").as_bytes()])?;
            }
            Item::ModuleAux(name) => {
                self.line(&[b"MODULE AUX for: ", name.as_bytes()])?;
            }
            Item::Sizes { .. } | Item::Function(_) | Item::End(_) => {}
        }
        Ok(Ok(()))
    }

    fn record(&mut self, record: &Record, buffer: &[u8]) -> Result<(), Error> {
        let (key, value) = (&buffer[record.key()], &buffer[record.value()]);
        self.kind = Some(record.kind);
        let name = rdb::string(key).map_err(|error| Error {
            phase: Phase::Key,
            ..error.moved(record.offset - key.len() as u64)
        })?;
        self.counts.keys += 1;
        if kind::is_supported(record.kind) {
            let value = rdb::decode(record.kind, value, &self.limits);
            if let Err(error) = value {
                self.key = Some(name.into_bytes().into_owned());
                return Err(error.moved(record.offset));
            }
        } else {
            self.counts.passed += 1;
        }
        if let Some(expiry) = record.expiry {
            self.counts.expiring += 1;
            self.counts.expired += u64::from(expiry < self.now);
        }
        self.kind = None;
        Ok(())
    }

    /// Takes over what was being read when the scanner could not go on.
    fn interrupted(&mut self, error: Error, buffer: &[u8]) -> Error {
        if let Some((kind, key)) = self.scanner.unfinished() {
            self.kind = Some(kind);
            self.counts.keys += u64::from(key.is_some());
            let key = key.and_then(|key| rdb::string(&buffer[key]).ok());
            self.key = key.map(|key| key.into_bytes().into_owned());
        }
        error
    }

    fn end(&mut self, sum: Sum) -> io::Result<()> {
        match sum {
            Sum::Right => self.line(&[b"Checksum OK"])?,
            Sum::Missing if self.scanner.version() >= rdb::VERSION_SUMMED => {
                self.line(&[b"RDB file was saved with checksum disabled: no check performed."])?;
            }
            Sum::Missing | Sum::Unverified => {}
        }
        self.line(&[br"\o/ RDB looks OK! \o/"])
    }

    /// A line that begins with how far the file was read.
    fn line(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        write!(self.output, "[offset {}] ", self.scanner.offset())?;
        parts
            .iter()
            .try_for_each(|part| self.output.write_all(part))?;
        self.output.write_all(b"\n")
    }

    fn report(&mut self, error: &Error) -> io::Result<()> {
        writeln!(self.output, "--- RDB ERROR DETECTED ---")?;
        write!(self.output, "[offset {}] ", error.offset)?;
        match (&error.reason, error.phase) {
            (Reason::Truncated, Phase::Functions) => {
                let reason = "Failed loading library, Failed loading library payload";
                writeln!(self.output, "{reason}")?;
            }
            // The original reads on where there is nothing.
            (Reason::Empty, _) => writeln!(self.output, "{}", Reason::Truncated)?,
            (reason, _) => writeln!(self.output, "{reason}")?,
        }
        writeln!(
            self.output,
            "[additional info] While doing: {}",
            error.phase
        )?;
        if let Some(key) = &self.key {
            self.output.write_all(b"[additional info] Reading key '")?;
            self.output.write_all(c_text(key))?;
            self.output.write_all(b"'\n")?;
        }
        if let Some(kind) = self.kind {
            let name = kind::name(kind);
            writeln!(
                self.output,
                "[additional info] Reading type {kind} ({name})"
            )?;
        }
        Ok(())
    }

    fn totals(&mut self) -> io::Result<()> {
        let counts = &self.counts;
        writeln!(self.output, "[info] {} keys read", counts.keys)?;
        writeln!(self.output, "[info] {} expires", counts.expiring)?;
        writeln!(self.output, "[info] {} already expired", counts.expired)?;
        if counts.passed > 0 {
            writeln!(
                self.output,
                "[info] {} of types that ochre cannot load",
                counts.passed
            )?;
        }
        Ok(())
    }
}

/// Appends a block. Returns whether there was one; a file that cannot be read ends there.
fn read_block(file: &mut impl Read, buffer: &mut Vec<u8>) -> bool {
    let start = buffer.len();
    buffer.resize(start + BLOCK_BYTES, 0);
    let read = loop {
        match file.read(&mut buffer[start..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.unwrap_or(0),
        }
    };
    buffer.truncate(start + read);
    read > 0
}

/// What a program in C prints of these bytes.
fn c_text(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}
