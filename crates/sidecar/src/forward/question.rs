//! Asks an ingester what tenants mean, for the first request that wants to know.

use super::stream::Connector;
use crate::backoff::{self, Backoff};
use crate::buffer::Buffer;
use crate::random::Rng;
use crate::route::Members;
use std::sync::Arc;
use tokio::time::sleep;
use tracing::debug;
use tributary_telemetry::ErrorChain;

/// Waits for that request, then asks one ingester after the other until one answers, or a lane's
/// stream was told.
pub(crate) async fn ask_what_tenants_mean(
    members: Arc<Members>,
    buffer: Arc<Buffer>,
    connector: Connector,
    rng: Rng,
) {
    let tenancy = buffer.tenancy();
    tenancy.wanted().await;
    tokio::select! {
        () = tenancy.known() => {}
        () = ask(&members, &buffer, &connector, rng) => {}
    }
}

async fn ask(members: &Members, buffer: &Buffer, connector: &Connector, rng: Rng) {
    let (mut plan, mut backoff) = (members.plan(), Backoff::new(rng));
    for tries in 0.. {
        let target = plan.borrow_and_update().target(0, tries).map(str::to_owned);
        let Some(address) = target else {
            // The names are being looked up, again and again if need be.
            if plan.changed().await.is_err() {
                return;
            }
            continue;
        };
        match connector.open(&address, 0, "").await {
            Ok(stream) => return buffer.tenancy().told(stream.tenants),
            Err(error) => {
                debug!(%address, error = %ErrorChain(&error), "what tenants mean is not known yet");
                sleep(backoff.wait_up_to(backoff::LONGEST)).await;
            }
        }
    }
}
