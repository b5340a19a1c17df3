//! A small generator of pseudo-random numbers: xoshiro256++, seeded through SplitMix64.
//!
//! Good enough for sampling, skip lists, hash seeds of a test and shuffles; worth nothing against
//! someone who wants to guess. The same seed gives the same numbers for ever: simulations and
//! recorded tests depend on it.

/// The generator. A clone continues with the same numbers.
#[derive(Clone, Debug)]
pub struct Prng {
    state: [u64; 4],
}

impl Prng {
    /// A generator whose numbers follow from `seed`; close seeds give unrelated numbers.
    pub fn new(mut seed: u64) -> Self {
        Self {
            state: std::array::from_fn(|_| split_mix(&mut seed)),
        }
    }

    /// Any `u64`, all equally likely.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// A number from 0 to `bound` - 1, all equally likely. `bound` must not be 0.
    ///
    /// The high half of draw × bound is the answer. Some answers are reachable from one draw more
    /// than others; the surplus is recognised by a small low half, and drawn again.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            let (answer, low) = ((product >> 64) as u64, product as u64);
            // The surplus is 2^64 mod bound; the division is rarely needed.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return answer;
            }
        }
    }

    /// Overwrites `bytes` with random ones.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ *seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_algorithms() {
        let mut seed = 1_234_567;
        let drawn = [
            split_mix(&mut seed),
            split_mix(&mut seed),
            split_mix(&mut seed),
        ];
        assert_eq!(
            drawn,
            [
                6457827717110365317,
                3203168211198807973,
                9817491932198370423
            ]
        );

        let mut prng = Prng {
            state: [1, 2, 3, 4],
        };
        let drawn = [
            prng.next_u64(),
            prng.next_u64(),
            prng.next_u64(),
            prng.next_u64(),
        ];
        assert_eq!(
            drawn,
            [41943041, 58720359, 3588806011781223, 3591011842654386]
        );
    }

    #[test]
    fn below_is_even() {
        let mut prng = Prng::new(1);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[prng.below(6) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_500..10_500).contains(count)),
            "{counts:?}"
        );
        assert_eq!(prng.below(1), 0);
        // Half of all draws are surplus here; the answers still cover the upper half.
        let bound = (1 << 63) + 1;
        let upper = (0..1_000).filter(|_| prng.below(bound) > bound / 2).count();
        assert!((400..600).contains(&upper), "{upper}");
    }

    #[test]
    fn fill_reaches_every_byte() {
        let mut bytes = [0; 13];
        let mut touched = [false; 13];
        let mut prng = Prng::new(2);
        for _ in 0..20 {
            prng.fill(&mut bytes);
            for (touched, byte) in touched.iter_mut().zip(bytes) {
                *touched |= byte != 0;
            }
        }
        assert_eq!(touched, [true; 13]);
        prng.fill(&mut []);
    }
}
