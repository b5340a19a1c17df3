use super::{CHUNK_BYTES, Pieces};
use stdx::prng::Prng;

fn shared(pieces: &mut Pieces, at: u64, most: usize) -> Vec<u8> {
    let mut into = Vec::new();
    let len = pieces.share(at, most, &mut into);
    let bytes = into.concat();
    assert_eq!(bytes.len(), len);
    bytes
}

#[test]
fn pieces_hold_what_a_plain_string_would() {
    for seed in 0..200 {
        let mut prng = Prng::new(seed);
        let (mut pieces, mut all) = (Pieces::default(), Vec::new());
        let mut forgotten = 0;
        for _ in 0..300 {
            let end = all.len() as u64;
            match prng.below(5) {
                0..2 => {
                    let most = [20, 600, 3 * CHUNK_BYTES as u64][prng.below(3) as usize];
                    let mut bytes = vec![0; prng.below(most) as usize];
                    prng.fill(&mut bytes);
                    pieces.extend(&bytes);
                    all.extend_from_slice(&bytes);
                }
                2 => {
                    let at = pieces.start() + prng.below(end - pieces.start() + 1);
                    let most = prng.below(40_000) as usize;
                    let behind = &all[at as usize..];
                    let wanted = &behind[..most.min(behind.len())];
                    assert_eq!(shared(&mut pieces, at, most), wanted);
                }
                3 => {
                    let at = pieces.start() + prng.below(end - pieces.start() + 1);
                    let mut copy = Vec::new();
                    pieces.copy(at, &mut copy);
                    assert_eq!(copy, all[at as usize..]);
                }
                _ => {
                    forgotten += prng.below(end - forgotten + 1);
                    pieces.forget(forgotten);
                    assert!(!pieces.could_forget(forgotten));
                }
            }
            assert_eq!(pieces.end(), all.len() as u64);
            assert!(pieces.start() <= forgotten);
        }
    }
}

#[test]
fn what_is_shared_stays_when_it_is_forgotten() {
    let mut pieces = Pieces::default();
    pieces.extend(b"one two");
    let mut taken = Vec::new();
    assert_eq!(pieces.share(4, usize::MAX, &mut taken), 3);
    pieces.forget(7);
    pieces.extend(&[b'x'; 2 * CHUNK_BYTES]);
    pieces.restart(1000);
    assert_eq!(taken.concat(), b"two");
    assert_eq!((pieces.start(), pieces.end()), (1000, 1000));
}

#[test]
fn crumbs_are_joined() {
    let mut pieces = Pieces::default();
    for at in 0..10_000 {
        pieces.extend(b"0123456789");
        shared(&mut pieces, at * 10, usize::MAX);
    }
    let bytes = pieces.end();
    let most = bytes + bytes / 10 + 200_000;
    assert!(pieces.memory() < most, "{} of {bytes}", pieces.memory());
    let mut into = Vec::new();
    pieces.share(0, 50_000, &mut into);
    assert!(into.len() < 10, "{}", into.len());
}
