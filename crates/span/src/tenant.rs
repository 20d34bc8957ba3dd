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
}
