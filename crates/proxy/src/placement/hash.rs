//! The hash functions that a pool can be given, each giving 32 bits. All arithmetic wraps.

use md5::{Digest, Md5};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    OneAtATime,
    Md5,
    Crc16,
    Crc32,
    Crc32a,
    Fnv164,
    Fnv1a64,
    Fnv132,
    Fnv1a32,
    Hsieh,
    Murmur,
    Jenkins,
}

/// Every hash function under the name that configuration files know.
pub const HASHES: &[(&str, Hash)] = &[
    ("one_at_a_time", Hash::OneAtATime),
    ("md5", Hash::Md5),
    ("crc16", Hash::Crc16),
    ("crc32", Hash::Crc32),
    ("crc32a", Hash::Crc32a),
    ("fnv1_64", Hash::Fnv164),
    ("fnv1a_64", Hash::Fnv1a64),
    ("fnv1_32", Hash::Fnv132),
    ("fnv1a_32", Hash::Fnv1a32),
    ("hsieh", Hash::Hsieh),
    ("murmur", Hash::Murmur),
    ("jenkins", Hash::Jenkins),
];

impl Hash {
    pub fn by_name(name: &[u8]) -> Option<Hash> {
        let found = HASHES.iter().find(|(text, _)| text.as_bytes() == name);
        found.map(|(_, hash)| *hash)
    }

    pub fn name(self) -> &'static str {
        let found = HASHES.iter().find(|(_, hash)| *hash == self);
        found.map_or("", |(name, _)| name)
    }

    /// The hash of a key. An empty one has 0 with every function.
    pub fn of(self, key: &[u8]) -> u32 {
        if key.is_empty() {
            return 0;
        }
        match self {
            Hash::OneAtATime => one_at_a_time(key),
            Hash::Md5 => md5_words(key)[0],
            Hash::Crc16 => crc16(key),
            Hash::Crc32 => (crc32(key) >> 16) & 0x7fff,
            Hash::Crc32a => crc32(key),
            Hash::Fnv164 => fnv1(key, FNV_64_INIT, FNV_64_PRIME),
            Hash::Fnv1a64 => fnv1a(key, FNV_64_INIT, FNV_64_PRIME),
            Hash::Fnv132 => fnv1(key, FNV_32_INIT, FNV_32_PRIME),
            Hash::Fnv1a32 => fnv1a(key, FNV_32_INIT, FNV_32_PRIME),
            Hash::Hsieh => hsieh(key),
            Hash::Murmur => murmur(key),
            Hash::Jenkins => jenkins(key),
        }
    }
}

/// The four words of an MD5 digest, the least significant byte first.
pub fn md5_words(bytes: &[u8]) -> [u32; 4] {
    let digest: [u8; 16] = Md5::digest(bytes).into();
    [0, 4, 8, 12].map(|at| word(&digest[at..]))
}

