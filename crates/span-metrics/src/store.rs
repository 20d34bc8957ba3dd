//! What is counted of all tenants.

use crate::edge::ConnectionType;
use crate::histogram::seconds;
use crate::stats::Stats;
use crate::tenant::{Shared, Tenant};
use crate::{Now, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_span::Columns;

/// Between two looks for stale series, milliseconds.
const SWEEP_MS: u64 = 30_000;

/// Calls between two services.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Who calls.
    pub client: String,
    /// Who is called.
    pub server: String,
    /// What lies between them.
    pub connection: ConnectionType,
    /// How many.
    pub calls: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long they took by the clients' spans, seconds in all.
    pub client_seconds: f64,
    /// The same by the servers' spans.
    pub server_seconds: f64,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Store {
    tenants: BTreeMap<Arc<str>, Box<Tenant>>,
    shared: Shared,
    swept: u64,
}

/// Memory of a tenant beside its series.
fn bytes_of(name: &str) -> usize {
    Tenant::LEAST_BYTES + name.len() + 64
}

impl Store {
    /// Nothing counted yet.
    pub fn new(settings: Settings) -> Store {
        Store { tenants: BTreeMap::new(), shared: Shared::new(settings), swept: 0 }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(crate) fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.get(name).map(|tenant| &**tenant)
    }

    /// Counts the spans of a frame. Each frame is to be counted once.
    pub fn count(&mut self, tenant: &Arc<str>, columns: &Columns, now: Now) {
        let Store { tenants, shared, .. } = self;
        if let Some(known) = tenants.get_mut(tenant) {
            return known.count(columns, shared, now);
        }
        if columns.is_empty() {
            return;
        }
        if !shared.series.take(bytes_of(tenant), 8) {
            shared.stats.spans_dropped += columns.len() as u64;
            return;
        }
        tenants.entry(tenant.clone()).or_default().count(columns, shared, now);
    }

    /// Counts the calls that have waited long enough, and drops what is stale. To be called every
    /// second or so.
    pub fn expire(&mut self, now: Now) {
        let Store { tenants, shared, swept } = self;
        for tenant in tenants.values_mut() {
            tenant.expire(shared, now);
        }
        if now.ms.saturating_sub(*swept) < SWEEP_MS {
            return;
        }
        *swept = now.ms;
        let before = now.ms.saturating_sub(shared.settings.stale_ms);
        tenants.retain(|name, tenant| {
            let stays = tenant.drop_stale(before, shared);
            if !stays {
                shared.series.give_back(bytes_of(name) + tenant.bytes());
            }
            stays
        });
    }

    /// Who calls whom, of some tenants together, sorted.
    pub fn calls(&self, tenants: &[String]) -> Vec<Call> {
        let mut found: BTreeMap<(String, String, ConnectionType), Call> = BTreeMap::new();
        for tenant in tenants.iter().filter_map(|name| self.tenant(name)) {
            for series in tenant.edges.all() {
                let mut values = series.values().map(str::to_owned);
                let mut next = || values.next().unwrap_or_default();
                let (client, server, connection) = (next(), next(), ConnectionType::of(&next()));
                let none = || Call {
                    client: client.clone(),
                    server: server.clone(),
                    connection,
                    calls: 0,
                    failed: 0,
                    client_seconds: 0.0,
                    server_seconds: 0.0,
                };
                let key = (client.clone(), server.clone(), connection);
                let call = found.entry(key).or_insert_with(none);
                call.calls += series.value.server.count();
                call.failed += series.value.failed;
                call.client_seconds += seconds(series.value.client.sum_ns);
                call.server_seconds += seconds(series.value.server.sum_ns);
            }
        }
        found.into_values().collect()
    }

    /// What happened, and how much there is.
    pub fn stats(&self) -> Stats {
        Stats {
            series: self.tenants.values().map(|tenant| tenant.series()).sum(),
            waiting: self.tenants.values().map(|tenant| tenant.waiting()).sum(),
            bytes: self.shared.series.used() + self.shared.waiting.used(),
            ..self.shared.stats
        }
    }
}

#[cfg(test)]
mod tests;
