//! The YAML file: a map of settings, each key with one value.

use crate::gather::Asked;
use crate::given::{Given, Source};
use crate::names;
use crate::table::Table;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;

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
        if text.trim().is_empty() {
            return;
        }
        let map: BTreeMap<String, Entry> = match serde_saphyr::from_str(text) {
            Ok(map) => map,
            Err(error) => return given.mistake(path, format!("is no YAML map: {error}")),
        };
        for (key, entry) in map {
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

/// What stands behind a key. `60`, `true` and `60s` are all fine as a text.
enum Entry {
    Text(String),
    Null,
    /// A map or a sequence.
    Other,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyEntry)
    }
}

struct AnyEntry;

impl<'de> Visitor<'de> for AnyEntry {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E>(self, v: &str) -> Result<Entry, E> {
        Ok(Entry::Text(v.to_owned()))
    }

    fn visit_bool<E>(self, v: bool) -> Result<Entry, E> {
        Ok(Entry::Text(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Entry, E> {
        Ok(Entry::Text(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Entry, E> {
        Ok(Entry::Text(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Entry, E> {
        Ok(Entry::Text(v.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::Null)
    }

    fn visit_none<E>(self) -> Result<Entry, E> {
        Ok(Entry::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Entry, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Entry::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entry, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Entry::Other)
    }
}
