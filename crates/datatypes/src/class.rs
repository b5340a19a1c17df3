//! The sizes in which the allocator hands out memory.
//!
//! jemalloc, built as the server links it, has classes every 8 bytes up to 64 and four for each
//! doubling from there. Encodings ask for whole classes, so what is left of one is theirs to grow
//! into, and is counted as theirs.

/// The size of the class that holds `bytes`, which must not be 0.
#[inline]
pub(crate) fn class(bytes: usize) -> usize {
    debug_assert!(bytes > 0, "nothing needs no memory");
    match bytes {
        0..=64 => bytes.next_multiple_of(8),
        _ => bytes.next_multiple_of(1 << ((bytes - 1).ilog2() - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_are_those_of_the_allocator() {
        let classes: Vec<usize> = (0..16)
            .scan(0, |size, _| {
                *size = class(*size + 1);
                Some(*size)
            })
            .collect();
        assert_eq!(
            classes,
            [
                8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256
            ]
        );
        assert_eq!(
            (class(4096), class(4097), class(1 << 20)),
            (4096, 5120, 1 << 20)
        );
    }
}
