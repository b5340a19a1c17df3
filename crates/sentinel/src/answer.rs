//! What a client is told.

/// A reply, before it has a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Ok,
    /// `+OK` if the [`Output::Save`](crate::Output::Save) of this very step succeeded; otherwise an
    /// error that says why not.
    OkIfSaved,
    /// A status, without its `+`.
    Status(String),
    /// With its code, without the `-`.
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Null,
    NullArray,
    Array(Vec<Answer>),
    /// A flat array in RESP2.
    Map(Vec<(Answer, Answer)>),
}
