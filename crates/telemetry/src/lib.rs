//! What a program tells its operator of itself: numbers on `/metrics`, and errors with all their
//! causes in a line of its log ([`ErrorChain`], [`Lines`]), once a minute each ([`Repeated`]). (Not the spans that it carries: those are in `tributary-span`.)
//!
//! In flow counts of what happens ([`Counter`], [`Gauge`], [`Histogram`]); out flows Prometheus'
//! text ([`Text`]). Any crate may use this one, the sidecar's included, so it depends on nothing:
//! there is no registry, no trait and no global. A program keeps its metrics in a struct of its own
//! and writes them one after the other when it is scraped.
//!
//! ```
//! use tributary_telemetry::{Counter, Text, Type};
//!
//! let orders = Counter::default();
//! orders.add(7);
//!
//! let mut text = Text::new("shop_");
//! text.family("orders_total", Type::Counter, "Orders taken.");
//! text.sample("orders_total", &[("paid", "yes")], orders.get());
//! let expected = [
//!     "# HELP shop_orders_total Orders taken.",
//!     "# TYPE shop_orders_total counter",
//!     "shop_orders_total{paid=\"yes\"} 7",
//! ];
//! assert_eq!(text.into_string().lines().collect::<Vec<_>>(), expected);
//! ```

mod error_chain;
mod lines;
mod metric;
mod repeated;
mod text;

pub use error_chain::ErrorChain;
pub use lines::Lines;
pub use metric::{Counter, Gauge, Histogram};
pub use repeated::{Repeated, TELL_EVERY};
pub use text::{Text, Type};
