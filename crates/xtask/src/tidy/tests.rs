//! One small test per rule, each a broken file and the words of the finding.

use super::*;

const HEAD: &str = "//! What it is for.\n#![forbid(unsafe_code)]\n";

fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// The findings for one file, without its path.
fn found(path: &str, text: &str) -> Vec<String> {
    found_in(&[(path, text)], "")
}

fn found_in(files: &[(&str, &str)], ratchet: &str) -> Vec<String> {
    let files: Vec<File> = files.iter().map(|(path, text)| file(path, text)).collect();
    let findings = check(&files, ratchet);
    findings
        .iter()
        .map(|f| format!("{}: {}", f.line, f.message))
        .collect()
}

#[track_caller]
fn assert_one(found: &[String], start: &str) {
    assert!(
        found.len() == 1 && found[0].starts_with(start),
        "{found:#?}"
    );
}

#[test]
fn the_tree_is_tidy() {
    let findings = check_tree().unwrap();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!("[package]\nname = \"{name}\"\n\n{dependencies}")
}

#[test]
fn a_crate_may_not_use_its_own_row_or_above() {
    let check = |name: &str, dependencies: &str| {
        found_in(
            &[("crates/x/Cargo.toml", &manifest(name, dependencies))],
            "",
        )
    };
    assert_one(
        &check("resp", "[dependencies]\nengine.workspace = true"),
        "5: `resp` may not",
    );
    assert_one(
        &check("cluster", "[dependencies.sentinel]\nx = 1"),
        "4: `cluster` may not",
    );
    assert_one(
        &check("resp", "[dependencies]\ntestkit.workspace = true"),
        "5: `resp` may not",
    );
    assert_one(&check("novel", ""), "0: crate `novel` stands in no layer");
    assert!(check("engine", "[dependencies]\nstdx.workspace = true").is_empty());
    assert!(check("ochre", "[dependencies]\nserver.workspace = true").is_empty());
    assert!(check("commands", "[dev-dependencies]\ntestkit.workspace = true").is_empty());
}

#[test]
fn a_declared_dependency_is_used() {
    let root = ("Cargo.toml", "[workspace.dependencies]\nleft-pad = \"1\"");
    assert_one(&found_in(&[root], ""), "2: no crate uses `left-pad`");
    let user = manifest("stdx", "[dependencies]\nleft-pad.workspace = true");
    assert!(found_in(&[root, ("crates/stdx/Cargo.toml", &user)], "").is_empty());
}

