//! The page at `/`: its modules by their types, what is pure by tables, and the whole in a browser with
//! recorded traffic.

mod browser;
mod modules;
mod tools;
