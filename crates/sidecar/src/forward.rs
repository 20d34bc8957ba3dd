//! Forwards frames to the ingesters: one forwarder for each lane of the buffer that has work
//! ([`forwarder`]), each with one stream at a time ([`stream`]). Before the first there is
//! a [`question`].

mod forwarder;
mod question;
mod stream;

pub(crate) use question::ask_what_tenants_mean;
pub(crate) use stream::Connector;

use crate::buffer::Buffer;
use crate::random::Rng;
use crate::route::Members;
use forwarder::Forwarder;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Gives every lane that has work a forwarder. Runs for ever; dropped, it ends them all.
pub(crate) async fn forward(
    members: Arc<Members>,
    buffer: Arc<Buffer>,
    connector: Connector,
    mut rng: Rng,
) {
    let mut forwarders = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = forwarders.join_next() => {}
            new = buffer.new_lanes() => for lane in new {
                let (buffer, members) = (Arc::clone(&buffer), Arc::clone(&members));
                let rng = Rng::new(rng.next_u64());
                let forwarder = Forwarder::new(lane, buffer, members, connector.clone(), rng);
                forwarders.spawn(forwarder.run());
            }
        }
    }
}
