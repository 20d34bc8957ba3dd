//! What the API is set to.

use super::Tenancy;

/// What the API is set to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether requests name tenants.
    pub tenancy: Tenancy,
    /// The program's version, for `buildinfo`.
    pub version: String,
}
