//! CRC-64 with the "Jones" polynomial, reflected, starting from 0, without a final inversion.
//!
//! Dumps end with it. They may be gigabytes, so a step eats eight bytes with eight independent
//! look-ups, as in `crc16`; here the bytes come lowest first.

/// 0xad93d23594c935a9, its bits in reverse order.
const POLYNOMIAL: u64 = 0xad93_d235_94c9_35a9_u64.reverse_bits();

/// `TABLES[k][b]` is the sum of byte `b` followed by `k` zero bytes.
static TABLES: [[u64; 256]; 8] = tables();

/// The sum of what gave `crc` followed by `bytes`. The sum of nothing is 0.
pub fn update(crc: u64, bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<8>();
    let crc = blocks
        .iter()
        .fold(crc, |crc, block| step(crc ^ u64::from_le_bytes(*block)));
    rest.iter().fold(crc, |crc, byte| {
        TABLES[0][usize::from(crc as u8 ^ byte)] ^ crc >> 8
    })
}

#[inline]
fn step(block: u64) -> u64 {
    let bytes = block.to_le_bytes();
    let mut sums = TABLES.iter().zip(bytes.iter().rev());
    sums.by_ref()
        .fold(0, |crc, (table, byte)| crc ^ table[usize::from(*byte)])
}

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut slice = 0;
        while slice < 8 {
            crc = shift_byte(crc);
            tables[slice][byte] = crc;
            slice += 1;
        }
        byte += 1;
    }
    tables
}

/// The sum after one zero byte, bit by bit.
const fn shift_byte(mut crc: u64) -> u64 {
    let mut bit = 0;
    while bit < 8 {
        let carry = crc & 1;
        crc = (crc >> 1) ^ (carry * POLYNOMIAL);
        bit += 1;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_sums() {
        assert_eq!(update(0, b""), 0);
        assert_eq!(update(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            cut in 0_usize..80,
        ) {
            let sum = bytes.iter().fold(0, |crc, byte| shift_byte(crc ^ u64::from(*byte)));
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(update(update(0, head), tail), sum);
        }
    }
}
