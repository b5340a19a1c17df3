//! Registers of six bits, one behind the other, the lower bits of a register in the lower byte.
//!
//! ```text
//!   byte    0          1          2
//!          │11000000 │ 22221111 │ 33333322 │      the digit is the register's number
//! ```

use super::REGISTERS;

pub const BITS: usize = 6;

/// Bytes that all registers take.
pub const BYTES: usize = REGISTERS * BITS / 8;

/// Registers that fill whole bytes together, and how many bytes.
const GROUP: usize = 4;
const GROUP_BYTES: usize = GROUP * BITS / 8;

const RANK_MASK: u32 = (1 << BITS) - 1;

const _: () = assert!(REGISTERS.is_multiple_of(GROUP), "groups hold all registers");

pub fn get(bytes: &[u8], register: usize) -> u8 {
    rank(group(bytes, register), register)
}

/// Sets a register, whatever it was.
pub fn set(bytes: &mut [u8], register: usize, rank: u8) {
    let shift = register % GROUP * BITS;
    let others = group(bytes, register) & !(RANK_MASK << shift);
    let changed = others | (u32::from(rank) & RANK_MASK) << shift;
    let start = register / GROUP * GROUP_BYTES;
    bytes[start..start + GROUP_BYTES].copy_from_slice(&changed.to_le_bytes()[..GROUP_BYTES]);
}

/// Shows every register with its rank.
pub fn for_each(bytes: &[u8], mut visit: impl FnMut(usize, u8)) {
    let (groups, _) = bytes.as_chunks::<GROUP_BYTES>();
    for (number, &[low, middle, high]) in groups.iter().enumerate() {
        let group = u32::from_le_bytes([low, middle, high, 0]);
        for place in 0..GROUP {
            visit(number * GROUP + place, rank(group, place));
        }
    }
}

/// Raises every register to the rank at its place.
pub fn raise_all(bytes: &mut [u8], ranks: &[u8]) {
    let (groups, _) = bytes.as_chunks_mut::<GROUP_BYTES>();
    let (ranks, _) = ranks.as_chunks::<GROUP>();
    for (group, ranks) in groups.iter_mut().zip(ranks) {
        let old = u32::from_le_bytes([group[0], group[1], group[2], 0]);
        let raised = (0..GROUP).fold(0, |raised, place| {
            let higher = rank(old, place).max(ranks[place]);
            raised | (u32::from(higher) & RANK_MASK) << (place * BITS)
        });
        group.copy_from_slice(&raised.to_le_bytes()[..GROUP_BYTES]);
    }
}

/// The bits of the register and its neighbours.
fn group(bytes: &[u8], register: usize) -> u32 {
    let start = register / GROUP * GROUP_BYTES;
    let mut group = [0; 4];
    group[..GROUP_BYTES].copy_from_slice(&bytes[start..start + GROUP_BYTES]);
    u32::from_le_bytes(group)
}

fn rank(group: u32, register: usize) -> u8 {
    (group >> (register % GROUP * BITS) & RANK_MASK) as u8
}
