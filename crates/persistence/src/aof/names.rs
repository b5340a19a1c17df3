//! The names of the files, as operators know them.

/// What a base is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `aof-use-rdb-preamble yes`: a snapshot.
    Rdb,
    /// `aof-use-rdb-preamble no`: commands.
    Commands,
}

impl Format {
    fn suffix(self) -> &'static str {
        match self {
            Format::Rdb => ".base.rdb",
            Format::Commands => ".base.aof",
        }
    }
}

const INCREMENT_SUFFIX: &str = ".incr.aof";

/// The names that `appenddirname` and `appendfilename` lead to. Whatever is a path, is one from
/// the node's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    folder: String,
    file: String,
}

impl Names {
    /// `folder` is `appenddirname`, `file` is `appendfilename`.
    pub fn new(folder: impl Into<String>, file: impl Into<String>) -> Names {
        Names {
            folder: folder.into(),
            file: file.into(),
        }
    }

    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The name of the append-only file as a whole. A single file of this name, in the node's own
    /// folder, is what older versions wrote.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where a file lies that is listed as `name`.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    pub fn manifest(&self) -> String {
        format!("{}.manifest", self.file)
    }

    /// What the server that uses the files holds locked, in their folder.
    pub fn lock(&self) -> String {
        format!("{}.lock", self.file)
    }

    /// What a manifest is called until it is whole.
    pub fn temporary_manifest(&self) -> String {
        format!("temp-{}.manifest", self.file)
    }

    pub fn base(&self, sequence: i64, format: Format) -> String {
        format!("{}.{sequence}{}", self.file, format.suffix())
    }

    pub fn increment(&self, sequence: i64) -> String {
        format!("{}.{sequence}{INCREMENT_SUFFIX}", self.file)
    }

    /// What an increment is called before there is a base it belongs to: after the log was
    /// switched on, until its first rewrite is done.
    pub fn temporary_increment(&self) -> String {
        format!("temp-{}.incr", self.file)
    }

    /// Whether `name` is one that a base or an increment gets.
    pub(super) fn is_data(&self, name: &str) -> bool {
        name != self.file && self.part(name).is_some()
    }

    /// What a file called `name` is, and its number. The single file of an older version is a base.
    pub(super) fn part(&self, name: &str) -> Option<(Kind, i64)> {
        let rest = name.strip_prefix(self.file.as_str())?;
        if rest.is_empty() {
            return Some((Kind::Base, 1));
        }
        let rest = rest.strip_prefix('.')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, suffix) = rest.split_at(digits);
        let is_base = [Format::Rdb, Format::Commands].map(Format::suffix);
        let kind = match suffix {
            INCREMENT_SUFFIX => Kind::Increment,
            _ if is_base.contains(&suffix) => Kind::Base,
            _ => return None,
        };
        Some((kind, number.parse().ok()?))
    }
}

/// What a file of data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Base,
    Increment,
}

/// Whether a file listed as `name` is an increment; anything else is a base.
pub(super) fn is_increment(name: &str) -> bool {
    name.ends_with(INCREMENT_SUFFIX)
}

/// What a rewrite writes its base to, in the node's own folder.
pub fn temporary_base(process: u32) -> String {
    format!("temp-rewriteaof-bg-{process}.aof")
}

/// What a save writes its snapshot to, in the node's own folder.
pub fn temporary_snapshot(process: u32) -> String {
    format!("temp-{process}.rdb")
}

/// Whether `name`, in the node's own folder, is of a rewrite or a save that never ended.
pub fn is_temporary(name: &str) -> bool {
    let of_rewrite = || {
        let rest = name.strip_prefix("temp-rewriteaof-")?;
        rest.strip_prefix("bg-")
            .unwrap_or(rest)
            .strip_suffix(".aof")
    };
    let of_save = || name.strip_prefix("temp-")?.strip_suffix(".rdb");
    of_rewrite().or_else(of_save).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_are_known_by_their_names() {
        for name in [
            "temp-1.rdb",
            "temp-rewriteaof-12.aof",
            "temp-rewriteaof-bg-3.aof",
        ] {
            assert!(is_temporary(name), "{name}");
        }
        assert!(is_temporary(&temporary_base(77)));
        assert!(is_temporary(&temporary_snapshot(77)));
        for name in [
            "temp-.rdb",
            "temp-x.rdb",
            "temp-1.rdb.old",
            "dump.rdb",
            "temp-rewriteaof-.aof",
        ] {
            assert!(!is_temporary(name), "{name}");
        }
    }

    #[test]
    fn data_files_are_known_by_their_names() {
        let names = Names::new("appendonlydir", "a.aof");
        for name in [
            names.base(1, Format::Rdb),
            names.base(20, Format::Commands),
            names.increment(3),
        ] {
            assert!(names.is_data(&name), "{name}");
        }
        for name in [
            "a.aof",
            "a.aof.manifest",
            "a.aof.x.incr.aof",
            "a.aof..incr.aof",
            "b.1.incr.aof",
        ] {
            assert!(!names.is_data(name), "{name}");
        }
        assert_eq!(
            names.path(&names.increment(3)),
            "appendonlydir/a.aof.3.incr.aof"
        );
    }
}
