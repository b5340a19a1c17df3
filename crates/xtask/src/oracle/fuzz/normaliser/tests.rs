use super::*;

fn words(line: &str) -> Words {
    line.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

fn value(wire: &str) -> Value {
    let bytes = wire.replace(' ', "\r\n") + "\r\n";
    let read = resp::value::read(bytes.as_bytes()).unwrap();
    read.expect("the value is whole").0
}

fn alike(line: &str, reference: &str, tested: &str) -> bool {
    let mut comparer = Comparer::default();
    comparer
        .compare(&words(line), value(reference), &value(tested))
        .is_ok()
}

#[test]
fn what_is_not_free_is_compared_byte_for_byte() {
    assert!(alike("GET k", "$1 a", "$1 a"));
    assert!(!alike("GET k", "$1 a", "+a"));
    assert!(!alike("LRANGE k 0 -1", "*2 :1 :2", "*2 :2 :1"));
    assert!(!alike("SMEMBERS k", "-WRONGTYPE", "*0"));
}

#[test]
fn sets_have_no_order_and_pairs_stay_together() {
    assert!(alike("smembers k", "*2 :1 :2", "*2 :2 :1"));
    assert!(!alike("SMEMBERS k", "*2 :1 :2", "*2 :2 :2"));
    assert!(alike("HGETALL k", "*4 +a :1 +b :2", "*4 +b :2 +a :1"));
    assert!(!alike("HGETALL k", "*4 +a :1 +b :2", "*4 +a :2 +b :1"));
    assert!(alike("HGETALL k", "%2 +a :1 +b :2", "%2 +b :2 +a :1"));
}

#[test]
fn time_goes_on() {
    assert!(alike("TTL k", ":100", ":99"));
    assert!(!alike("TTL k", ":100", ":90"));
    assert!(!alike("TTL k", ":-1", ":-2"));
}

#[test]
fn scans_are_compared_when_they_are_whole() {
    assert!(alike("SSCAN k 0", "*2 $1 0 *2 +a +b", "*2 $1 0 *2 +b +a"));
    assert!(!alike("SSCAN k 0", "*2 $1 0 *1 +a", "*2 $1 0 *1 +b"));
    assert!(alike("SSCAN k 0", "*2 $1 8 *1 +a", "*2 $1 0 *1 +b"));
    assert!(!alike("SSCAN k 0", "*2 $1 0 *0", "*1 $1 0"));
}

#[test]
fn draws_are_as_many_and_out_of_what_there_is() {
    let mut comparer = Comparer::default();
    let list = || value("*3 $1 a $1 b $1 c");
    let mut draw = |reply: &str| {
        comparer
            .compare(&words("SMEMBERS t"), list(), &list())
            .unwrap();
        let reply = value(reply);
        comparer.compare(&words("SRANDMEMBER t 2"), value("*2 $1 a $1 b"), &reply)
    };
    assert!(draw("*2 $1 c $1 a").is_ok());
    assert!(draw("*2 $1 x $1 a").is_err());
    assert!(draw("*1 $1 c").is_err());
}

#[test]
fn transactions_are_compared_command_by_command() {
    let mut comparer = Comparer::default();
    let mut run = |line: &str, reference: &str, tested: &str| {
        comparer.compare(&words(line), value(reference), &value(tested))
    };
    let begin = [
        ("MULTI", "+OK"),
        ("SMEMBERS t", "+QUEUED"),
        ("GET k", "+QUEUED"),
    ];
    for (line, reply) in begin {
        assert_eq!(run(line, reply, reply), Ok(()));
    }
    assert_eq!(run("EXEC", "*2 *2 +a +b +x", "*2 *2 +b +a +x"), Ok(()));
    for (line, reply) in begin {
        assert_eq!(run(line, reply, reply), Ok(()));
    }
    let unlike = run("EXEC", "*2 *2 +a +b +x", "*2 *2 +b +a +y");
    assert_eq!(unlike, Err(Unlike(words("GET k"))));
}
