//! The texts of all settings, from flags, from the environment, and from a file.

#[cfg(feature = "yaml")]
mod file;

use crate::given::{Given, Source};
use crate::names;
use crate::nearest::hint;
use crate::service_link::is_service_link;
use crate::table::Table;
use lexopt::Arg;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What `tributary query` takes from the environment beside the tenant, which the sidecar takes as
/// well: a person who has set them may run the programs in the same shell.
const OF_THE_TOOL: &[&str] = &["url", "tls-ca", "token", "token-file"];

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// To run with this.
    Run(T),
    /// To print this text and end.
    Print(String),
}

impl Table {
    /// Collects what flags and variables say. `args` is a command line without the program's
    /// name; of `env` only what begins with `TRIBUTARY_` is looked at.
    pub fn gather(
        &'static self,
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Asked<Given> {
        let mut given = Given::new(self);
        if let Some(text) = self.flags(args, &mut given) {
            return Asked::Print(text);
        }
        self.variables(env, &mut given);
        Asked::Run(given)
    }

    /// Reads the command line. The text to print instead of running, if that is asked for.
    fn flags(
        &'static self,
        args: impl IntoIterator<Item = OsString>,
        given: &mut Given,
    ) -> Option<String> {
        let mut parser = lexopt::Parser::from_args(args);
        // Of a flag that is given twice the last one counts.
        let mut set = BTreeMap::new();
        let mut after_unknown = false;
        loop {
            let may_be_its_value = std::mem::take(&mut after_unknown);
            match parser.next() {
                Ok(None) => break,
                Ok(Some(Arg::Short('h') | Arg::Long("help"))) => return Some(self.help()),
                Ok(Some(Arg::Short('V') | Arg::Long("version"))) => {
                    return Some(format!("{} {}\n", self.program, self.version));
                }
                Ok(Some(Arg::Long(name))) => match self.find(name) {
                    Some(setting) => {
                        set.insert(setting.name, (setting, value_of(&mut parser)));
                    }
                    None => {
                        let at = names::flag(name);
                        given.mistake(&at, self.unknown(name, &at, names::flag));
                        // Its value is not a mistake of its own.
                        after_unknown = parser.optional_value().is_none();
                    }
                },
                Ok(Some(Arg::Short(c))) => {
                    given.mistake(format!("-{c}"), "unknown flag");
                    after_unknown = parser.optional_value().is_none();
                }
                Ok(Some(Arg::Value(_))) if may_be_its_value => {}
                Ok(Some(Arg::Value(value))) => {
                    given.mistake(value.to_string_lossy(), "not understood: settings are flags");
                }
                Err(error) => given.mistake("arguments", error.to_string()),
            }
        }
        for (setting, value) in set.into_values() {
            given.put(setting, Source::Flag, value.as_deref().ok_or("needs a value"));
        }
        None
    }

    fn variables(
        &'static self,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        given: &mut Given,
    ) {
        let named =
            env.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let ours: BTreeMap<_, _> =
            named.filter(|(name, _)| name.starts_with(names::PREFIX)).collect();
        for (variable, value) in ours {
            let is = |name: &str| names::variable(name) == variable;
            if let Some(setting) = self.settings().find(|setting| is(setting.name)) {
                given.put(setting, Source::Variable, Ok(&value));
            } else if self.sibling.names.iter().chain(OF_THE_TOOL).any(|name| is(name)) {
                given.ignore(&variable);
            } else if !is_service_link(&variable) {
                given.mistake(&variable, self.unknown("", &variable, names::variable));
            }
        }
    }

    /// What to say of `name`, which stands somewhere as `written`.
    fn unknown(&self, name: &str, written: &str, spelled: impl Fn(&str) -> String) -> String {
        if self.is_of_sibling(name) {
            return format!("unknown here: it is a setting of {}", self.sibling.program);
        }
        let near = hint(written, self.settings().map(|setting| spelled(setting.name)));
        format!("unknown{near}")
    }
}

/// The value of the flag that was read last. What looks like another flag is none, so that a value
/// which a shell has left out is missed where it should stand.
fn value_of(parser: &mut lexopt::Parser) -> Option<OsString> {
    if let Some(value) = parser.optional_value() {
        return Some(value);
    }
    let mut rest = parser.try_raw_args()?;
    let looks_like_a_flag = rest.peek()?.as_encoded_bytes().starts_with(b"--");
    if looks_like_a_flag { None } else { rest.next() }
}

#[cfg(test)]
mod tests;
