//! What the programs can be told, and how: one dialect for the sidecar, the ingester and the tool.
//!
//! A program states its settings in one [`Table`]. [`Table::gather`] collects the text of each
//! setting from flags and variables ([`Table::gather_with_file`], with the feature `yaml`, from a file as
//! well), and the program turns the texts into values by [`Given::take`] and [`Given::find`]. What
//! is wrong is noted on the way and told in one message at the end ([`Given::finish`]), so that an
//! operator mends everything at once. Nothing here opens a socket or runs a task.
//!
//! # Names
//!
//! A setting has one name, written in three ways: `--block-age` on the command line,
//! `TRIBUTARY_BLOCK_AGE` in the environment, `block_age` in the file. A flag overrides a variable,
//! a variable overrides the file; of a flag that is given twice the last one counts. On the command
//! line and in the file `-` and `_` are the same.
//!
//! A variable, a key or a flag with an empty value is not set: that is how templates say so, and a
//! command line is one as often as a manifest. A flag with nothing behind it is a mistake. Blanks and newlines around values, and around the items of a list, are taken
//! off: secrets and folded YAML bring them along.
//!
//! A name that is not in the table is a mistake, wherever it stands, and the nearest right one is
//! named. For variables three exceptions are made, because an environment is shared and the operator
//! may not have written what is in it:
//!
//! - names that Kubernetes makes for Services (`TRIBUTARY_INGESTER_PORT_4319_TCP_ADDR` …);
//! - settings that the other program of the pair knows ([`Sibling`]): one ConfigMap may serve both;
//! - `TRIBUTARY_URL`, `TRIBUTARY_TLS_CA`, `TRIBUTARY_TOKEN` and `TRIBUTARY_TOKEN_FILE`, which `tributary
//!   query` reads: they stand in a person's shell.
//!
//! Those of the second and third kind are named in the program's first lines of log.
//!
//! All else stops the program. A setting that is misspelt is one that the operator believes to be
//! in force (`TRIBUTARY_UPSTREAM_CA` would leave TLS off), and a line in a log tells that too late.
//! It costs that an older version does not start with a newer one's variables, which a flag and a
//! file would not let it either.
//!
//! # Units
//!
//! | a size in bytes | is written |
//! |---|---|
//! | 1 | `65536`, `65536B` |
//! | 1024, 1024², 1024³ | `64KiB`, `16MiB`, `1GiB`, or as Kubernetes writes it: `64Ki`, `16Mi`, `1Gi` |
//! | 1000, 1000², 1000³ | `64kB` (or `64KB`), `16MB`, `1GB`, or as Kubernetes writes it: `64k`, `16M`, `1G` |
//!
//! | a time | is written |
//! |---|---|
//! | milliseconds, seconds, minutes, hours, days | `250ms`, `10s`, `5m`, `1h`, `7d` |
//! | several together | `1h30m` |
//!
//! Numbers may have a fraction (`1.5GiB`, `1.5s`); a size is rounded down to whole bytes. `16M` is
//! 16,000,000 as in the `resources` of the same manifest, not 16 MiB. Capitals matter, as they do
//! there, where `m` is a thousandth. A time needs its unit.
//!
//! # Addresses
//!
//! | where a program listens | is written |
//! |---|---|
//! | one address | `127.0.0.1:4317`, `[::1]:4317` |
//! | both loopbacks, `127.0.0.1` and `[::1]` | `localhost:4317` |
//! | all addresses of both families | `:4317`, `*:4317`, `[::]:4317` |
//! | all addresses of IPv4 | `0.0.0.0:4317` |
//! | several | `10.0.0.7:4317,localhost:4317` |
//!
//! See [`Listen`] for what becomes of a family that the host lacks. Where a program connects to,
//! names are allowed, and a port may be left out where there is a usual one ([`host_port`]).
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use tributary_settings::{Asked, Group, Listen, Sibling, Table, Unset::*, settings, value};
//!
//! static TABLE: Table = Table {
//!     program: "example",
//!     version: "0.1.0",
//!     about: "Shows how settings are read.",
//!     usage: "example --name NAME [--SETTING VALUE]…",
//!     groups: &[Group {
//!         heading: "All there is",
//!         settings: settings! {
//!             "name", "NAME", Required, "what to call it";
//!             "listen", "ADDRESS,…", Is("localhost:80"), "where it listens";
//!             "buffer", "SIZE", Is("16MiB"), "most bytes that it holds";
//!             "grace", "TIME", Is("10s"), "how long it takes to end";
//!         },
//!     }],
//!     sibling: Sibling { program: "another", names: &["store"] },
//!     end: "",
//! };
//!
//! # fn strings(texts: &[&str]) -> Vec<std::ffi::OsString> { texts.iter().map(Into::into).collect() }
//! let args = strings(&["--name", "one", "--buffer", "64Mi"]);
//! let env = [("TRIBUTARY_GRACE".into(), "1.5s\n".into()), ("TRIBUTARY_STORE".into(), "x".into())];
//! let Asked::Run(mut given) = TABLE.gather(args, env) else { panic!("--help was not asked for") };
//! assert_eq!(given.find("name", value::text).as_deref(), Some("one"));
//! assert_eq!(given.take("buffer", value::size), 64 << 20);
//! assert_eq!(given.take("grace", value::duration), Duration::from_millis(1500));
//! assert_eq!(given.take("listen", Listen::read).addresses().len(), 2);
//! given.finish(()).unwrap();
//!
//! let args = strings(&["--bufer", "1MiB", "--grace", "soon"]);
//! let Asked::Run(mut given) = TABLE.gather(args, []) else { panic!() };
//! given.find("name", value::text);
//! given.take("buffer", value::size);
//! given.take("grace", value::duration);
//! given.take("listen", Listen::read);
//! assert_eq!(
//!     given.finish(()).unwrap_err().to_string(),
//!     "the configuration has 3 mistakes\n  \
//!      --bufer: unknown; did you mean `--buffer`?\n  \
//!      --name: required\n  \
//!      --grace: `soon` is no time such as `250ms`, `10s` or `1h30m`"
//! );
//! ```

mod exit;
mod gather;
mod given;
mod help;
mod host;
mod listen;
mod log;
mod mistakes;
mod names;
mod nearest;
mod service_link;
mod table;
pub mod value;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use exit::{USAGE, settled};
pub use gather::Asked;
pub use given::Given;
pub use host::{Host, host_port};
pub use listen::{Listen, Server};
pub use log::Log;
pub use mistakes::{Mistake, Mistakes};
pub use nearest::{edit_distance, hint};
pub use table::{Group, Setting, Sibling, Table, Unset};
