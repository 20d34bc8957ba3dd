//! Tenants as Tempo names them: a folder in the bucket, so not every text will do.

/// The header, and gRPC metadata, in which senders name their tenant.
pub const HEADER: &str = "x-scope-orgid";

/// The tenant of everything that names none.
pub const SINGLE: &str = "single-tenant";

/// Longest id in bytes, as in Tempo.
pub const MAX_LEN: usize = 150;

/// Why a text cannot be a tenant's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// Empty, or longer than [`MAX_LEN`].
    #[error("a tenant id has 1 to {MAX_LEN} bytes, this one has {0}")]
    Length(usize),
    /// A character that Tempo does not allow either.
    #[error("a tenant id has letters, digits and !-_.*'() only")]
    Character,
    /// None, where each sender has to name one.
    #[error("no tenant: name one in X-Scope-OrgID")]
    Missing,
    /// `.` or `..`: they name other folders.
    #[error("a tenant id must not be . or ..")]
    Dots,
}

/// Proves that `id` can be a tenant's id. The rules are Tempo's: the id is a folder's name.
///
/// # Errors
/// What is wrong with it.
pub fn check(id: &str) -> Result<(), TenantError> {
    if id.is_empty() || id.len() > MAX_LEN {
        return Err(TenantError::Length(id.len()));
    }
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"!-_.*'()".contains(&b)) {
        return Err(TenantError::Character);
    }
    if id == "." || id == ".." {
        return Err(TenantError::Dots);
    }
    Ok(())
}

/// What [`HEADER`] means where spans are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// Nothing: all spans are of one tenant.
    Ignored,
    /// Whose the spans are: each request has one.
    Required,
    /// Whose the spans are, if it can be a tenant's id: for a receiver that does not know which of the
    /// two others holds.
    Optional,
}

impl Header {
    /// The tenant that a request names, of the bytes of its header.
    ///
    /// # Errors
    /// When each request has to name one, and this one names none or what can be none.
    pub fn named(self, value: Option<&[u8]>) -> Result<Option<&str>, TenantError> {
        let named = match value.map(<[u8]>::trim_ascii) {
            None | Some([]) => Err(TenantError::Missing),
            Some(value) => str::from_utf8(value)
                .map_err(|_| TenantError::Character)
                .and_then(|id| check(id).map(|()| id)),
        };
        match self {
            Header::Ignored => Ok(None),
            Header::Required => named.map(Some),
            Header::Optional => Ok(named.ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_tempos() {
        let long = "x".repeat(151);
        let table = [
            ("single-tenant", Ok(())),
            ("a!-_.*'()9", Ok(())),
            ("...", Ok(())),
            ("", Err(TenantError::Length(0))),
            (&long, Err(TenantError::Length(151))),
            ("a/b", Err(TenantError::Character)),
            ("a|b", Err(TenantError::Character)),
            ("ä", Err(TenantError::Character)),
            (".", Err(TenantError::Dots)),
            ("..", Err(TenantError::Dots)),
        ];
        for (id, expected) in table {
            assert_eq!(check(id), expected, "{id}");
        }
    }

    #[test]
    fn a_header_means_what_the_receiver_lets_it_mean() {
        use TenantError::{Character, Dots, Missing};
        let table: [(Option<&[u8]>, _); 8] = [
            (None, Err(Missing)),
            (Some(b""), Err(Missing)),
            (Some(b" \t"), Err(Missing)),
            (Some(b"team-a"), Ok("team-a")),
            (Some(b" team-a "), Ok("team-a")),
            (Some(b"a/b"), Err(Character)),
            (Some(b"\xff"), Err(Character)),
            (Some(b".."), Err(Dots)),
        ];
        for (value, required) in table {
            assert_eq!(Header::Ignored.named(value), Ok(None), "{value:?}");
            assert_eq!(Header::Required.named(value), required.map(Some), "{value:?}");
            assert_eq!(Header::Optional.named(value), Ok(required.ok()), "{value:?}");
        }
    }
}
