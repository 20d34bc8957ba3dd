//! `deploy/mixin` and `docs/runbook.md`: every name in them is a metric that there is, every alert has
//! its section and its test, and Prometheus' own tool agrees.

mod agree;
mod dashboard;
mod expressions;
mod files;
mod tool;
