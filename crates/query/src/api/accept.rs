//! How an answer is to be written.

/// The encoding of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Proto3 JSON.
    Json,
    /// Protobuf.
    Protobuf,
}

impl Accept {
    /// What an `Accept` header asks for. It is looked through for the names of the encodings, the
    /// protobuf one first, as Tempo does; weights do not count, and anything else means JSON.
    pub(super) fn from_header(accept: &[u8]) -> Accept {
        let protobuf = super::PROTOBUF.as_bytes();
        let named = accept.windows(protobuf.len()).any(|part| part.eq_ignore_ascii_case(protobuf));
        if named { Accept::Protobuf } else { Accept::Json }
    }
}
