//! Modules stand on each other in one direction: of two that lie in one folder, at most one needs the
//! other, however far down its files are and however long the way is.
//!
//! A parent and its children are one house and may name each other; tests are not looked at. A
//! grammar's rules name each other, and so do the modules that read it or carry it out: those are
//! listed.

use super::uses::{Named, code, imports, paths};
use super::{none, read, short};
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tributary_testkit::workspace_root;

/// Circles that stand: what they read is recursive, and so are they.
const RECURSIVE: [&str; 3] = [
    "crates/traceql/src: crate::parser::{operand, pipeline, spanset}",
    "crates/query/src: crate::eval::{expression, filter}",
    "crates/query/src: crate::eval::{pipeline, spanset}",
];

/// A module's path within its crate; none for the crate itself.
type Module = Vec<String>;

/// The modules of a crate with their code.
struct Crate(BTreeMap<Module, String>);

#[test]
fn modules_do_not_stand_in_circles() -> Result<()> {
    let mut faults = Vec::new();
    let mut modules = 0;
    for entry in fs::read_dir(workspace_root().join("crates"))? {
        let src = entry?.path().join("src");
        let mut all = Crate(BTreeMap::new());
        all.collect(&src, &[])?;
        modules += all.0.len();
        for circle in all.circles() {
            faults.push(format!("{}: {circle}", short(&src)));
        }
    }
    ensure!(modules > 100, "found only {modules} modules");
    for known in RECURSIVE {
        ensure!(faults.iter().any(|fault| fault == known), "{known} is no circle any more");
    }
    faults.retain(|fault| !RECURSIVE.contains(&fault.as_str()));
    none(&faults)
}

impl Crate {
    fn collect(&mut self, folder: &Path, at: &[String]) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| short(folder))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let child = [at, &[name.to_owned()]].concat();
            match name {
                // Not looked at: tests, generated code, and programs, which are tables of contents.
                "tests" | "gen" | "main" => {}
                _ if path.is_dir() => self.collect(&path, &child)?,
                "lib" if at.is_empty() => drop(self.0.insert(Module::new(), code(&read(&path)?))),
                _ if path.extension().is_some_and(|e| e == "rs") => {
                    self.0.insert(child, code(&read(&path)?));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Circles among the children of one module, each with its members.
    fn circles(&self) -> Vec<String> {
        let mut levels: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, code) in &self.0 {
            for named in paths(code, &["crate", "super", "self"]) {
                let to = self.resolve(from, &named);
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                // Of a parent and its child, one ends here.
                if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                    let level = from.iter().take(common).cloned().collect();
                    let level = levels.entry(level).or_default();
                    level.entry(a.clone()).or_default().insert(b.clone());
                }
            }
        }
        let mut circles = Vec::new();
        for (level, arrows) in &levels {
            let mut seen = BTreeSet::new();
            for start in arrows.keys() {
                let mut circle = reach(arrows, start);
                circle.retain(|other| reach(arrows, other).contains(start));
                if circle.is_empty() || seen.contains(start) {
                    continue;
                }
                let names: Vec<&str> = circle.iter().map(String::as_str).collect();
                let level: String = level.iter().map(|word| format!("::{word}")).collect();
                circles.push(format!("crate{level}::{{{}}}", names.join(", ")));
                seen.extend(circle);
            }
        }
        circles
    }

    /// The module that a path in `from` leads to.
    fn resolve(&self, from: &Module, named: &Named) -> Module {
        let mut at = from.clone();
        let mut rest = named.path.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => break,
            }
            rest = behind;
        }
        for word in rest {
            let child = [at.as_slice(), std::slice::from_ref(word)].concat();
            if self.0.contains_key(&child) {
                at = child;
                continue;
            }
            // What a module has taken over from another one is the other one's.
            return self.taken_over(&at, word).unwrap_or(at);
        }
        at
    }

    fn taken_over(&self, at: &Module, name: &str) -> Option<Module> {
        let imported = imports(self.0.get(at)?).into_iter().find(|named| named.name == name)?;
        let first = imported.path.first()?;
        let child = [at.as_slice(), std::slice::from_ref(first)].concat();
        let is_own = ["crate", "super", "self"].contains(&first.as_str());
        match is_own {
            true => Some(self.resolve(at, &imported)),
            false => self.0.contains_key(&child).then_some(child),
        }
    }
}

/// Everything that can be reached from `start` by one arrow or more.
fn reach(arrows: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start.to_owned()];
    while let Some(from) = open.pop() {
        for to in arrows.get(&from).into_iter().flatten() {
            if reached.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    reached
}

#[test]
fn circles_are_found_at_every_depth() {
    let all = [
        ("", "pub use a::A;"),
        ("a", "use crate::b::{B, Other};"),
        ("a/deep", "use super::A; use crate::c;"),
        ("b", "pub use inner::B;"),
        ("b/inner", "use super::outer::O;"),
        ("b/outer", "use super::B;"),
        ("c", "use crate::A;"),
        ("d", "use crate::c::C;"),
    ];
    let modules = all.map(|(path, text)| {
        let path = path.split('/').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        (path, text.to_owned())
    });
    let circles = Crate(modules.into()).circles();
    assert_eq!(circles, ["crate::{a, c}", "crate::b::{inner, outer}"]);
}
