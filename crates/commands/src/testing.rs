//! The one way in which the tests of this crate run a command.

use expect_test::Expect;

/// Replays a transcript on a fresh node, and compares. `UPDATE_EXPECT=1` rewrites it.
#[track_caller]
pub(crate) fn check(transcript: Expect) {
    let mut node = testkit::Node::new(crate::table());
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}
