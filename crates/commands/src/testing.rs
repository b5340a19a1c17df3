//! The one way in which the tests of this crate run a command.

use expect_test::Expect;

/// Replays a transcript on a fresh node, and compares. `UPDATE_EXPECT=1` rewrites it.
#[track_caller]
pub(crate) fn check(transcript: Expect) {
    let mut node = testkit::Node::new(crate::table());
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

/// As [`check`], to a client that has asked for RESP3.
#[track_caller]
pub(crate) fn check_resp3(transcript: Expect) {
    let mut node = testkit::Node::new(crate::table());
    node.command("", &[b"HELLO".to_vec(), b"3".to_vec()]);
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

/// What a transcript leaves in the log, as commands, one a line. Those of the start are not among
/// them: the log is read from the line `# log` on.
#[track_caller]
pub(crate) fn check_log(transcript: &str, expected: Expect) {
    let mut node = testkit::Node::new(crate::table());
    let switch = &node.engine.switches.active_expire;
    switch.store(false, std::sync::atomic::Ordering::Relaxed);
    let (before, behind) = transcript.split_once("# log").unwrap_or(("", transcript));
    testkit::replay(&mut node, before);
    let reader = subscribe(&node);
    testkit::replay(&mut node, behind);
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    expected.assert_eq(&commands(&bytes));
}

/// The events of keys that a listener is told of while a transcript runs, as `event key`.
pub(crate) fn events(transcript: &str) -> Vec<String> {
    let mut node = testkit::Node::new(crate::table());
    testkit::replay(&mut node, "> CONFIG SET notify-keyspace-events AKE\n");
    testkit::replay(&mut node, "listener> PSUBSCRIBE __keyevent@*__:*\n");
    testkit::replay(&mut node, transcript);
    let bytes = node.receive("listener");
    let (mut rest, mut events) = (bytes.as_slice(), Vec::new());
    while let Some((message, len)) = resp::value::read(rest).expect("messages are well-formed") {
        let resp::value::Value::Array(words) = message else {
            panic!("a message, not {message:?}")
        };
        let word = |at: usize| match &words[at] {
            resp::value::Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("a word, not {other:?}"),
        };
        let channel = word(2);
        let event = channel.rsplit(':').next().unwrap_or_default().to_owned();
        events.push(format!("{event} {}", word(3)));
        rest = &rest[len..];
    }
    events
}

/// Begins to read a node's log.
pub(crate) fn subscribe(node: &testkit::Node) -> engine::log::Reader {
    let all = node.engine.keyspace.lock(keyspace::ShardSet::ALL);
    node.engine.log.subscribe(&all)
}

pub(crate) fn commands(bytes: &[u8]) -> String {
    let (mut rest, mut text) = (bytes, String::new());
    while let Some((value, len)) = resp::value::read(rest).expect("the log is well-formed") {
        let resp::value::Value::Array(words) = value else {
            panic!("the log consists of commands")
        };
        let words = words.iter().map(|word| match word {
            resp::value::Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("a word, not {other:?}"),
        });
        text += &words.collect::<Vec<_>>().join(" ");
        text += "\n";
        rest = &rest[len..];
    }
    text
}

/// How often a node told the runtime that a command takes long, while it ran these lines.
pub(crate) fn long_runs(node: &mut testkit::Node, lines: &str) -> usize {
    node.world.take_long_runs();
    node.send("client", lines.as_bytes());
    node.world.take_long_runs()
}
