//! What can be set: plain data that a program states once.

use crate::names;

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name, words joined by `-`.
    pub name: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// What applies when it is not set.
    pub unset: Unset,
    /// What it does, for the help.
    pub help: &'static str,
}

/// What applies when a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// This text is read in place of a value.
    Is(&'static str),
    /// What the help says here; the program sees to it.
    Means(&'static str),
    /// It is a mistake.
    Required,
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// What stands above them in the help.
    pub heading: &'static str,
    /// The settings.
    pub settings: &'static [Setting],
}

/// The other program of a pair, whose variables may stand in the same environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sibling {
    /// What it is called.
    pub program: &'static str,
    /// Names of the settings that it knows and this program does not.
    pub names: &'static [&'static str],
}

/// All that a program can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// What the program is called.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it does: the help's first lines.
    pub about: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// The settings. One named `config` is the YAML file.
    pub groups: &'static [Group],
    /// The program that may share its environment.
    pub sibling: Sibling,
    /// The help's last lines.
    pub end: &'static str,
}

/// Rows of a [`Group`]: name, value, what applies when it is not set, help.
#[macro_export]
macro_rules! settings {
    ($($name:literal, $value:literal, $unset:expr, $help:literal;)+) => {
        &[$($crate::Setting { name: $name, value: $value, unset: $unset, help: $help },)+]
    };
}

impl Table {
    /// All settings, in the order of the help.
    pub fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.groups.iter().flat_map(|group| group.settings)
    }

    /// The setting of a name as a flag or a key of the file has it.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Setting> {
        self.settings().find(|setting| names::same(setting.name, name))
    }

    /// Whether the other program knows this name.
    pub(crate) fn is_of_sibling(&self, name: &str) -> bool {
        self.sibling.names.iter().any(|known| names::same(known, name))
    }
}
