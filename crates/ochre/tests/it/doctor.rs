//! The doctor, on this machine and on servers of both kinds.

use std::path::Path;

use crate::process::{Ended, Folder, run};
use crate::side::{REDIS, Side};

fn examine(side: &Side, more: &[&str]) -> Ended {
    let place = format!("127.0.0.1:{}", side.port);
    run(&[&["doctor", &place], more].concat())
}

#[test]
fn what_is_wrong_with_a_server_is_told_with_what_mends_it() {
    for is_redis in [false, true] {
        if is_redis && !Path::new(REDIS).exists() {
            eprintln!("skipped: {REDIS} is not installed");
            return;
        }
        let folder = Folder::new();
        let directives = ["--appendonly", "yes", "--maxclients", "50"];
        let mut side = Side::start(is_redis, &folder, &directives);
        let said = examine(&side, &[]).output;
        let name = if is_redis {
            "Redis"
        } else {
            "Ochre, compatible with Redis"
        };
        assert!(
            said.contains(&format!("{name} 7.0.15 at 127.0.0.1:{}", side.port)),
            "{said}"
        );
        assert!(said.contains("[OK]   durability"), "{said}");
        assert!(said.contains("maxclients 50"), "{said}");
        let disk = format!("a synced write in {} takes", folder.root());
        assert!(said.contains(&disk), "{said}");
        side.wire.ask("CONFIG SET appendfsync no");
        let ended = examine(&side, &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.output);
        let found = "[BAD]  durability        save '', appendonly yes, appendfsync no\n";
        assert!(ended.output.contains(found), "{}", ended.output);
        let mend = "       > CONFIG SET appendfsync everysec\n";
        assert!(ended.output.contains(mend), "{}", ended.output);
        side.wire.ask("CONFIG SET requirepass secret");
        let shut = examine(&side, &[]);
        assert_eq!(shut.code, Some(2), "{}", shut.output);
        assert!(shut.output.contains("NOAUTH"), "{}", shut.output);
        let document = examine(&side, &["--json", "-a", "secret"]);
        assert_eq!(document.code, Some(2), "{}", document.output);
        assert!(
            document.output.contains("\"outcome\":\"unhealthy\""),
            "{}",
            document.output
        );
        assert!(
            !Path::new(&folder.path(&format!(".ochre-doctor-{}", std::process::id()))).exists(),
            "nothing is left behind"
        );
    }
}

#[test]
fn a_machine_is_looked_at_without_a_server() {
    let folder = Folder::new();
    let ended = run(&["doctor", "--dir", folder.root()]);
    assert!(matches!(ended.code, Some(0 | 2)), "{}", ended.output);
    for name in ["ports", "somaxconn", "open files", "disk", "memory"] {
        assert!(ended.output.contains(name), "{name}: {}", ended.output);
    }
    let bad = ended.output.contains("[BAD]");
    assert_eq!(ended.code == Some(2), bad, "{}", ended.output);
    assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 0);
    for args in [&["nonsense"][..], &["--nope"], &["a:1", "b:2"], &["--dir"]] {
        let ended = run(&[&["doctor"], args].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.output);
    }
    let nobody = run(&["doctor", "127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(2), "{}", nobody.output);
}
