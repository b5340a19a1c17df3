//! The packets of the bus, byte for byte those of Redis 7.0.
