//! Whose spans a stream carries.

use std::sync::Arc;
use tributary_span::tenant::{self, TenantError};
use tributary_wire::v1::Tenants;

/// The tenant of a stream's spans, and what its sender is told of tenants (the wire's rule W17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// None when each stream has to name one and this one does not: it may carry no spans.
    pub(super) tenant: Option<Arc<str>>,
    /// What a name in a hello means to this sender.
    pub(super) tenants: Tenants,
}

impl Owner {
    /// Decides whose spans come from a sender that says they are `asked`'s, and whose identity may
    /// write as `only` and as no other.
    ///
    /// # Errors
    /// When no tenant can have the name that counts.
    pub(super) fn of(
        multitenancy: bool,
        only: Option<&str>,
        asked: &str,
    ) -> Result<Owner, TenantError> {
        let (tenant, tenants) = match (multitenancy, only, asked) {
            (false, ..) => (Some(tenant::SINGLE), Tenants::One),
            (true, Some(only), _) => (Some(only), Tenants::One),
            (true, None, "") => (None, Tenants::Named),
            (true, None, asked) => (Some(asked), Tenants::Named),
        };
        tenant.map_or(Ok(()), tenant::check)?;
        Ok(Owner { tenant: tenant.map(Arc::from), tenants })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_where_tenants_are_told_apart() {
        let table = [
            (false, None, "", Ok((Some("single-tenant"), Tenants::One))),
            (false, None, "team-a", Ok((Some("single-tenant"), Tenants::One))),
            (false, None, "a/b", Ok((Some("single-tenant"), Tenants::One))),
            (true, None, "", Ok((None, Tenants::Named))),
            (true, None, "team-a", Ok((Some("team-a"), Tenants::Named))),
            (true, None, "a/b", Err(TenantError::Character)),
            (true, Some("pay"), "", Ok((Some("pay"), Tenants::One))),
            (true, Some("pay"), "team-a", Ok((Some("pay"), Tenants::One))),
            (true, Some("pay"), "a/b", Ok((Some("pay"), Tenants::One))),
            (true, Some("a/b"), "team-a", Err(TenantError::Character)),
        ];
        for (multitenancy, only, asked, expected) in table {
            let owner = Owner::of(multitenancy, only, asked);
            let got = owner.as_ref().map(|owner| (owner.tenant.as_deref(), owner.tenants));
            assert_eq!(got, expected.as_ref().map(|e| *e), "{multitenancy} {only:?} {asked}");
        }
    }
}
