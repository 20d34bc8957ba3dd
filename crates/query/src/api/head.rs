//! What every question says about itself.

use super::parameters::Parameters;
use super::{Accept, Answer, Settings, tenant};
use http::{header, request};
use std::time::SystemTime;

/// What every question says about itself.
#[derive(Debug, Clone)]
pub(super) struct Head<'r> {
    /// Whose traces it is about: at least one tenant, sorted, each once.
    pub(super) tenants: Vec<String>,
    /// The encoding of the answer.
    pub(super) accept: Accept,
    /// What stands behind the question mark.
    pub(super) parameters: Parameters<'r>,
    /// When it came, nanoseconds since 1970.
    pub(super) now: u64,
}

impl<'r> Head<'r> {
    /// Reads a request's headers.
    ///
    /// # Errors
    /// The answer that refuses its tenants.
    pub(super) fn read(
        request: &'r request::Parts,
        settings: &Settings,
        now: SystemTime,
    ) -> Result<Self, Answer> {
        let header = |name: &str| request.headers.get(name).map(|value| value.as_bytes());
        let tenants = tenant::tenants(settings.tenancy, header(tributary_span::tenant::HEADER))?;
        let accept = Accept::from_header(header(header::ACCEPT.as_str()).unwrap_or_default());
        let parameters = Parameters::new(request.uri.query().unwrap_or_default());
        Ok(Head { tenants, accept, parameters, now: nanoseconds(now) })
    }
}

/// Nanoseconds since 1970.
pub(super) fn nanoseconds(now: SystemTime) -> u64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