/// A byte as a signed character becomes a word: the original's characters have a sign.
fn signed(byte: u8) -> u32 {
    byte as i8 as i32 as u32
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn half_word(bytes: &[u8]) -> u32 {
    u32::from(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn one_at_a_time(key: &[u8]) -> u32 {
    let mut sum = 0u32;
    for &byte in key {
        sum = sum.wrapping_add(signed(byte));
        sum = sum.wrapping_add(sum << 10);
        sum ^= sum >> 6;
    }
    sum = sum.wrapping_add(sum << 3);
    sum ^= sum >> 11;
    sum.wrapping_add(sum << 15)
}

/// The 64-bit function cut to its lower half, which its prime and start are cut to, too.
const FNV_64_INIT: u32 = 0x8422_2325;
const FNV_64_PRIME: u32 = 0x1b3;
const FNV_32_INIT: u32 = 2_166_136_261;
const FNV_32_PRIME: u32 = 16_777_619;

fn fnv1(key: &[u8], init: u32, prime: u32) -> u32 {
    key.iter()
        .fold(init, |sum, &byte| sum.wrapping_mul(prime) ^ signed(byte))
}

fn fnv1a(key: &[u8], init: u32, prime: u32) -> u32 {
    key.iter()
        .fold(init, |sum, &byte| (sum ^ signed(byte)).wrapping_mul(prime))
}

static CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut sum = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 != 0 {
                (sum << 1) ^ 0x1021
            } else {
                sum << 1
            };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

/// The register is never cut to 16 bits: what is shifted out of them stays in the result.
fn crc16(key: &[u8]) -> u32 {
    key.iter().fold(0, |sum: u32, &byte| {
        let index = ((sum >> 8) ^ u32::from(byte)) & 0xff;
        (sum << 8) ^ u32::from(CRC16[index as usize])
    })
}

static CRC32: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut sum = index as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 != 0 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

fn crc32(key: &[u8]) -> u32 {
    !key.iter().fold(u32::MAX, |sum, &byte| {
        (sum >> 8) ^ CRC32[((sum ^ u32::from(byte)) & 0xff) as usize]
    })
}

/// SuperFastHash.
fn hsieh(key: &[u8]) -> u32 {
    let mut sum = 0u32;
    let blocks = key.chunks_exact(4);
    let tail = blocks.remainder();
    for block in blocks {
        sum = sum.wrapping_add(half_word(block));
        let mixed = (half_word(&block[2..]) << 11) ^ sum;
        sum = (sum << 16) ^ mixed;
        sum = sum.wrapping_add(sum >> 11);
    }
    match tail {
        [_, _, last] => {
            sum = sum.wrapping_add(half_word(tail));
            sum ^= sum << 16;
            sum ^= signed(*last) << 18;
            sum = sum.wrapping_add(sum >> 11);
        }
        [_, _] => {
            sum = sum.wrapping_add(half_word(tail));
            sum ^= sum << 11;
            sum = sum.wrapping_add(sum >> 17);
        }
        [last] => {
            sum = sum.wrapping_add(u32::from(*last));
            sum ^= sum << 10;
            sum = sum.wrapping_add(sum >> 1);
        }
        _ => {}
    }
    sum ^= sum << 3;
    sum = sum.wrapping_add(sum >> 5);
    sum ^= sum << 4;
    sum = sum.wrapping_add(sum >> 17);
    sum ^= sum << 25;
    sum.wrapping_add(sum >> 6)
}

/// MurmurHash2.
fn murmur(key: &[u8]) -> u32 {
    const MULTIPLIER: u32 = 0x5bd1_e995;
    let len = key.len() as u32;
    let mut sum = 0xdead_beef_u32.wrapping_mul(len) ^ len;
    let blocks = key.chunks_exact(4);
    let tail = blocks.remainder();
    for block in blocks {
        let mut mixed = word(block).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> 24;
        sum = sum.wrapping_mul(MULTIPLIER) ^ mixed.wrapping_mul(MULTIPLIER);
    }
    if !tail.is_empty() {
        let bytes = tail.iter().enumerate();
        sum ^= bytes.fold(0, |rest, (index, &byte)| {
            rest | (u32::from(byte) << (8 * index))
        });
        sum = sum.wrapping_mul(MULTIPLIER);
    }
    sum ^= sum >> 13;
    sum = sum.wrapping_mul(MULTIPLIER);
    sum ^ (sum >> 15)
}

/// The third of Bob Jenkins's lookup functions, for little-endian words.
fn jenkins(key: &[u8]) -> u32 {
    let start = 0xdead_beef_u32
        .wrapping_add(key.len() as u32)
        .wrapping_add(13);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = key;
    while rest.len() > 12 {
        a = a.wrapping_add(word(rest));
        b = b.wrapping_add(word(&rest[4..]));
        c = c.wrapping_add(word(&rest[8..]));
        (a, b, c) = jenkins_mix(a, b, c);
        rest = &rest[12..];
    }
    if rest.is_empty() {
        return c;
    }
    let mut padded = [0; 12];
    padded[..rest.len()].copy_from_slice(rest);
    a = a.wrapping_add(word(&padded));
    b = b.wrapping_add(word(&padded[4..]));
    c = c.wrapping_add(word(&padded[8..]));
    jenkins_end(a, b, c)
}

fn jenkins_mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    (a, b, c)
}

fn jenkins_end(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}
