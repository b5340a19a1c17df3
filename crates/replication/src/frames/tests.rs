use proptest::prelude::*;

use super::*;

/// What was carried, as the other end sees it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Carried {
    snapshot: Vec<u8>,
    log: Vec<u8>,
    /// Bytes behind the end.
    rest: Vec<u8>,
    has_ended: bool,
}

/// Hands `bytes` over in pieces of these lengths, again and again.
fn carry(bytes: &[u8], cuts: &[usize], offset: u64) -> Result<Carried, &'static str> {
    let (mut frames, mut carried) = (Frames::from(offset), Carried::default());
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let cut = cuts.next().map_or(rest.len(), |cut| *cut.min(&rest.len()));
        let (mut piece, behind) = rest.split_at(cut);
        rest = behind;
        while !piece.is_empty() {
            if carried.has_ended {
                carried.rest.extend(piece);
                break;
            }
            let (len, content) = frames.take(piece)?;
            assert!(
                (1..=piece.len()).contains(&len),
                "it goes on, and not beyond"
            );
            match content {
                Content::Head => {}
                Content::Snapshot => carried.snapshot.extend(&piece[..len]),
                Content::Log => carried.log.extend(&piece[..len]),
                Content::End => carried.has_ended = true,
            }
            piece = &piece[len..];
        }
    }
    Ok(carried)
}

/// The bytes of these parts, each of the log or of the snapshot, and of what follows.
fn framed(parts: &[(bool, Vec<u8>)], offset: u64, rest: &[u8]) -> (Vec<u8>, Carried) {
    let (mut bytes, mut carried) = (Vec::new(), Carried::default());
    for (is_log, part) in parts {
        let (kind, before, at) = match is_log {
            true => (Kind::Log, &mut carried.log, offset),
            false => (Kind::Snapshot, &mut carried.snapshot, 0),
        };
        bytes.extend(head(kind, part.len(), at + before.len() as u64));
        bytes.extend(part);
        before.extend(part);
    }
    bytes.extend(head(Kind::End, 0, offset + carried.log.len() as u64));
    bytes.extend(rest);
    carried.rest = rest.to_vec();
    carried.has_ended = true;
    (bytes, carried)
}

fn parts() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let part = proptest::collection::vec(any::<u8>(), 1..60);
    proptest::collection::vec((any::<bool>(), part), 0..12)
}

proptest! {
    #[test]
    fn both_parts_arrive_in_their_order_however_they_are_cut(
        parts in parts(),
        offset in 0..1_u64 << 62,
        rest in proptest::collection::vec(any::<u8>(), 0..40),
        cuts in proptest::collection::vec(1..50_usize, 1..20),
    ) {
        let (bytes, expected) = framed(&parts, offset, &rest);
        prop_assert_eq!(carry(&bytes, &cuts, offset), Ok(expected));
    }

    #[test]
    fn a_head_that_was_changed_is_never_taken_for_another(
        parts in parts(),
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let (mut bytes, expected) = framed(&parts, 7, b"");
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(carried) = carry(&bytes, &[1000], 7) && carried.has_ended {
            // Only what is in a frame can have been changed without being noticed here.
            prop_assert_eq!(carried.snapshot.len(), expected.snapshot.len());
            prop_assert_eq!(carried.log.len(), expected.log.len());
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(1..50_usize, 1..20),
        offset in any::<u64>(),
    ) {
        if let Ok(carried) = carry(&bytes, &cuts, offset) {
            let taken = carried.snapshot.len() + carried.log.len() + carried.rest.len();
            prop_assert!(taken <= bytes.len());
        }
    }
}

#[test]
fn frames_that_cannot_be_are_refused() {
    let cases: [(&[u8], &str); 6] = [
        (&head(Kind::Snapshot, 0, 0), "a frame of no possible length"),
        (&head(Kind::End, 1, 5), "a frame of no possible length"),
        (
            &head(Kind::Log, usize::MAX, 5),
            "a frame of no possible length",
        ),
        (&head(Kind::Log, 1, 4), "a frame that is out of place"),
        (&head(Kind::End, 0, 6), "a frame that is out of place"),
        (b"REDIS0010 and more", "a frame of no known kind"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(carry(bytes, &[3], 5), Err(expected), "{bytes:?}");
    }
}
