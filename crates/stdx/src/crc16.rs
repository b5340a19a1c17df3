//! CRC-16/XMODEM: polynomial 0x1021, most significant bit first, starting from 0.
//!
//! The text-book loop eats one byte per table look-up, and each look-up waits for the one before.
//! Here a step eats eight bytes with eight look-ups that do not wait for each other: table `k`
//! answers "what does this byte become once `k` more bytes have passed?", and because the sum is
//! linear the eight answers are simply XORed ("slicing by 8").
//!
//! Inputs are rarely a multiple of eight long. What is left over is not taken from the end, byte
//! by byte, but from the *front*: the sum starts from 0, so zeros put before the input do not
//! change it, and the odd bytes become one ordinary step.
//!
//! ```text
//!   "hello world"      00 00 00 00 00 h  e  l │ l  o     w  o  r  l  d
//!    11 bytes                  step 1         │        step 2
//! ```

const POLYNOMIAL: u16 = 0x1021;

/// `TABLES[k][b]` is the sum of byte `b` followed by `k` zero bytes.
static TABLES: [[u16; 256]; 8] = tables();

/// The sum of `bytes`; 0 for none.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let (odd, blocks) = split_front(bytes);
    let first = if odd == 0 { 0 } else { step(0, odd) };
    blocks
        .iter()
        .fold(first, |crc, block| step(crc, u64::from_be_bytes(*block)))
}

/// The bytes before the last whole number of blocks, as one block padded with zeros in front, and
/// those blocks.
#[inline]
fn split_front(bytes: &[u8]) -> (u64, &[[u8; 8]]) {
    let (front, blocks) = bytes.as_rchunks::<8>();
    let odd = match bytes.first_chunk::<8>() {
        _ if front.is_empty() => 0,
        Some(first) => u64::from_be_bytes(*first) >> (64 - 8 * front.len()),
        None => short_block(front),
    };
    (odd, blocks)
}

/// Fewer than eight bytes as a big-endian number, in at most three loads.
#[inline]
fn short_block(mut bytes: &[u8]) -> u64 {
    let mut block = 0;
    if let Some((head, tail)) = bytes.split_first_chunk::<4>() {
        block = u64::from(u32::from_be_bytes(*head));
        bytes = tail;
    }
    if let Some((head, tail)) = bytes.split_first_chunk::<2>() {
        block = block << 16 | u64::from(u16::from_be_bytes(*head));
        bytes = tail;
    }
    match bytes {
        [last, ..] => block << 8 | u64::from(*last),
        [] => block,
    }
}

/// The sum after eight more bytes, given the sum before them.
#[inline]
fn step(crc: u16, block: u64) -> u16 {
    let [a, b, c, d, e, f, g, h] = block.to_be_bytes();
    let [high, low] = crc.to_be_bytes();
    // Only the last line waits for the step before.
    let rest = TABLES[5][usize::from(c)]
        ^ TABLES[4][usize::from(d)]
        ^ TABLES[3][usize::from(e)]
        ^ TABLES[2][usize::from(f)]
        ^ TABLES[1][usize::from(g)]
        ^ TABLES[0][usize::from(h)];
    rest ^ (TABLES[7][usize::from(a ^ high)] ^ TABLES[6][usize::from(b ^ low)])
}

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
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
const fn shift_byte(mut crc: u16) -> u16 {
    let mut bit = 0;
    while bit < 8 {
        let carry = crc >> 15;
        crc = (crc << 1) ^ (carry * POLYNOMIAL);
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
        for (text, sum) in [
            ("", 0),
            ("123456789", 0x31c3),
            ("a", 0x7c87),
            ("foo", 0xaf96),
        ] {
            assert_eq!(crc16(text.as_bytes()), sum, "{text}");
        }
    }

    fn bit_by_bit(bytes: &[u8]) -> u16 {
        bytes
            .iter()
            .fold(0, |crc, byte| shift_byte(crc ^ u16::from(*byte) << 8))
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(crc16(&bytes), bit_by_bit(&bytes));
        }
    }
}
