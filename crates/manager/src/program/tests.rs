use super::*;

fn request(line: &str) -> Result<Option<Request>, UsageError> {
    let words: Vec<Vec<u8>> = line
        .split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect();
    read(&words)
}

#[test]
fn options_stand_anywhere_and_have_two_names() {
    let read = request("reshard --to abc h:1 --cluster-slots 5 --from=all --yes").unwrap();
    let read = read.unwrap();
    assert_eq!(
        (read.command, read.arg(0).as_str()),
        (Command::Reshard, "h:1")
    );
    assert_eq!((read.settings.slots, read.settings.yes), (5, true));
    assert_eq!(read.settings.from.as_deref(), Some("all"));
    let read = request("rebalance h:1 --weight a=1 b=2 --weight c=0.5")
        .unwrap()
        .unwrap();
    assert_eq!(read.settings.weights, ["a=1", "b=2", "c=0.5"]);
    let read = request("call h:1 set --json --yes").unwrap().unwrap();
    assert_eq!((read.args.len(), read.settings.json), (4, false));
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(
        request("nonsense").err(),
        Some(UsageError::Command("nonsense".to_owned()))
    );
    assert_eq!(request("check").err(), Some(UsageError::Arity));
    assert!(matches!(
        request("check h:1 --nope"),
        Err(UsageError::Option { .. })
    ));
    assert!(matches!(
        request("reshard h:1 --slots"),
        Err(UsageError::Option { .. })
    ));
    assert!(request("check --help").unwrap().is_none());
}
