//! `redis-check-aof`: finds out how far the files of an append-only file are sane, and cuts off
//! what is not.
//!
//! Texts and exit codes are those of Redis 7.0.15. A file is read once, in pieces, and opened for
//! writing only to be cut off.
//!
//! Beyond the original, `--rebuild-manifest FILE.manifest` makes a manifest that was lost.
//!
//! One thing is otherwise on purpose: the original takes any file for a manifest that has a line
//! beginning with `file` somewhere, data included. Here the first line decides.

mod manifest;
mod records;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::check_rdb;
use persistence::aof::Manifest;
use persistence::aof::reader::SNAPSHOT_MAGIC;
use records::{Defect, Next, Records, leading_number};

const USAGE: &str = "[--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>";

/// A snapshot is at least so long.
const SNAPSHOT_BYTES_MIN: u64 = 8;

/// Of a manifest that is looked at to tell that it is one, per line.
const LINE_BYTES_MAX: u64 = 1024;

/// Of a manifest that is read. One that lists a thousand files has a hundredth of this.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// The system's number for what a folder is when it should be a file.
const IS_A_DIRECTORY: i32 = 21;

/// What the tool was asked to do.
struct Wish {
    fix: bool,
    /// Cut off what happened after this second.
    until: Option<i64>,
    /// Make the manifest anew, of the files that lie beside it.
    rebuild: bool,
    path: PathBuf,
}

/// The tool ends with an error, which it has told.
struct Failed;

type Outcome<T> = Result<T, Failed>;

/// Tells the user something.
macro_rules! say {
    ($out:expr, $($part:expr),+) => {{
        $(say_bytes($out, $part.as_ref());)+
        say_bytes($out, b"\n");
    }};
}

use say;

/// Whoever does not listen any longer need not be told.
fn say_bytes(out: &mut dyn Write, bytes: &[u8]) {
    drop(out.write_all(bytes));
}

pub fn main(args: &[Vec<u8>]) -> ExitCode {
    let mut out = io::stdout().lock();
    let done = wish(args, &mut out).and_then(|wish| check(&wish, &mut out));
    drop(out.flush());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed) => ExitCode::FAILURE,
    }
}

fn wish(args: &[Vec<u8>], out: &mut dyn Write) -> Outcome<Wish> {
    let words: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
    let (fix, until, rebuild, path) = match words[..] {
        [path] => (false, None, false, path),
        [b"--fix", path] => (true, None, false, path),
        [b"--rebuild-manifest", path] => (false, None, true, path),
        [b"--truncate-to-timestamp", text, path] => match timestamp(text) {
            Some(0) => (false, None, false, path),
            Some(seconds) => (false, Some(seconds), false, path),
            None => {
                say!(out, "Invalid timestamp, aborting...");
                return Err(Failed);
            }
        },
        _ => {
            let called = check_rdb::called(args.len());
            say!(out, "Usage: ", called, " ", USAGE);
            return Err(Failed);
        }
    };
    Ok(Wish {
        fix,
        until,
        rebuild,
        path: PathBuf::from(OsStr::from_bytes(path)),
    })
}

fn timestamp(text: &[u8]) -> Option<i64> {
    let (seconds, rest) = leading_number(text);
    (rest.is_empty() && !matches!(seconds, i64::MIN | i64::MAX)).then_some(seconds)
}

fn check(wish: &Wish, out: &mut dyn Write) -> Outcome<()> {
    if wish.rebuild {
        manifest::rebuild(&wish.path, out)?;
    }
    let mut checker = Checker { wish, line: 1, out };
    let has_snapshot = checker.has_snapshot(&wish.path)?;
    if !has_snapshot && checker.is_manifest(&wish.path)? {
        return checker.check_manifest();
    }
    say!(checker.out, "Start checking Old-Style AOF");
    let part = Part {
        name: bytes(&wish.path).to_vec(),
        path: wish.path.clone(),
        is_last: true,
    };
    let verdict = checker.check_file(&part, has_snapshot)?;
    checker.tell(&part, "AOF ", verdict);
    Ok(())
}

/// A file of the set.
struct Part {
    /// What the user is told it is called.
    name: Vec<u8>,
    path: PathBuf,
    /// Only the last file may be cut off: what follows builds on what is before.
    is_last: bool,
}

/// What became of a file.
#[derive(Clone, Copy)]
enum Verdict {
    Valid,
    Empty,
    /// It was valid, and nothing in it happened later.
    NothingLater,
    CutOff,
    CutOffLater,
}

struct Checker<'a> {
    wish: &'a Wish,
    /// Counts over all files.
    line: u64,
    out: &'a mut dyn Write,
}

