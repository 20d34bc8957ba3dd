//! The table of chores.

use crate::{
    bench, check, deny, diet, fuzz, kubernetes, manifests, page, promtool, senders, test, torture,
    venv,
};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fmt::Write;

/// What stands behind a chore's name on the command line.
type Arguments = Vec<OsString>;

/// One chore.
struct Chore {
    name: &'static str,
    /// What may follow the name.
    arguments: &'static str,
    what: &'static str,
    run: fn(Arguments) -> Result<()>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "test",
        arguments: "",
        what: "everything that must hold before a change goes in",
        run: |_| test::run(),
    },
    Chore {
        name: "check",
        arguments: "CRATE",
        what: "format, clippy, tests and docs of one crate",
        run: check::run,
    },
    Chore {
        name: "bench",
        arguments: "",
        what: "the cost table of this machine",
        run: |_| bench::run(),
    },
    Chore {
        name: "diet",
        arguments: "",
        what: "what the sidecar may weigh, and what it may link",
        run: |_| diet::run(),
    },
    Chore {
        name: "deny",
        arguments: "[CHECK…]",
        what: "licences, sources and versions of what is linked; or `advisories`",
        run: deny::run,
    },
    Chore {
        name: "torture",
        arguments: "[--minutes N] [--seed N] [--rate N]",
        what: "ingesters killed, frozen, replaced under load, and the books",
        run: torture::run,
    },
    Chore {
        name: "fuzz",
        arguments: "[TARGET] [--seconds N]",
        what: "hostile bytes for every decoder, 30 s each",
        run: fuzz::run,
    },
    Chore {
        name: "manifests",
        arguments: "[--check]",
        what: "what is made of the chart: plain manifests, Kustomize's base",
        run: manifests::run,
    },
    Chore {
        name: "kubernetes",
        arguments: "",
        what: "helm and kubectl, under target/kubernetes",
        run: |_| kubernetes::prepare().map(drop),
    },
    Chore {
        name: "page",
        arguments: "",
        what: "what the page is tested with: packages under target/page, and Chromium",
        run: |_| page::prepare().map(drop),
    },
    Chore {
        name: "promtool",
        arguments: "",
        what: "the tool that tests rules and alerts, under target/promtool",
        run: |_| promtool::prepare().map(drop).context("see above"),
    },
    Chore {
        name: "senders",
        arguments: "",
        what: "libraries that tests send with, under target/senders",
        run: |_| senders::prepare().map(drop),
    },
    Chore {
        name: "venv",
        arguments: "",
        what: "Python packages for tests, under target/venv",
        run: |_| venv::prepare().map(drop),
    },
];

/// Runs the chore that the first argument names, with the others.
///
/// # Errors
/// What the chore has found; for any other name, the table.
pub fn chore(mut arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let name = arguments.next().unwrap_or_default();
    match CHORES.iter().find(|chore| name == chore.name) {
        Some(chore) => (chore.run)(arguments.collect()),
        None => bail!("{}", usage()),
    }
}

fn usage() -> String {
    let heads = CHORES.iter().map(|chore| format!("{} {}", chore.name, chore.arguments));
    let heads: Vec<String> = heads.collect();
    let width = heads.iter().map(|head| head.chars().count()).max().unwrap_or(0);
    let mut text = "usage: cargo xtask CHORE\n".to_owned();
    for (head, chore) in heads.iter().zip(CHORES) {
        // Writing to a string cannot fail.
        write!(text, "\n  {head:width$}  {}", chore.what).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_else_is_answered_with_the_table() {
        for name in ["", "tset", "--help"] {
            let said = chore([OsString::from(name)].into_iter()).unwrap_err().to_string();
            for chore in CHORES {
                assert!(said.contains(&format!("\n  {}", chore.name)), "{said}");
            }
        }
    }
}
