//! `check-aof`: what it says of sane and broken files, and what it leaves of them.
//!
//! Where Redis 7.0 is installed, its own tool is run on the same files.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use persistence::aof::annotation;
use stdx::prng::Prng;

use crate::process::{Folder, OCHRE};

/// A file, by its name.
type File<'a> = (&'a str, &'a [u8]);

const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// What a run of the tool came to.
#[derive(Debug, PartialEq, Eq)]
struct Checked {
    code: Option<i32>,
    output: String,
    /// What the files hold then.
    files: Vec<Vec<u8>>,
}

/// Runs the tool on the first of the files.
fn check(tool: &Path, files: &[File<'_>], options: &[&str], answer: &str) -> Checked {
    let folder = Folder::new();
    for (name, bytes) in files {
        fs::write(folder.path(name), bytes).unwrap();
    }
    let mut child = Command::new(tool)
        .arg0("redis-check-aof")
        .args(options)
        .arg(files[0].0)
        .current_dir(folder.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A tool that asks nothing may have ended before it is answered.
    drop(child.stdin.take().unwrap().write_all(answer.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stderr, b"");
    Checked {
        code: output.status.code(),
        output: without_times(&String::from_utf8_lossy(&output.stdout)),
        files: files
            .iter()
            .map(|(name, _)| fs::read(folder.path(name)).unwrap())
            .collect(),
    }
}

/// The output without what log lines begin with: process, role and time.
fn without_times(output: &str) -> String {
    let lines = output.split_inclusive('\n').map(|line| {
        let is_logged = line.split_once(":C ").is_some_and(|(process, _)| {
            !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
        });
        match line.split_once(" # ") {
            Some((_, text)) if is_logged => text,
            _ => line,
        }
    });
    lines.collect()
}

fn ours(files: &[File<'_>], options: &[&str], answer: &str) -> Checked {
    check(Path::new(OCHRE), files, options, answer)
}

/// The tool of Redis 7.0, if it is installed.
fn original() -> Option<PathBuf> {
    let version = Command::new("redis-server").arg("--version").output();
    let version = String::from_utf8(version.ok()?.stdout).ok()?;
    let paths = std::env::var_os("PATH")?;
    let paths = std::env::split_paths(&paths).map(|folder| folder.join("redis-check-aof"));
    version.contains("v=7.0.").then_some(())?;
    paths.into_iter().find(|path| path.is_file())
}

/// Compares with what was recorded, and with the original if it is there.
#[track_caller]
fn says(files: &[File<'_>], options: &[&str], answer: &str, code: i32, lines: &[&str]) -> Checked {
    let checked = ours(files, options, answer);
    let expected: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(
        (checked.output.as_str(), checked.code),
        (expected.as_str(), Some(code))
    );
    if let Some(original) = original() {
        assert_eq!(checked, check(&original, files, options, answer));
    }
    checked
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn a_sane_file_is_valid() {
    let file = join(&[b"#TS:1\r\n", SET, MULTI, SET, EXEC]);
    says(
        &[("f.aof", &file)],
        &[],
        "",
        0,
        &[
            "Start checking Old-Style AOF",
            "AOF analyzed: filename=f.aof, size=90, ok_up_to=90, ok_up_to_line=21, diff=0",
            "AOF f.aof is valid",
        ],
    );
    let lines = ["Start checking Old-Style AOF", "AOF f.aof is empty"];
    says(&[("f.aof", b"")], &["--fix"], "y\n", 0, &lines);
}

/// The original has no such option.
#[test]
fn a_manifest_that_was_lost_is_made_of_the_files() {
    let folder = Folder::new();
    let rebuild = || {
        let output = Command::new(OCHRE)
            .args(["check-aof", "--rebuild-manifest", "a.aof.manifest"])
            .current_dir(folder.root())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (done, said) = rebuild();
    assert!(!done && said.contains("no base and no increment"), "{said}");
    fs::write(folder.path("a.aof.1.base.aof"), SET).unwrap();
    fs::write(folder.path("a.aof.1.incr.aof"), SET).unwrap();
    let text = "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    for broken in [None, Some("file a"), Some("")] {
        if let Some(broken) = broken {
            fs::write(folder.path("a.aof.manifest"), broken).unwrap();
        }
        let (done, said) = rebuild();
        assert!(done, "{said}");
        assert!(
            said.ends_with("All AOF files and manifest are valid\n"),
            "{said}"
        );
        assert_eq!(
            fs::read_to_string(folder.path("a.aof.manifest")).unwrap(),
            text
        );
        let kept = fs::read_to_string(folder.path("a.aof.manifest.broken")).ok();
        assert_eq!(kept.as_deref(), broken);
    }
    let (done, said) = rebuild();
    assert!(
        !done && said.contains("it is there, and can be read"),
        "{said}"
    );
    fs::remove_file(folder.path("a.aof.manifest")).unwrap();
    fs::write(folder.path("a.aof.2.base.rdb"), SET).unwrap();
    let (done, said) = rebuild();
    assert!(!done && said.contains("more than one base"), "{said}");
    assert!(!Path::new(&folder.path("a.aof.manifest")).exists());
}

/// Sums are Ochre's own: the original passes over them.
#[test]
fn what_is_not_as_it_was_written_is_found_and_cut_off() {
    let mut first = Vec::new();
    annotation::write_check(SET, &mut first);
    first.extend(SET);
    let mut second = Vec::new();
    annotation::write_check(&[SET, SET].concat(), &mut second);
    second.extend([SET, SET].concat());
    let whole = [&first[..], &second].concat();
    let checked = ours(&[("f.aof", &whole)], &[], "");
    assert!(
        checked.output.ends_with("AOF f.aof is valid\n"),
        "{}",
        checked.output
    );
    let mut flipped = whole.clone();
    let last = flipped.len() - 3;
    flipped[last] ^= 1;
    let torn = &whole[..whole.len() - SET.len()];
    for file in [&flipped[..], torn] {
        let checked = ours(&[("f.aof", file)], &["--fix"], "y\n");
        let place = format!("0x{:16x}: the bytes that follow are not", first.len());
        assert!(checked.output.contains(&place), "{}", checked.output);
        assert_eq!((checked.code, &checked.files[0]), (Some(0), &first));
    }
}

#[test]
fn defects_are_named() {
    let cases: [(&[u8], &str); 14] = [
        (
            b"*1\r\n$4\r\nPI",
            "0x              23: Expected to read 6 bytes, got 2 bytes",
        ),
        (
            b"*1\r\n$4\r\nPINGabc",
            "0x              23: Expected \\r\\n, got: 6162",
        ),
        (
            b"*1\r\n$4\r\nPING\xff\x80",
            "0x              23: Expected \\r\\n, got: ffffffffffffff80",
        ),
        (
            b"*1\r\n:4\r\n",
            "0x              1f: Expected prefix '$', got: ':'",
        ),
        (
            b"*1\r\n\0",
            "0x              1f: Expected prefix '$', got: '",
        ),
        (b"*x\r\n", "0x              1b: Expected \\r\\n, got: 780d"),
        (b"*1\n", "0x              1b: Expected \\r\\n, got: 0a00"),
        (b"*", "0x              1b: Expected \\r\\n, got: 000d"),
        (
            b"*1\r\n$-1\r\n",
            "0x              1f: Expected to read string of -1 bytes, \
             which is not in the suitable range",
        ),
        (
            b"*1\r\n$4\r\nEXEC\r\n",
            "0x              23: Unexpected EXEC in AOF f.aof",
        ),
        (
            b"*1\r\n$5\r\nmulti\r\n*1\r\n$5\r\nMulti\r\n",
            "0x              32: Unexpected MULTI in AOF f.aof",
        ),
        (
            b"*1\r\n$5\r\nmulti\r\n#x\r\n",
            "0x              2a: Reached EOF before reading EXEC for MULTI",
        ),
        (b"\0\0\0", "AOF f.aof format error"),
        (b"\r\n", "AOF f.aof format error"),
    ];
    for (tail, defect) in cases {
        let checked = ours(&[("f.aof", &join(&[SET, tail]))], &[], "");
        let lines: Vec<&str> = checked.output.lines().collect();
        assert_eq!(lines[1], defect);
        assert!(lines[2].contains(", ok_up_to=27, "), "{}", lines[2]);
        let advice = "AOF f.aof is not valid. Use the --fix option to try fixing it.";
        assert_eq!((lines[3], checked.code), (advice, Some(1)));
        assert_eq!(checked.files[0].len(), 27 + tail.len());
    }
}

#[test]
fn a_length_that_is_announced_takes_no_memory() {
    let checked = ours(&[("f.aof", b"*1\r\n$9223372036854775805\r\nabc")], &[], "");
    let words = "Expected to read 9223372036854775807 bytes, got 3 bytes";
    assert!(checked.output.contains(words), "{}", checked.output);
    assert_eq!(checked.code, Some(1));
}

#[test]
fn a_file_is_mended_if_its_owner_says_so() {
    let file = join(&[SET, MULTI, SET]);
    let head = [
        "Start checking Old-Style AOF",
        "0x              42: Reached EOF before reading EXEC for MULTI",
        "AOF analyzed: filename=f.aof, size=69, ok_up_to=27, ok_up_to_line=18, diff=42",
        "This will shrink the AOF f.aof from 69 bytes, with 42 bytes, to 27 bytes",
    ];
    for (answer, left, code, words) in [
        (
            "yes\n",
            SET,
            0,
            "Continue? [y/N]: Successfully truncated AOF f.aof",
        ),
        (
            "Y",
            SET,
            0,
            "Continue? [y/N]: Successfully truncated AOF f.aof",
        ),
        ("n\n", &file, 1, "Continue? [y/N]: Aborting..."),
        (" y\n", &file, 1, "Continue? [y/N]: Aborting..."),
        ("", &file, 1, "Continue? [y/N]: Aborting..."),
    ] {
        let lines = [&head[..], &[words]].concat();
        let checked = says(&[("f.aof", &file)], &["--fix"], answer, code, &lines);
        assert_eq!(checked.files, [left]);
    }
}

#[test]
fn a_file_is_taken_back_to_a_moment() {
    let file = join(&[b"#TS:10\r\n", SET, b"#TS:20\r\n", SET]);
    let start = "Start checking Old-Style AOF";
    for (until, size, code, lines) in [
        (
            "5",
            70,
            1,
            vec!["AOF f.aof has nothing before timestamp 5, aborting..."],
        ),
        (
            "10",
            35,
            0,
            vec!["Successfully truncated AOF f.aof to timestamp 10"],
        ),
        (
            "19",
            35,
            0,
            vec!["Successfully truncated AOF f.aof to timestamp 19"],
        ),
        (
            "20",
            70,
            0,
            vec![
                "Truncate nothing in AOF f.aof to timestamp 20",
                "AOF f.aof is valid",
            ],
        ),
    ] {
        let lines = [&[start][..], &lines].concat();
        let options = ["--truncate-to-timestamp", until];
        let checked = says(&[("f.aof", &file)], &options, "", code, &lines);
        assert_eq!(checked.files[0].len(), size);
    }
    let invalid = ["Invalid timestamp, aborting..."];
    says(
        &[("f.aof", &file)],
        &["--truncate-to-timestamp", "1x"],
        "",
        1,
        &invalid,
    );
}

const MANIFEST: &[u8] = b"# c\nfile a.1.base.aof seq 1 type b\n\
                          file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n";

fn set_of_files<'a>(first: &'a [u8], last: &'a [u8]) -> [File<'a>; 4] {
    [
        ("m", MANIFEST),
        ("a.1.base.aof", SET),
        ("a.1.incr.aof", first),
        ("a.2.incr.aof", last),
    ]
}

const HEAD: [&str; 5] = [
    "Start checking Multi Part AOF",
    "Start to check BASE AOF (RESP format).",
    "AOF analyzed: filename=a.1.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0",
    "BASE AOF a.1.base.aof is valid",
    "Start to check INCR files.",
];

#[test]
fn a_manifest_leads_to_its_files() {
    let lines = [
        &HEAD[..],
        &[
            "INCR AOF a.1.incr.aof is empty",
            "AOF analyzed: filename=a.2.incr.aof, size=27, ok_up_to=27, ok_up_to_line=15, diff=0",
            "INCR AOF a.2.incr.aof is valid",
            "All AOF files and manifest are valid",
        ],
    ];
    says(&set_of_files(b"", SET), &[], "", 0, &lines.concat());
    let missing = &set_of_files(SET, SET)[..3];
    let lines = [
        &HEAD[..],
        &[
            "AOF analyzed: filename=a.1.incr.aof, size=27, ok_up_to=27, ok_up_to_line=15, diff=0",
            "INCR AOF a.1.incr.aof is valid",
            "Cannot open file ./a.2.incr.aof: No such file or directory, aborting...",
        ],
    ];
    says(missing, &[], "", 1, &lines.concat());
}

#[test]
fn only_the_last_file_is_cut_off() {
    let broken = &SET[..26];
    let lines = [
        &HEAD[..],
        &[
            "0x              18: Expected to read 3 bytes, got 2 bytes",
            "AOF analyzed: filename=a.1.incr.aof, size=26, ok_up_to=0, ok_up_to_line=14, diff=26",
            "Failed to truncate AOF a.1.incr.aof because it is not the last file",
        ],
    ];
    let checked = says(
        &set_of_files(broken, SET),
        &["--fix"],
        "y\n",
        1,
        &lines.concat(),
    );
    assert_eq!(checked.files[2], broken);
    let checked = ours(&set_of_files(SET, broken), &["--fix"], "y\n");
    assert_eq!(checked.code, Some(0));
    assert_eq!(checked.files[3], b"");
    let stamped = join(&[b"#TS:20\r\n", SET]);
    let early = join(&[SET, &stamped]);
    let options = ["--truncate-to-timestamp", "15"];
    let checked = ours(&set_of_files(&early, SET), &options, "");
    assert_eq!(checked.code, Some(1));
    let words = "Failed to truncate AOF ./a.1.incr.aof to timestamp 15 to offset 27 because it is \
                 not the last file.\nIf you insist, please delete";
    assert!(checked.output.contains(words), "{}", checked.output);
    assert_eq!(checked.files[2], early);
}

#[test]
fn a_manifest_that_cannot_be_read_is_refused_with_its_line() {
    let manifest = b"file a seq 1 type b\nfile ../b seq 1 type i\n";
    let lines = [
        "Start checking Multi Part AOF",
        "",
        "*** FATAL AOF MANIFEST FILE ERROR ***",
        "",
        "Reading the manifest file, at line 2",
        "",
        ">>> 'file ../b seq 1 type i'",
        "",
        "File can't be a path, just a filename",
        "",
    ];
    says(&[("m", manifest)], &[], "", 1, &lines);
}

/// The base that redis-server 7.0.15 wrote of three strings.
const SNAPSHOT: &[u8] = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfa\x0aredis-bits\xc0@\
    \xfa\x05ctime\xc2[7\x01k\xfa\x08used-mem\xc2\x08A\x12\x00\xfa\x08aof-base\xc0\x01\
    \xfe\x00\xfb\x03\x00\x00\x01b\x01c\x00\x01s\x01v\x00\x01a\x01d\
    \xff5\x99\xa6f\x11V\x00x";

/// What is said of the snapshot.
const SNAPSHOT_LINES: [&str; 13] = [
    "[offset 27] AUX FIELD redis-ver = '7.0.15'",
    "[offset 41] AUX FIELD redis-bits = '64'",
    "[offset 53] AUX FIELD ctime = '1795241819'",
    "[offset 68] AUX FIELD used-mem = '1196296'",
    "[offset 80] AUX FIELD aof-base = '1'",
    "[offset 82] Selecting DB ID 0",
    "[offset 109] Checksum OK",
    "[offset 109] \\o/ RDB looks OK! \\o/",
    "[info] 3 keys read",
    "[info] 0 expires",
    "[info] 0 already expired",
    "RDB preamble is OK, proceeding with AOF tail...",
    "0x              85: Expected to read 3 bytes, got 2 bytes",
];

#[test]
fn a_snapshot_may_come_first() {
    let file = join(&[SNAPSHOT, &SET[..26]]);
    let head = [
        "Start checking Old-Style AOF",
        "[offset 0] Checking RDB file f.aof",
    ];
    let tail = [
        "AOF analyzed: filename=f.aof, size=135, ok_up_to=109, ok_up_to_line=7, diff=26",
        "This will shrink the AOF f.aof from 135 bytes, with 26 bytes, to 109 bytes",
        "Continue? [y/N]: Successfully truncated AOF f.aof",
    ];
    let lines = [&head[..], &SNAPSHOT_LINES, &tail].concat();
    let checked = says(&[("f.aof", &file)], &["--fix"], "y\n", 0, &lines);
    assert_eq!(checked.files, [SNAPSHOT]);
}

#[test]
fn a_base_may_be_a_snapshot() {
    let files: [File<'_>; 3] = [
        (
            "m",
            b"file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n",
        ),
        ("a.1.base.rdb", SNAPSHOT),
        ("a.1.incr.aof", SET),
    ];
    let head = [
        "Start checking Multi Part AOF",
        "Start to check BASE AOF (RDB format).",
        "[offset 0] Checking RDB file a.1.base.rdb",
    ];
    let tail = [
        "AOF analyzed: filename=a.1.base.rdb, size=109, ok_up_to=109, ok_up_to_line=1, diff=0",
        "BASE AOF a.1.base.rdb is valid",
        "Start to check INCR files.",
        "AOF analyzed: filename=a.1.incr.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0",
        "INCR AOF a.1.incr.aof is valid",
        "All AOF files and manifest are valid",
    ];
    let lines = [&head[..], &SNAPSHOT_LINES[..12], &tail].concat();
    says(&files, &[], "", 0, &lines);
}

#[test]
fn a_broken_snapshot_is_never_cut_off() {
    for len in [9, 30, 85, 90, 101, 108] {
        let files: [File<'_>; 1] = [("f.aof", &SNAPSHOT[..len])];
        let checked = ours(&files, &["--fix"], "y\n");
        let words = "RDB preamble of AOF file is not sane, aborting.\n";
        assert!(checked.output.ends_with(words), "{}", checked.output);
        assert_eq!((checked.code, checked.files[0].len()), (Some(1), len));
        if let Some(original) = original() {
            assert_eq!(checked, check(&original, &files, &["--fix"], "y\n"));
        }
    }
}

#[test]
fn data_does_not_make_a_file_a_manifest() {
    let file = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nfile x\r\n";
    let checked = ours(&[("f.aof", file)], &[], "");
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    assert!(checked.output.ends_with("AOF f.aof is valid\n"));
}

#[test]
fn misuse_is_told() {
    let folder = Folder::new();
    let link = folder.path("redis-check-aof");
    symlink(OCHRE, &link).unwrap();
    let usage = format!(
        "Usage: {link} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n"
    );
    for (args, words) in [
        (&[][..], usage.as_str()),
        (&["--what", "file"], &usage),
        (
            &["gone"],
            "Cannot open file gone: No such file or directory\n",
        ),
        (&["--fix", "."], "Cannot read file: .\n"),
    ] {
        let mut command = Command::new(&link);
        let output = command
            .args(args)
            .current_dir(folder.root())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), words);
        assert_eq!(output.status.code(), Some(1));
    }
}

/// Cuts and changes a file in every way that chance finds, and compares with the original.
#[test]
fn broken_files_are_judged_as_the_original_judges_them() {
    let Some(original) = original() else {
        return;
    };
    let sane = join(&[
        b"#TS:5\r\n",
        SET,
        MULTI,
        b"*12\r\n",
        &b"$1\r\nx\r\n".repeat(12),
        b"#TS:9\r\n",
        EXEC,
        b"#TS:20\r\n",
        SET,
    ]);
    let mut files: Vec<Vec<u8>> = (0..sane.len()).map(|len| sane[..len].to_vec()).collect();
    let mut prng = Prng::new(7);
    for _ in 0..150 {
        let mut file = sane.clone();
        for _ in 0..=prng.below(2) {
            let at = prng.below(file.len() as u64) as usize;
            file[at] = b"*$#\r\n019 \0\xffEx-+"[prng.below(15) as usize];
        }
        files.push(file);
    }
    let until: &[&str] = &["--truncate-to-timestamp", "10"];
    for (index, file) in files.iter().enumerate() {
        let options = [&[], ["--fix"].as_slice(), until][index % 3];
        let files = [("f.aof", file.as_slice())];
        let expected = check(&original, &files, options, "y\n");
        assert_eq!(
            ours(&files, options, "y\n"),
            expected,
            "{}",
            file.escape_ascii()
        );
    }
}
