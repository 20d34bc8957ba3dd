//! The YAML file: a map of settings, each key with one value.

mod yaml;

use crate::gather::Asked;
use crate::given::{Given, Source};
use crate::names;
use crate::table::Table;
use std::ffi::{OsStr, OsString};
use std::io;
use yaml::Entry;

/// The setting that names the file.
const FILE: &str = "config";

impl Table {
    /// Collects what flags, variables and a file say. The setting `config` says which file, and
    /// `read` reads it.
    pub fn gather_with_file(
        &'static self,
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        read: impl FnOnce(&str) -> io::Result<String>,
    ) -> Asked<Given> {
        let mut given = match self.gather(args, env) {
            Asked::Run(given) => given,
            Asked::Print(text) => return Asked::Print(text),
        };
        if let Some(path) = given.find(FILE, |path| Ok(path.to_owned())) {
            match read(&path) {
                Ok(text) => self.file(&path, &text, &mut given),
                Err(error) => given.wrong(FILE, format!("cannot read `{path}`: {error}")),
            }
        }
        Asked::Run(given)
    }

    fn file(&'static self, path: &str, text: &str, given: &mut Given) {
        let entries = match yaml::entries(text) {
            Ok(entries) => entries,
            Err(error) => return given.mistake(path, format!("is no YAML map: {error}")),
        };
        for (key, entry) in entries {
            let at = || format!("{path}: {key}");
            let Some(setting) = self.find(&key) else {
                given.mistake(at(), self.unknown(&key, &key, names::key));
                continue;
            };
            if setting.name == FILE {
                given.mistake(at(), "a file does not name a file");
                continue;
            }
            let value = match &entry {
                Entry::Null => continue,
                Entry::Text(text) => Ok(OsStr::new(text)),
                Entry::Other => Err("has more than one value: lists are texts with commas"),
            };
            given.put(setting, Source::File(path.into()), value);
        }
    }
}
