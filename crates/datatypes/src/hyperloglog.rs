//! HyperLogLog: how many different elements were seen, within a percent, in 12 KiB or less.
//!
//! An element's hash chooses one of 16384 registers by 14 of its bits, and offers it a rank: one
//! more than the zeros that the other 50 bits end in. A register keeps the highest rank it was
//! offered, so it is the more likely to be high the more elements there were, and the registers of
//! two sets together are those of their union. The estimate is made of how many registers
//! have which rank.
//!
//! The value is a string that clients can read, copy and write back:
//!
//! ```text
//!   bytes   4        1          3       8                        ...
//!          │ HYLL   │ encoding │ none  │ cached cardinality, LE │ registers │
//! ```
//!
//! * The cached cardinality is void when its highest bit is set.
//! * Dense registers take six bits each. Sparse ones are written as runs, and
//!   become dense when they would need too many bytes, or a rank that runs cannot say.
//!
//! The bytes come from outside, so only the header is known to be right. Whatever else is wrong is
//! found by whoever reads it, as [`Corrupted`].

mod dense;
mod estimate;
mod sparse;

use std::borrow::Cow;

pub use sparse::Run;

/// Registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;

/// Bits of a hash that choose a register.
const INDEX_BITS: u32 = 14;

/// Bits of a hash that make a rank.
const RANK_BITS: u32 = u64::BITS - INDEX_BITS;

/// The rank of an element whose bits are all zeros.
const RANK_MAX: usize = RANK_BITS as usize + 1;

/// Ranks that a dense register can hold, 0 included, though no element has one above `RANK_MAX`.
const RANKS: usize = 1 << dense::BITS;

const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_AT: usize = 4;
const CARDINALITY_AT: usize = 8;
const HEADER: usize = 16;

/// Set in the last byte of the cached cardinality when it is void.
const VOID: u8 = 0x80;

const SEED: u64 = 0xadc8_3b19;

/// The registers are not what the header promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Dense = 0,
    Sparse = 1,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        }
    }
}

/// What an element is to the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    pub register: usize,
    pub rank: u8,
}

impl Observation {
    pub fn of(element: &[u8]) -> Observation {
        let hash = murmur(element);
        // A bit above the others ends the zeros of a hash that has nothing else.
        let ranked = hash >> INDEX_BITS | 1 << RANK_BITS;
        Observation {
            register: hash as usize & (REGISTERS - 1),
            rank: ranked.trailing_zeros() as u8 + 1,
        }
    }
}

/// A value with a good header.
#[derive(Clone, Debug)]
pub struct HyperLogLog<'a> {
    bytes: Cow<'a, [u8]>,
}

