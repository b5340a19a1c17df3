use proptest::prelude::*;

use super::*;

#[test]
fn what_others_compressed() {
    // Redis 7.0.15 wrote 47 times "a" so.
    let packed = [1, 0x61, 0x61, 0xe0, 0x22, 0, 1, 0x61, 0x61];
    assert_eq!(decompress(&packed, 47), Some(vec![b'a'; 47]));
    assert_eq!(decompress(&packed, 46), None);
    assert_eq!(decompress(&packed, 48), None);
    // A copy of two bytes back, three times.
    assert_eq!(
        decompress(&[1, 1, 2, 0x80, 1], 8),
        Some(vec![1, 2, 1, 2, 1, 2, 1, 2])
    );
}

#[test]
fn what_nobody_compressed() {
    assert_eq!(decompress(&[], 0), Some(Vec::new()));
    let refused: [(&[u8], usize); 7] = [
        (&[], 1),
        (&[0], 1),
        (&[0x20], 3),
        // Nothing came before.
        (&[0x20, 0], 3),
        (&[0, 1, 0x20, 1], 4),
        (&[0, 1, 0xe0, 0], 10),
        // More than so few bytes can give.
        (&[0, 1, 0xe0, 0xff, 0], usize::MAX),
    ];
    for (bytes, len) in refused {
        assert_eq!(decompress(bytes, len), None, "{bytes:?}");
    }
    assert_eq!(decompress(&[0, 1, 0xe0, 0xff, 0], 265), Some(vec![1; 265]));
}

#[test]
fn what_does_not_shrink_stays() {
    let distinct: Vec<u8> = (0..=255).collect();
    let mut out = vec![7];
    assert!(!compress(&distinct, distinct.len() - 4, &mut out));
    assert_eq!(out, [7]);
    assert!(compress(&[0; 21], 17, &mut out));
    assert_eq!(decompress(&out[1..], 21), Some(vec![0; 21]));
}

proptest! {
    #[test]
    fn everything_comes_back(
        words in prop::collection::vec(prop::collection::vec(0..4_u8, 1..9), 1..9),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..3000),
        spare in 0..3000_usize,
    ) {
        let bytes: Vec<u8> = order.iter().flat_map(|word| word.get(&words)).copied().collect();
        let mut out = Vec::new();
        if compress(&bytes, spare, &mut out) {
            prop_assert!(out.len() <= spare);
            prop_assert_eq!(decompress(&out, bytes.len()), Some(bytes));
        } else {
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn noise_gives_what_it_announces_or_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        len in 0..400_usize,
    ) {
        if let Some(found) = decompress(&bytes, len) {
            prop_assert_eq!(found.len(), len);
        }
    }
}
