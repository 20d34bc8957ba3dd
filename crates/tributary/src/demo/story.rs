//! The story that the demo tells: a shop of three services, one trace a customer's request.
//!
//! `frontend` calls `user-service`, which looks into its cache and calls `order-service`, which
//! talks to its database. A checkout also sends a message that `order-service` works off later.
//! A few requests fail in the database, one now and then is slow.
//!
//! Trace `n` of a seed is always the same, down to its ids, whenever it is told: what was sent need
//! not be remembered in order to look for it later.

mod attributes;

use crate::common::random::Random;
pub(crate) use attributes::{Attributes, Value};
use attributes::{database, http_client, http_server, messaging};
use std::time::Duration;
use tributary_span::{SpanId, TraceId};

/// The three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Frontend,
    Users,
    Orders,
}

impl Service {
    pub(crate) const ALL: [Service; 3] = [Service::Frontend, Service::Users, Service::Orders];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Frontend => "frontend",
            Service::Users => "user-service",
            Service::Orders => "order-service",
        }
    }
}

/// `SpanKind` by its numbers in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// What went wrong in a span: `exception.type` and its message.
pub(crate) type Failure = (&'static str, &'static str);

/// A span as the story knows it: times count from the trace's start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StorySpan {
    pub(crate) service: Service,
    pub(crate) id: SpanId,
    /// Zero for the root.
    pub(crate) parent: SpanId,
    pub(crate) name: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    pub(crate) attributes: Attributes,
    /// The span that failed has the exception as an event; those above it have an error status.
    pub(crate) failure: Option<Failure>,
    pub(crate) error: bool,
    /// The span that caused this one without waiting for it.
    pub(crate) link: Option<SpanId>,
}

/// One customer's request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoryTrace {
    pub(crate) id: TraceId,
    /// Parents stand before their children, the root first.
    pub(crate) spans: Vec<StorySpan>,
}

/// What happens in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plot {
    /// A list of orders is looked at.
    Browse,
    /// … while the database takes its time.
    SlowBrowse,
    /// Something is bought.
    Checkout,
    /// … or not, for the database refuses.
    FailedCheckout,
}

