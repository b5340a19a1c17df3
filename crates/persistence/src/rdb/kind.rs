//! The types of values in a dump, and the instructions between them: one byte each.

pub const STRING: u8 = 0;
pub const LIST: u8 = 1;
pub const SET: u8 = 2;
/// Scores are decimal digits.
pub const SORTED_SET_TEXT: u8 = 3;
pub const HASH: u8 = 4;
pub const SORTED_SET: u8 = 5;
pub const MODULE: u8 = 6;
pub const MODULE_2: u8 = 7;
pub const HASH_ZIPMAP: u8 = 9;
pub const LIST_ZIPLIST: u8 = 10;
pub const SET_INTSET: u8 = 11;
pub const SORTED_SET_ZIPLIST: u8 = 12;
pub const HASH_ZIPLIST: u8 = 13;
pub const LIST_QUICKLIST: u8 = 14;
pub const STREAM: u8 = 15;
pub const HASH_LISTPACK: u8 = 16;
pub const SORTED_SET_LISTPACK: u8 = 17;
pub const LIST_QUICKLIST_2: u8 = 18;
pub const STREAM_2: u8 = 19;
pub const SET_LISTPACK: u8 = 20;
pub const STREAM_3: u8 = 21;

/// The last type that any peer is known to write.
const LAST: u8 = 25;

pub(super) const SLOT_INFO: u8 = 244;
pub(super) const FUNCTION: u8 = 245;
pub(super) const FUNCTION_EARLY: u8 = 246;
pub(super) const MODULE_AUX: u8 = 247;
pub(super) const IDLE: u8 = 248;
pub(super) const FREQUENCY: u8 = 249;
pub(super) const AUX: u8 = 250;
pub(super) const SIZES: u8 = 251;
pub(super) const EXPIRY_MILLIS: u8 = 252;
pub(super) const EXPIRY_SECONDS: u8 = 253;
pub(super) const SELECT: u8 = 254;
pub(super) const END: u8 = 255;

/// Whether any peer is known to write values of this type.
pub(super) fn is_known(kind: u8) -> bool {
    kind <= LAST && kind != 8
}

/// Whether values of this type can be held here.
pub fn is_supported(kind: u8) -> bool {
    matches!(kind, STRING..=SORTED_SET | HASH_ZIPMAP..=LIST_QUICKLIST)
        || matches!(kind, HASH_LISTPACK..=LIST_QUICKLIST_2 | SET_LISTPACK)
}

/// What the checker of snapshots calls a type.
pub fn name(kind: u8) -> &'static str {
    match kind {
        STRING => "string",
        LIST => "list-linked",
        SET => "set-hashtable",
        SORTED_SET_TEXT => "zset-v1",
        HASH => "hash-hashtable",
        SORTED_SET => "zset-v2",
        MODULE | MODULE_2 => "module-value",
        HASH_ZIPMAP => "hash-zipmap",
        LIST_ZIPLIST => "list-ziplist",
        SET_INTSET => "set-intset",
        SORTED_SET_ZIPLIST => "zset-ziplist",
        HASH_ZIPLIST => "hash-ziplist",
        LIST_QUICKLIST => "quicklist",
        STREAM => "stream",
        HASH_LISTPACK => "hash-listpack",
        SORTED_SET_LISTPACK => "zset-listpack",
        LIST_QUICKLIST_2 => "quicklist-v2",
        STREAM_2 => "stream-v2",
        SET_LISTPACK => "set-listpack",
        STREAM_3 => "stream-v3",
        _ => "unknown",
    }
}
