//! Which of two routes to the same thing was called.

/// Tempo has answered some questions in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The older one. `/api/traces/{id}`: the bare trace, 404 when there is none.
    /// `/api/search/tags` and `/api/search/tag/{tag}/values`: names without scopes, values
    /// without types.
    V1,
    /// The newer one. `/api/v2/traces/{id}`: the trace in an envelope that can say that something
    /// is missing, 200 with an empty trace when there is none. `/api/v2/search/…`: names by
    /// scope, values with types.
    V2,
}