impl Checker<'_> {
    fn check_manifest(&mut self) -> Outcome<()> {
        say!(self.out, "Start checking Multi Part AOF");
        let path = &self.wish.path;
        let mut text = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text));
        read.map_err(|_| self.cannot_read(path))?;
        let manifest = Manifest::parse(&text).map_err(|malformed| {
            for line in malformed.report() {
                server::warn(&(line + "\n"));
            }
            Failed
        })?;
        let folder = folder_of(path);
        let mut left = manifest.parts().count();
        let mut part_of = |name: &str| {
            left -= 1;
            Part {
                name: name.as_bytes().to_vec(),
                path: folder.join(name),
                is_last: left == 0,
            }
        };
        if let Some(base) = manifest.base() {
            let part = part_of(&base.name);
            let has_snapshot = self.has_snapshot(&part.path)?;
            let form = if has_snapshot { "RDB" } else { "RESP" };
            say!(self.out, "Start to check BASE AOF (", form, " format).");
            let verdict = self.check_file(&part, has_snapshot)?;
            self.tell(&part, "BASE AOF ", verdict);
        }
        if !manifest.increments().is_empty() {
            say!(self.out, "Start to check INCR files.");
        }
        for increment in manifest.increments() {
            let part = part_of(&increment.name);
            let verdict = self.check_file(&part, false)?;
            self.tell(&part, "INCR AOF ", verdict);
        }
        say!(self.out, "All AOF files and manifest are valid");
        Ok(())
    }

    fn tell(&mut self, part: &Part, kind: &str, verdict: Verdict) {
        let name = &part.name;
        let until = self.wish.until.unwrap_or_default().to_string();
        match verdict {
            Verdict::Valid => say!(self.out, kind, name, " is valid"),
            Verdict::Empty => say!(self.out, kind, name, " is empty"),
            Verdict::NothingLater => {
                say!(
                    self.out,
                    "Truncate nothing in AOF ",
                    name,
                    " to timestamp ",
                    until
                );
                say!(self.out, kind, name, " is valid");
            }
            Verdict::CutOff => say!(self.out, "Successfully truncated AOF ", name),
            Verdict::CutOffLater => {
                say!(
                    self.out,
                    "Successfully truncated AOF ",
                    name,
                    " to timestamp ",
                    until
                );
            }
        }
    }

    /// Whether a file begins with a snapshot.
    fn has_snapshot(&mut self, path: &Path) -> Outcome<bool> {
        let file = File::open(path).map_err(|error| self.cannot("open", path, &error, ""))?;
        let about = file.metadata();
        let about = about.map_err(|error| self.cannot("stat", path, &error, ""))?;
        if about.len() < SNAPSHOT_BYTES_MIN {
            return Ok(false);
        }
        let mut head = Vec::new();
        let read = file
            .take(SNAPSHOT_MAGIC.len() as u64)
            .read_to_end(&mut head);
        // What cannot be read is told when it is read as something else.
        Ok(read.is_ok() && head == SNAPSHOT_MAGIC)
    }

    /// Whether a file lists others: its first line does that is no comment and not empty.
    fn is_manifest(&mut self, path: &Path) -> Outcome<bool> {
        let file = File::open(path).map_err(|error| self.cannot("open", path, &error, ""))?;
        let mut input = BufReader::new(file);
        let mut is_comment = false;
        loop {
            let mut piece = Vec::new();
            let read = (&mut input)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut piece);
            read.map_err(|_| self.cannot_read(path))?;
            if piece.is_empty() {
                return Ok(false);
            }
            let text = piece.trim_ascii();
            is_comment |= piece.starts_with(b"#");
            if !is_comment && !text.is_empty() {
                let word = text.get(..4).unwrap_or_default();
                return Ok(word.eq_ignore_ascii_case(b"file"));
            }
            is_comment &= !piece.ends_with(b"\n");
        }
    }

    /// Checks one file, and cuts it off if that is wanted.
    fn check_file(&mut self, part: &Part, has_snapshot: bool) -> Outcome<Verdict> {
        let path = &part.path;
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let opened = opened.and_then(|(about, file)| match about.is_dir() {
            true => Err(io::Error::from_raw_os_error(IS_A_DIRECTORY)),
            false => Ok((about.len(), file)),
        });
        let (size, mut file) =
            opened.map_err(|error| self.cannot("open", path, &error, ", aborting..."))?;
        if size == 0 {
            return Ok(Verdict::Empty);
        }
        let at = match has_snapshot {
            true => self.check_snapshot(&mut file, part)?,
            false => 0,
        };
        let mut records = Records::new(BufReader::new(file), at, self.line);
        let cut_off = self.read_records(&mut records, part)?;
        self.line = records.line();
        if cut_off {
            return Ok(Verdict::CutOffLater);
        }
        let valid = records.valid();
        let excess = size.saturating_sub(valid);
        if excess == 0 && self.wish.until.is_some() {
            return Ok(Verdict::NothingLater);
        }
        let figures = format!(
            ", size={size}, ok_up_to={valid}, ok_up_to_line={}, diff={excess}",
            self.line
        );
        say!(self.out, "AOF analyzed: filename=", part.name, figures);
        match excess {
            0 => Ok(Verdict::Valid),
            _ => self.mend(part, size, valid).map(|()| Verdict::CutOff),
        }
    }

    /// Checks the snapshot that a file begins with, and returns where the records begin.
    fn check_snapshot(&mut self, file: &mut File, part: &Part) -> Outcome<u64> {
        let checked = check_rdb::check_beginning(file, &part.name, &mut self.out);
        let Ok(Some(len)) = checked else {
            let verdict = "RDB preamble of AOF file is not sane, aborting.";
            say!(self.out, verdict);
            return Err(Failed);
        };
        let verdict = "RDB preamble is OK, proceeding with AOF tail...";
        say!(self.out, verdict);
        let found = file.seek(SeekFrom::Start(len));
        found.map_err(|_| self.cannot_read(&part.path))
    }

    /// Reads to the end or the first defect. Whether the file was cut off because what follows
    /// happened too late.
    fn read_records(&mut self, records: &mut Records<impl BufRead>, part: &Part) -> Outcome<bool> {
        loop {
            let next = records.next(&part.name);
            match next.map_err(|_| self.cannot_read(&part.path))? {
                Next::Record => {}
                Next::End => return Ok(false),
                Next::Timestamp { at, seconds } => {
                    if self.cut_off_later(part, at, seconds)? {
                        return Ok(true);
                    }
                }
                Next::Defect(defect) => {
                    match defect {
                        Defect::Silent => {}
                        Defect::NoRecord => say!(self.out, "AOF ", part.name, " format error"),
                        Defect::At(offset, words) => {
                            say!(self.out, format!("0x{offset:16x}: "), words);
                        }
                    }
                    return Ok(false);
                }
            }
        }
    }

    /// Cuts a file off at a timestamp that is too late. Whether it was.
    fn cut_off_later(&mut self, part: &Part, at: u64, seconds: Option<i64>) -> Outcome<bool> {
        let Some(until) = self.wish.until else {
            return Ok(false);
        };
        let Some(seconds) = seconds else {
            say!(self.out, "Invalid timestamp annotation");
            return Err(Failed);
        };
        if seconds <= until {
            return Ok(false);
        }
        let path = bytes(&part.path);
        if at == 0 {
            let what = format!(" has nothing before timestamp {until}, aborting...");
            say!(self.out, "AOF ", path, what);
            return Err(Failed);
        }
        if !part.is_last {
            let what = format!(
                " to timestamp {until} to offset {at} because it is not the last file.\n\
                 If you insist, please delete all files after this file according to the manifest \
                 file and delete the corresponding records in manifest file manually. Then re-run \
                 redis-check-aof."
            );
            say!(self.out, "Failed to truncate AOF ", path, what);
            return Err(Failed);
        }
        if truncate(&part.path, at).is_err() {
            let what = format!(" to timestamp {until}");
            say!(self.out, "Failed to truncate AOF ", part.name, what);
            return Err(Failed);
        }
        Ok(true)
    }

    /// Cuts a file off behind what is sane of it, if that is wanted.
    fn mend(&mut self, part: &Part, size: u64, valid: u64) -> Outcome<()> {
        let name = &part.name;
        if !self.wish.fix {
            let advice = " is not valid. Use the --fix option to try fixing it.";
            say!(self.out, "AOF ", name, advice);
            return Err(Failed);
        }
        if !part.is_last {
            let reason = " because it is not the last file";
            say!(self.out, "Failed to truncate AOF ", name, reason);
            return Err(Failed);
        }
        let figures = format!(
            " from {size} bytes, with {} bytes, to {valid} bytes",
            size - valid
        );
        say!(self.out, "This will shrink the AOF ", name, figures);
        say_bytes(self.out, b"Continue? [y/N]: ");
        drop(self.out.flush());
        let mut answer = [0];
        if io::stdin().read(&mut answer).is_err() || !answer.eq_ignore_ascii_case(b"y") {
            say!(self.out, "Aborting...");
            return Err(Failed);
        }
        truncate(&part.path, valid).map_err(|_| {
            say!(self.out, "Failed to truncate AOF ", name);
            Failed
        })
    }

    fn cannot(&mut self, what: &str, path: &Path, error: &io::Error, end: &str) -> Failed {
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        say!(
            self.out,
            "Cannot ",
            what,
            " file ",
            bytes(path),
            ": ",
            words,
            end
        );
        Failed
    }

    fn cannot_read(&mut self, path: &Path) -> Failed {
        say!(self.out, "Cannot read file: ", bytes(path));
        Failed
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        None => Path::new("/"),
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Leaves the first `size` bytes of a file.
fn truncate(path: &Path, size: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(size)?;
    file.sync_all()
}