fn long_function(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn a_function_has_at_most_70_lines() {
    assert!(found("crates/stdx/src/a.rs", &long_function(70)).is_empty());
    assert_one(
        &found("crates/stdx/src/a.rs", &long_function(71)),
        "1: `long` has 71 lines",
    );
    let declared = format!(
        "trait T {{\n    fn f(&self) -> [u8; 2];\n{}}}\n",
        "\n".repeat(80)
    );
    assert!(found("crates/stdx/src/a.rs", &declared).is_empty());
}

#[test]
fn the_ratchet_tolerates_and_only_shrinks() {
    let path = "crates/stdx/src/a.rs";
    let ratchet = format!("function\t{path}\tlong\t80\n");
    assert!(found_in(&[(path, &long_function(80))], &ratchet).is_empty());
    assert_one(
        &found_in(&[(path, &long_function(81))], &ratchet),
        "1: `long` has 81 lines",
    );
    assert_one(&found_in(&[(path, "")], &ratchet), "0: `long` fits now");
}

#[test]
fn a_file_has_at_most_1000_lines_without_tests() {
    let text = "const A: u8 = 1;\n".repeat(1000);
    let path = "crates/stdx/src/a.rs";
    assert!(found(path, &format!("{text}mod tests {{\n}}\n")).is_empty());
    assert_one(
        &found(path, &format!("{text}const B: u8 = 1;\n")),
        "0: 1001 lines",
    );
}

#[test]
fn a_line_has_at_most_100_characters() {
    let line = format!("// {}\n", "é".repeat(98));
    assert_one(&found("crates/stdx/src/a.rs", &line), "1: 101 characters");
}

#[test]
fn pure_crates_call_no_clock_and_no_world() {
    let pure = |text: &str| found("crates/engine/src/a.rs", text);
    assert_one(
        &pure("let t = Instant::now();"),
        "1: no `Instant::now` in `engine`: take `now`",
    );
    assert_one(&pure("use std::net::TcpStream;"), "1: no `std::net`");
    assert_one(
        &pure("use std::{\n    fmt,\n    fs,\n};"),
        "1: no `std::fs`",
    );
    assert_one(
        &pure("use std::collections::HashMap;\nlet m = HashMap::new();"),
        "2: no `HashMap",
    );
    assert!(pure("use hashbrown::HashMap;\nlet m = HashMap::new();").is_empty());
    assert!(pure("operand::read(); // Instant::now is elsewhere\nlet s = \"tokio::\";").is_empty());
    assert!(pure("mod tests {\n    let t = Instant::now();\n}").is_empty());
    assert!(found("crates/server/src/a.rs", "let t = Instant::now();").is_empty());
}

#[test]
fn file_names_are_nouns() {
    assert_one(
        &found("crates/resp/src/a/mod.rs", ""),
        "0: no file is called mod.rs",
    );
    assert_one(
        &found("crates/resp/src/utils.rs", ""),
        "0: no file is called utils.rs",
    );
    assert_one(
        &found("crates/resp/src/parser_v2.rs", ""),
        "0: no file is called parser_v2.rs",
    );
}

#[test]
fn unsafe_stands_in_listed_files_with_its_reason() {
    let elsewhere = found("crates/resp/src/a.rs", "// SAFETY: no.\nunsafe { x() }");
    assert_one(&elsewhere, "2: no `unsafe` here");
    let listed = |text: &str| found(unsafety::UNSAFE_FILES[0], text);
    assert_one(
        &listed("let x = 1;\nunsafe { x() }"),
        "2: `unsafe` without `SAFETY:`",
    );
    assert_one(
        &listed("/// Adds.\nunsafe fn f() {}"),
        "2: `unsafe` without `# Safety`",
    );
    assert!(listed("// SAFETY: x is ours alone.\nlet a =\n    unsafe { x() };").is_empty());
    assert!(listed("/// # Safety\n/// Lock.\npub unsafe fn f() {}").is_empty());
}

#[test]
fn a_crate_begins_with_its_purpose_and_forbids_unsafe() {
    assert_one(
        &found("crates/resp/src/lib.rs", "#![forbid(unsafe_code)]\n"),
        "1: begin with",
    );
    assert_one(
        &found("crates/resp/src/lib.rs", "//! RESP.\nmod a;\n"),
        "1: add `#![forbid",
    );
    assert!(found("crates/resp/src/lib.rs", HEAD).is_empty());
    assert!(found("crates/keyspace/src/lib.rs", "//! Keys.\nmod lock;\n").is_empty());
}

#[test]
fn words_of_history_and_process_stay_out() {
    let found = |text: &str| found("crates/resp/src/a.rs", text);
    assert_one(&found("// FIXME later"), "1: no \"fixme\"");
    assert_one(&found("// It previously did."), "1: no \"previously\"");
    assert_one(&found("// See issue #12."), "1: no \"issue #\"");
    assert_one(&found("// TODO: faster"), "1: TODO without a reason");
    assert_one(
        &found("let path = \"/home/me\"; // \"/srv\""),
        "1: no \"/home/\"",
    );
    assert!(found("let error = \"ERR previously set\";").is_empty());
    assert!(found("// TODO: prefetch, once lists pass 1 M members.").is_empty());
}

#[test]
fn expect_names_an_invariant() {
    let found = |text: &str| found("crates/resp/src/a.rs", text);
    assert_one(&found("a.expect(\"bad\");"), "1: `expect` takes a sentence");
    assert_one(&found("a.unwrap();"), "1: no `.unwrap()`");
    assert!(found("a.expect(\"the head was read\");").is_empty());
    assert!(found("mod tests {\n a.unwrap();\n}").is_empty());
}

#[test]
fn the_three_texts_of_a_file_keep_their_positions() {
    let text = "let a = b\"x\\\"y\"; /* n /* m */ */ 'q' 'a: r#\"s\"# '\"' // end";
    let file = file("crates/resp/src/a.rs", text);
    let source = Source::read(&file).unwrap();
    assert_eq!(
        source.code.trim_end(),
        "let a = b\"    \";                 'q' 'a: r#\" \"# '\"'"
    );
    assert_eq!(
        source.strings.split_whitespace().collect::<String>(),
        "x\\\"ys"
    );
    assert_eq!(
        source.comments.trim_start(),
        "/* n /* m */ */                    // end"
    );
    assert_eq!(source.code.len(), text.len());
}
