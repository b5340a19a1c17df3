//! RESP2 and RESP3: incremental request parser, reply writer, reply reader.
