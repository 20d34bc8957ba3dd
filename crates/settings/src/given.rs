//! What was set, as text, and turned into values one by one.

use crate::listen::Server;
use crate::mistakes::{Mistake, Mistakes};
use crate::names;
use crate::table::{Setting, Table, Unset};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::sync::Arc;

/// What was set, as text, and every mistake found so far.
#[derive(Debug)]
pub struct Given {
    table: &'static Table,
    values: BTreeMap<&'static str, Value>,
    mistakes: Vec<Mistake>,
    ignored: Vec<String>,
    read: BTreeSet<&'static str>,
}

#[derive(Debug)]
struct Value {
    source: Source,
    /// `None` when there was no text: a mistake that is noted already.
    text: Option<String>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable,
    /// A file, by its path.
    #[cfg_attr(not(feature = "yaml"), expect(dead_code, reason = "read with the feature only"))]
    File(Arc<str>),
}

impl Source {
    /// What a setting is called where its value stands.
    fn spelled(&self, name: &str) -> String {
        match self {
            Source::Flag => names::flag(name),
            Source::Variable => names::variable(name),
            Source::File(path) => format!("{path}: {}", names::key(name)),
        }
    }
}

impl Given {
    pub(crate) fn new(table: &'static Table) -> Self {
        Given {
            table,
            values: BTreeMap::new(),
            mistakes: Vec::new(),
            ignored: Vec::new(),
            read: BTreeSet::new(),
        }
    }

    /// Notes a value, or why there is none, unless one from elsewhere stands already.
    pub(crate) fn put(&mut self, setting: &Setting, source: Source, value: Result<&OsStr, &str>) {
        let text = match value.map(OsStr::to_str) {
            Ok(Some(text)) => match text.trim() {
                "" => return,
                text => Ok(text.to_owned()),
            },
            Ok(None) => Err("is not UTF-8"),
            Err(why) => Err(why),
        };
        if let Err(why) = text {
            self.mistake(source.spelled(setting.name), why);
        }
        let value = Value { source, text: text.ok() };
        self.values.entry(setting.name).or_insert(value);
    }

    /// Notes what is wrong at a place that is no setting.
    pub(crate) fn mistake(&mut self, at: impl Into<String>, why: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, why));
    }

    /// Notes a variable that another program knows.
    pub(crate) fn ignore(&mut self, variable: &str) {
        self.ignored.push(variable.to_owned());
    }

    /// The value of a setting that has a default, read by `read`. A mistake is noted, and the
    /// default stands in for it until [`Given::finish`].
    ///
    /// # Panics
    /// When the table has no such setting, or no default for it, or `read` does not take that: a
    /// mistake in the program.
    pub fn take<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> T {
        let Unset::Is(default) = self.setting(name).unset else {
            unreachable!("{name} has no default")
        };
        self.find(name, &read).unwrap_or_else(|| {
            read(default).unwrap_or_else(|why| unreachable!("the default of {name}: {why}"))
        })
    }

    /// The value of a setting, read by `read`. `None` when it is not set, which is a mistake where it
    /// is required, or when it cannot be read, which is a mistake as well.
    ///
    /// # Panics
    /// When the table has no such setting: a mistake in the program.
    pub fn find<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let setting = self.setting(name);
        self.read.insert(setting.name);
        let value = match self.values.get(setting.name) {
            Some(value) => read(value.text.as_deref()?),
            None if setting.unset == Unset::Required => Err("required".to_owned()),
            None => return None,
        };
        value.map_err(|why| self.wrong(name, why)).ok()
    }

    /// Notes what is wrong with a setting, where its value came from.
    pub fn wrong(&mut self, name: &str, why: impl Into<String>) {
        let source = self.values.get(self.setting(name).name).map(|value| &value.source);
        let at = source.unwrap_or(&Source::Flag).spelled(name);
        self.mistake(at, why);
    }

    /// Whether no mistake was found so far. What settings must be to each other is looked at only
    /// then: defaults stand in for what could not be read.
    pub fn is_fine(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Notes servers that cannot listen beside each other, so that it is not found by a failure to
    /// bind.
    pub fn find_clashes(&mut self, servers: &[Server<'_>]) {
        for (i, later) in servers.iter().enumerate() {
            for earlier in servers.iter().take(i).filter(|earlier| earlier.clashes(later)) {
                let why = format!("the same address as {}", names::flag(&earlier.setting));
                self.wrong(&later.setting, why);
            }
        }
    }

    /// Variables that only other programs of Tributary know; they are not looked at.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// `config`, made from the values.
    ///
    /// # Errors
    /// All mistakes.
    pub fn finish<C>(self, config: C) -> Result<C, Mistakes> {
        debug_assert!(
            self.table.settings().all(|setting| self.read.contains(setting.name)),
            "settings that were not read: {:?} were",
            self.read
        );
        if self.mistakes.is_empty() { Ok(config) } else { Err(Mistakes(self.mistakes)) }
    }

    fn setting(&self, name: &str) -> &'static Setting {
        self.table.find(name).unwrap_or_else(|| unreachable!("{name} is not in the table"))
    }
}
