//! What it means to this sidecar that an application names a tenant.
//!
//! The ingesters know: they say so in each welcome (the wire's rule W17), and the first request makes
//! the sidecar ask ([`crate::forward`]) and waits a moment for the answer. While no ingester can be
//! reached, what can be a tenant's id is taken for one and all else is the default tenant's: nothing
//! is refused because an ingester is away.

use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};
use tributary_span::tenant::Header;
use tributary_wire::v1::Tenants;

/// How long requests wait for the first answer, from the first request on.
const PATIENCE: Duration = Duration::from_secs(1);

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Tenancy {
    /// Whether all spans are of the tenant that the sidecar was told.
    of_one: bool,
    means: watch::Sender<Option<Header>>,
    wanted: Notify,
    until: OnceLock<Instant>,
}

impl Tenancy {
    /// Not known yet; or, where all spans are `of_one` tenant that the sidecar was told, that names
    /// mean nothing.
    pub(crate) fn new(of_one: bool) -> Self {
        let means = watch::Sender::new(of_one.then_some(Header::Ignored));
        Tenancy { of_one, means, wanted: Notify::new(), until: OnceLock::new() }
    }

    /// What a name means to a request that comes now.
    pub(crate) async fn header(&self) -> Header {
        if let Some(means) = *self.means.borrow() {
            return means;
        }
        self.wanted.notify_one();
        let until = *self.until.get_or_init(|| Instant::now() + PATIENCE);
        let mut means = self.means.subscribe();
        let told = timeout_at(until, means.wait_for(Option::is_some)).await;
        told.ok().and_then(Result::ok).and_then(|means| *means).unwrap_or(Header::Optional)
    }

    /// An ingester has said what names mean.
    pub(crate) fn told(&self, tenants: i32) {
        let means = match (self.of_one, Tenants::try_from(tenants)) {
            (true, _) | (false, Ok(Tenants::One)) => Header::Ignored,
            (false, Ok(Tenants::Named)) => Header::Required,
            (false, _) => Header::Optional,
        };
        self.means.send_if_modified(|known| known.replace(means) != Some(means));
    }

    /// Waits until a request wants to know.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Waits until an ingester has said it.
    pub(crate) async fn known(&self) {
        let mut means = self.means.subscribe();
        // The sender is here, so that this ends with a value alone.
        let _known = means.wait_for(Option::is_some).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_request_waits_for_an_answer_and_none_after_it() {
        let tenancy = Tenancy::new(false);
        let start = Instant::now();
        let asked = async {
            tenancy.wanted().await;
            tenancy.told(Tenants::Named.into());
        };
        assert_eq!(tokio::join!(tenancy.header(), asked).0, Header::Required);
        tenancy.told(Tenants::One.into());
        assert_eq!(tenancy.header().await, Header::Ignored);
        tenancy.told(7);
        assert_eq!(tenancy.header().await, Header::Optional);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_requests_wait_for_a_second_in_all() {
        let tenancy = Tenancy::new(false);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(tenancy.header().await, Header::Optional);
        }
        assert_eq!(start.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_spans_are_of_one_tenant_nobody_is_asked() {
        let tenancy = Tenancy::new(true);
        assert_eq!(tenancy.header().await, Header::Ignored);
        tenancy.told(Tenants::Named.into());
        assert_eq!(tenancy.header().await, Header::Ignored);
    }
}