/// Trace number `n` of the story with this seed. The first one has an error, so that there is
/// something to see.
pub(crate) fn trace(seed: u64, n: u64) -> StoryTrace {
    let mut random = Random::new(seed, n);
    let (high, low) = (random.next_u64() | 1, random.next_u64());
    let id = TraceId((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
    let plot = match (n, random.below(100)) {
        (0, _) | (_, 0..4) => Plot::FailedCheckout,
        (_, 4..6) => Plot::SlowBrowse,
        (_, 6..40) => Plot::Checkout,
        _ => Plot::Browse,
    };
    let mut telling = Telling { random, now: Duration::ZERO, spans: Vec::new() };
    telling.frontend(plot);
    StoryTrace { id, spans: telling.spans }
}

/// A trace while it is being told.
struct Telling {
    random: Random,
    /// Time since the trace's start.
    now: Duration,
    spans: Vec<StorySpan>,
}

impl Telling {
    fn frontend(&mut self, plot: Plot) {
        let user = self.random.below(5_000);
        let (name, method, path) = match plot {
            Plot::Browse | Plot::SlowBrowse => ("GET /api/orders", "GET", "/api/orders"),
            Plot::Checkout | Plot::FailedCheckout => {
                ("POST /api/checkout", "POST", "/api/checkout")
            }
        };
        let failed = plot == Plot::FailedCheckout;
        let mut attributes = http_server(method, path, path, failed);
        attributes.extend([
            ("user_agent.original", self.one_of(&USER_AGENTS).into()),
            ("client.address", format!("198.51.100.{}", self.random.below(254) + 1).into()),
            ("enduser.id", format!("user-{user:04}").into()),
        ]);
        let (service, kind) = (Service::Frontend, SpanKind::Server);
        let root = self.span(SpanId::default(), service, kind, name, attributes, |tell, root| {
            tell.pass(300, 900);
            let inner =
                format!("/users/{user:04}/{}", if method == "GET" { "orders" } else { "checkout" });
            let client = http_client(method, "user-service", 8081, &inner, failed);
            let call = tell.span(
                root,
                Service::Frontend,
                SpanKind::Client,
                method,
                client,
                |tell, call| {
                    tell.users(call, plot, method, &inner);
                },
            );
            tell.fail_if(failed, call);
            tell.pass(200, 600);
        });
        self.fail_if(failed, root);
    }

    fn users(&mut self, caller: SpanId, plot: Plot, method: &'static str, path: &str) {
        let (name, route, inner) = match plot {
            Plot::Browse | Plot::SlowBrowse => {
                ("GET /users/{id}/orders", "/users/{id}/orders", "/orders")
            }
            Plot::Checkout | Plot::FailedCheckout => {
                ("POST /users/{id}/checkout", "/users/{id}/checkout", "/orders")
            }
        };
        let failed = plot == Plot::FailedCheckout;
        let attributes = http_server(method, path, route, failed);
        let (service, kind) = (Service::Users, SpanKind::Server);
        let handler = self.span(caller, service, kind, name, attributes, |tell, handler| {
            tell.pass(100, 400);
            let hit = tell.random.below(10) > 0;
            let mut cache = database("redis", "0", "GET", "GET user:?", "cache", 6379);
            cache.push(("cache.hit", hit.into()));
            tell.span(handler, Service::Users, SpanKind::Client, "GET", cache, |tell, _| {
                tell.pass(200, 700)
            });
            if !hit {
                let sql = "SELECT id, name, tier FROM users WHERE id = $1";
                let query = database("postgresql", "users", "SELECT", sql, "users-db", 5432);
                tell.span(
                    handler,
                    Service::Users,
                    SpanKind::Client,
                    "SELECT users",
                    query,
                    |tell, _| {
                        tell.pass(900, 4_000);
                    },
                );
            }
            let client = http_client(method, "order-service", 8082, inner, failed);
            let call = tell.span(
                handler,
                Service::Users,
                SpanKind::Client,
                method,
                client,
                |tell, call| {
                    tell.orders(call, plot);
                },
            );
            tell.fail_if(failed, call);
            tell.pass(100, 500);
        });
        self.fail_if(failed, handler);
    }

    fn orders(&mut self, caller: SpanId, plot: Plot) {
        let (kind, service) = (SpanKind::Server, Service::Orders);
        match plot {
            Plot::Browse | Plot::SlowBrowse => {
                let attributes = http_server("GET", "/orders", "/orders", false);
                self.span(caller, service, kind, "GET /orders", attributes, |tell, handler| {
                    tell.load_orders(handler, plot == Plot::SlowBrowse);
                });
            }
            Plot::Checkout | Plot::FailedCheckout => {
                let failed = plot == Plot::FailedCheckout;
                let attributes = http_server("POST", "/orders", "/orders", failed);
                let handler = self.span(
                    caller,
                    service,
                    kind,
                    "POST /orders",
                    attributes,
                    |tell, handler| {
                        tell.place_order(handler, failed);
                    },
                );
                self.fail_if(failed, handler);
            }
        }
    }

    fn load_orders(&mut self, handler: SpanId, slow: bool) {
        let sql = "SELECT o.id, o.total, o.state FROM orders o WHERE o.user_id = $1 ORDER BY o.created DESC LIMIT 20";
        let rows = self.random.below(20).cast_signed();
        let mut query = database("postgresql", "orders", "SELECT", sql, "orders-db", 5432);
        query.push(("db.response.returned_rows", rows.into()));
        self.pass(100, 300);
        self.span(handler, Service::Orders, SpanKind::Client, "SELECT orders", query, |tell, _| {
            if slow { tell.pass(1_200_000, 2_800_000) } else { tell.pass(800, 6_000) }
        });
        let attributes = vec![("orders.count", rows.into())];
        self.span(
            handler,
            Service::Orders,
            SpanKind::Internal,
            "render orders",
            attributes,
            |tell, _| {
                tell.pass(100, 900);
            },
        );
    }

    fn place_order(&mut self, handler: SpanId, fail: bool) {
        let items = (self.random.below(5) + 1).cast_signed();
        let order = format!("order-{:06}", self.random.below(1_000_000));
        self.pass(100, 400);
        let attributes = vec![("order.items", items.into())];
        self.span(
            handler,
            Service::Orders,
            SpanKind::Internal,
            "price cart",
            attributes,
            |tell, _| {
                tell.pass(200, 1_500);
            },
        );
        let sql = "INSERT INTO orders (id, user_id, total) VALUES ($1, $2, $3)";
        let insert = database("postgresql", "orders", "INSERT", sql, "orders-db", 5432);
        let insert = self.span(
            handler,
            Service::Orders,
            SpanKind::Client,
            "INSERT orders",
            insert,
            |tell, _| {
                if fail { tell.pass(4_000, 30_000) } else { tell.pass(1_000, 5_000) }
            },
        );
        if fail {
            let failure = self.one_of(&FAILURES);
            self.fail_if(true, insert);
            if let Some(span) = self.spans.iter_mut().find(|span| span.id == insert) {
                span.failure = Some(failure);
                span.attributes.push(("error.type", failure.0.into()));
            }
            return;
        }
        let message = messaging("send", &order);
        let send = self.span(
            handler,
            Service::Orders,
            SpanKind::Producer,
            "send orders",
            message,
            |tell, _| {
                tell.pass(300, 1_200);
            },
        );
        // The worker takes the message up later; the customer does not wait for it.
        let answered = self.now;
        self.pass(2_000, 15_000);
        let message = messaging("process", &order);
        let work = self.span(
            send,
            Service::Orders,
            SpanKind::Consumer,
            "process orders",
            message,
            |tell, work| {
                let sql = "UPDATE stock SET reserved = reserved + $1 WHERE sku = ANY($2)";
                let mut update = database("postgresql", "orders", "UPDATE", sql, "orders-db", 5432);
                update.push(("db.operation.batch.size", items.into()));
                tell.span(
                    work,
                    Service::Orders,
                    SpanKind::Client,
                    "UPDATE stock",
                    update,
                    |tell, _| {
                        tell.pass(1_000, 7_000);
                    },
                );
                tell.pass(200, 800);
            },
        );
        if let Some(span) = self.spans.iter_mut().find(|span| span.id == work) {
            span.link = Some(send);
        }
        self.now = answered;
        self.pass(100, 300);
    }

    /// Tells a span and what happens in it; the span's id.
    fn span(
        &mut self,
        parent: SpanId,
        service: Service,
        kind: SpanKind,
        name: &'static str,
        attributes: Attributes,
        inside: impl FnOnce(&mut Self, SpanId),
    ) -> SpanId {
        let id = SpanId((self.random.next_u64() | 1).to_be_bytes());
        let at = self.spans.len();
        self.pass(20, 120);
        self.spans.push(StorySpan {
            service,
            id,
            parent,
            name,
            kind,
            start: self.now,
            end: self.now,
            attributes,
            failure: None,
            error: false,
            link: None,
        });
        inside(self, id);
        self.pass(20, 120);
        if let Some(span) = self.spans.get_mut(at) {
            span.end = self.now;
        }
        id
    }

    /// Lets between `least` and `most` microseconds pass.
    fn pass(&mut self, least: u64, most: u64) {
        self.now += Duration::from_nanos(least * 1000 + self.random.below((most - least) * 1000));
    }

    fn fail_if(&mut self, failed: bool, id: SpanId) {
        if let Some(span) = self.spans.iter_mut().find(|span| failed && span.id == id) {
            span.error = true;
        }
    }

    fn one_of<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let at = usize::try_from(self.random.below(of.len() as u64)).unwrap_or(0);
        of.get(at).copied().unwrap_or_default()
    }
}

const USER_AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "shop-app/4.2.0 (Android 15)",
];

const FAILURES: [Failure; 3] = [
    ("DeadlockDetected", "deadlock detected while inserting into relation \"orders\""),
    ("ConnectionTimeout", "no connection to orders-db:5432 from the pool within 5 s"),
    ("UniqueViolation", "duplicate key value violates unique constraint \"orders_pkey\""),
];

#[cfg(test)]
mod tests;
