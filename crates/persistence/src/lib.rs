//! RDB and AOF as codecs and plans: bytes to values and back, manifest to file actions.
