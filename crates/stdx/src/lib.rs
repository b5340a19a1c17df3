//! What std lacks: crc16, crc64, glob, number text, prng.
