use super::*;

fn keys(request: &str) -> Vec<&str> {
    let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
    let command = find(words[0]).unwrap().command;
    let mut found = Vec::new();
    command.each_key(&words, |index| {
        found.push(std::str::from_utf8(words[index]).unwrap());
    });
    let first = command.first_key(&words).map(|index| words[index]);
    assert_eq!(first, found.first().map(|key| key.as_bytes()));
    found
}

#[test]
fn keys_are_found_wherever_they_stand() {
    for (request, wanted) in [
        ("GET a", "a"),
        ("mset a 1 b 2", "a b"),
        ("BLPOP a b 0", "a b"),
        ("EVAL script 2 a b c", "a b"),
        ("eval script 0 c", ""),
        ("EVAL script x c", ""),
        ("EVAL script 9999999999 c", "c"),
        ("XREAD COUNT 2 STREAMS a b 0 0", "a b"),
        ("ZUNIONSTORE d 2 a b", "d a b"),
        ("BITOP AND d a b", "d a b"),
        ("PING", ""),
        ("GET", ""),
    ] {
        let wanted: Vec<&str> = wanted.split(' ').filter(|key| !key.is_empty()).collect();
        assert_eq!(keys(request), wanted, "{request}");
    }
}

#[test]
fn every_command_is_found_by_its_name_and_only_once() {
    let mut names: Vec<&str> = all().map(|command| command.name).collect();
    for name in &names {
        assert_eq!(
            find(name.to_uppercase().as_bytes()).unwrap().command.name,
            *name
        );
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 220 && find(b"nosuch").is_none());
}