impl<'a> HyperLogLog<'a> {
    /// The value that has seen nothing.
    pub fn empty() -> HyperLogLog<'static> {
        let mut bytes = vec![0; HEADER];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING_AT] = Encoding::Sparse as u8;
        sparse::push_zeros(&mut bytes, REGISTERS);
        HyperLogLog {
            bytes: Cow::Owned(bytes),
        }
    }

    /// The value that these bytes are, unless their header says otherwise.
    pub fn of(bytes: &'a [u8]) -> Option<HyperLogLog<'a>> {
        let has_header = bytes.len() >= HEADER && bytes.starts_with(MAGIC);
        let is_it = has_header
            && match bytes[ENCODING_AT] {
                0 => bytes.len() == HEADER + dense::BYTES,
                encoding => encoding == Encoding::Sparse as u8,
            };
        is_it.then_some(HyperLogLog {
            bytes: Cow::Borrowed(bytes),
        })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }

    pub fn encoding(&self) -> Encoding {
        match self.bytes[ENCODING_AT] {
            0 => Encoding::Dense,
            _ => Encoding::Sparse,
        }
    }

    fn registers(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }

    /// The runs of a sparse value.
    pub fn runs(&self) -> Option<impl Iterator<Item = Run>> {
        (self.encoding() == Encoding::Sparse).then(|| sparse::runs(self.registers()))
    }

    /// The cardinality that was kept since the registers changed last.
    pub fn cached_cardinality(&self) -> Option<i64> {
        let kept = &self.bytes[CARDINALITY_AT..HEADER];
        let kept = i64::from_le_bytes(kept.try_into().expect("a cardinality has eight bytes"));
        (kept >= 0).then_some(kept)
    }

    /// How many elements the registers have probably seen.
    pub fn cardinality(&self) -> Result<i64, Corrupted> {
        let mut histogram = [0; RANKS];
        match self.encoding() {
            Encoding::Dense => dense::for_each(self.registers(), |_, rank| {
                histogram[usize::from(rank)] += 1;
            }),
            Encoding::Sparse => sparse::for_each_run(self.registers(), |range, rank| {
                histogram[usize::from(rank)] += range.len() as u32;
            })?,
        }
        Ok(estimate::cardinality(&histogram))
    }

    /// Raises `union` to the registers of this value.
    pub fn merge_into(&self, union: &mut Registers) -> Result<(), Corrupted> {
        match self.encoding() {
            Encoding::Dense => {
                let ranks = &mut union.ranks;
                dense::for_each(self.registers(), |register, rank| {
                    ranks[register] = ranks[register].max(rank);
                });
                Ok(())
            }
            Encoding::Sparse => sparse::for_each_run(self.registers(), |range, rank| {
                let ranks = union.ranks[range].iter_mut();
                ranks.for_each(|register| *register = rank.max(*register));
            }),
        }
    }

    /// Raises a register to what was observed. Returns whether it was lower. Sparse registers may
    /// become dense rather than make the value longer than `sparse_bytes_max`.
    pub fn raise(
        &mut self,
        observed: Observation,
        sparse_bytes_max: u64,
    ) -> Result<bool, Corrupted> {
        if self.encoding() == Encoding::Dense {
            let raises = dense::get(self.registers(), observed.register) < observed.rank;
            return Ok(raises && raise_dense(self.bytes.to_mut(), observed));
        }
        let room = sparse_bytes_max.saturating_sub(HEADER as u64);
        match sparse::plan(self.registers(), observed, room)? {
            sparse::Plan::Nothing => Ok(false),
            sparse::Plan::Replace(change) => {
                let bytes = self.bytes.to_mut();
                sparse::apply(bytes, HEADER, &change);
                forget_cardinality(bytes);
                Ok(true)
            }
            sparse::Plan::Densify => {
                self.densify()?;
                Ok(raise_dense(self.bytes.to_mut(), observed))
            }
        }
    }

    /// As [`HyperLogLog::raise`], of every register of a union.
    pub fn raise_all(&mut self, union: &Registers, sparse_bytes_max: u64) -> Result<(), Corrupted> {
        if self.encoding() == Encoding::Dense {
            dense::raise_all(&mut self.bytes.to_mut()[HEADER..], union.ranks());
            return Ok(());
        }
        for observed in union.observations() {
            self.raise(observed, sparse_bytes_max)?;
        }
        Ok(())
    }

    /// Makes the registers dense. Returns whether they were not.
    pub fn densify(&mut self) -> Result<bool, Corrupted> {
        if self.encoding() == Encoding::Dense {
            return Ok(false);
        }
        let mut bytes = self.bytes[..HEADER].to_vec();
        bytes.resize(HEADER + dense::BYTES, 0);
        bytes[ENCODING_AT] = Encoding::Dense as u8;
        let registers = &mut bytes[HEADER..];
        sparse::for_each_run(self.registers(), |range, rank| {
            if rank > 0 {
                range.for_each(|register| dense::set(registers, register, rank));
            }
        })?;
        self.bytes = Cow::Owned(bytes);
        Ok(true)
    }

    /// The ranks of all registers.
    pub fn ranks(&self) -> Result<Registers, Corrupted> {
        let mut registers = Registers::default();
        self.merge_into(&mut registers)?;
        Ok(registers)
    }

    pub fn forget_cardinality(&mut self) {
        forget_cardinality(self.bytes.to_mut());
    }
}

/// Whether a dense value would change if this was observed.
pub fn would_raise_dense(value: &HyperLogLog<'_>, observed: Observation) -> bool {
    dense::get(value.registers(), observed.register) < observed.rank
}

/// Raises a register of a dense value where it lies. Returns whether it was lower.
pub fn raise_dense(bytes: &mut [u8], observed: Observation) -> bool {
    let registers = &mut bytes[HEADER..];
    let raises = dense::get(registers, observed.register) < observed.rank;
    if raises {
        dense::set(registers, observed.register, observed.rank);
    }
    raises
}

/// Keeps the cardinality of a value in it.
pub fn keep_cardinality(bytes: &mut [u8], cardinality: i64) {
    bytes[CARDINALITY_AT..HEADER].copy_from_slice(&cardinality.to_le_bytes());
}

/// Makes the cardinality that a value keeps void.
pub fn forget_cardinality(bytes: &mut [u8]) {
    bytes[HEADER - 1] |= VOID;
}

/// The ranks of all registers, a byte each: what several values are merged in.
pub struct Registers {
    ranks: Box<[u8; REGISTERS]>,
}

impl Default for Registers {
    fn default() -> Self {
        Registers {
            ranks: Box::new([0; REGISTERS]),
        }
    }
}

impl Registers {
    pub fn ranks(&self) -> &[u8] {
        &self.ranks[..]
    }

    /// As [`HyperLogLog::cardinality`].
    pub fn cardinality(&self) -> i64 {
        let mut histogram = [0; RANKS];
        for rank in self.ranks() {
            histogram[usize::from(*rank)] += 1;
        }
        estimate::cardinality(&histogram)
    }

    /// What an element for each register that is not empty would be.
    fn observations(&self) -> impl Iterator<Item = Observation> {
        let ranks = self.ranks().iter().copied().enumerate();
        ranks
            .filter(|(_, rank)| *rank > 0)
            .map(|(register, rank)| Observation { register, rank })
    }
}

/// MurmurHash64A, little-endian whatever the machine.
fn murmur(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mixed = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        let mixed = (mixed ^ mixed >> SHIFT).wrapping_mul(MULTIPLIER);
        hash = (hash ^ mixed).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests;
