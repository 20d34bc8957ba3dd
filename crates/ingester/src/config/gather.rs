//! Collecting the texts of all settings from file, environment and flags.

use super::{SETTINGS, Setting};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// The text of every setting, and where it came from.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, (String, String)>,
    strangers: Vec<String>,
}

/// Everything wrong with the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

/// What the command line asks for.
#[derive(Debug, Clone)]
pub enum Command {
    /// Run with these settings.
    Run(Settings),
    /// Print this text and leave.
    Print(String),
}

impl Mistakes {
    /// One more.
    pub fn add(&mut self, what: String) {
        self.0.push(what);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} in the configuration:",
            if self.0.len() == 1 { "a mistake" } else { "mistakes" }
        )?;
        self.0.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}

impl std::error::Error for Mistakes {}

impl Settings {
    /// Variables that begin with `TRIBUTARY_` and are no setting of the ingester.
    pub fn strangers(&self) -> &[String] {
        &self.strangers
    }

    /// The text of a setting of the table.
    pub fn text(&self, key: &str) -> String {
        self.get(key).0
    }

    /// A setting's value; a mistake is noted and the default stands in for it.
    pub fn parse<T>(
        &self,
        key: &'static str,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let (text, from) = self.get(key);
        parse(&text).unwrap_or_else(|why| {
            mistakes.add(format!("{key}: {text:?} {why} (from {from})"));
            parse(default_of(key)).unwrap_or_else(|why| unreachable!("the default of {key} {why}"))
        })
    }

    fn get(&self, key: &str) -> (String, String) {
        let given = self.values.get(key).cloned();
        given.unwrap_or_else(|| (default_of(key).to_owned(), "the default".to_owned()))
    }

    fn set(&mut self, key: &'static str, value: String, from: String) {
        self.values.insert(key, (value, from));
    }
}

fn default_of(key: &str) -> &'static str {
    find(key).map_or("", |s| s.default)
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.key == key)
}

/// Reads file, environment and flags. `env` holds the process's variables, `read` reads a file.
///
/// # Errors
/// Unknown keys, flags and variables, values that are missing, a file that cannot be read.
pub fn gather(
    args: &[OsString],
    env: &BTreeMap<String, String>,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Command, Mistakes> {
    let mut bad = Mistakes::default();
    let mut flags = Vec::new();
    let mut file = env.get("TRIBUTARY_CONFIG").cloned();
    let mut parser = lexopt::Parser::from_args(args);
    loop {
        match parser.next() {
            Ok(None) => break,
            Ok(Some(lexopt::Arg::Short('h') | lexopt::Arg::Long("help"))) => {
                return Ok(Command::Print(help()));
            }
            Ok(Some(lexopt::Arg::Short('V') | lexopt::Arg::Long("version"))) => {
                return Ok(Command::Print(format!(
                    "tributary-ingester {}",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Ok(Some(lexopt::Arg::Long(name))) => {
                let (flag, key) = (format!("--{name}"), name.replace('-', "_"));
                match (key.as_str(), find(&key), parser.value()) {
                    ("config", _, Ok(value)) => file = Some(value.to_string_lossy().into_owned()),
                    (_, Some(s), Ok(value)) => {
                        flags.push((s.key, value.to_string_lossy().into_owned(), flag));
                    }
                    ("config", _, Err(_)) | (_, Some(_), Err(_)) => {
                        bad.add(format!("{flag} needs a value"));
                    }
                    (_, None, _) => bad.add(format!("{flag} is not a flag (see --help)")),
                }
            }
            Ok(Some(other)) => bad.add(format!("{other:?} is not understood (see --help)")),
            Err(error) => bad.add(error.to_string()),
        }
    }
    let mut settings = Settings::default();
    if let Some(path) = file {
        from_yaml(&path, &read, &mut settings, &mut bad);
    }
    for (name, value) in env {
        let Some(key) = name.strip_prefix("TRIBUTARY_") else { continue };
        match find(&key.to_lowercase()) {
            Some(s) if name.chars().all(|c| !c.is_lowercase()) => {
                settings.set(s.key, value.clone(), format!("variable {name}"));
            }
            // Not an error: the sidecar's variables may stand in the same environment, and
            // Kubernetes sets TRIBUTARY_…_SERVICE_HOST and the like where a Service has our name.
            _ if name == "TRIBUTARY_CONFIG" => {}
            _ => settings.strangers.push(name.clone()),
        }
    }
    for (key, value, flag) in flags {
        settings.set(key, value, format!("flag {flag}"));
    }
    if bad.is_empty() {
        return Ok(Command::Run(settings));
    }
    if let Err(values) = super::Config::from_settings(&settings) {
        bad.0.extend(values.0);
    }
    Err(bad)
}

fn from_yaml(
    path: &str,
    read: impl Fn(&str) -> Result<String, String>,
    settings: &mut Settings,
    bad: &mut Mistakes,
) {
    let text = match read(path) {
        Ok(text) => text,
        Err(why) => return bad.add(format!("cannot read the file {path}: {why}")),
    };
    if text.trim().is_empty() {
        return;
    }
    let parsed: Result<BTreeMap<String, Scalar>, _> = serde_saphyr::from_str(&text);
    match parsed {
        Err(error) => bad.add(format!("{path} is not a YAML map of settings: {error}")),
        Ok(map) => {
            for (key, value) in map {
                match find(&key) {
                    Some(s) => settings.set(s.key, value.0, format!("file {path}")),
                    None => bad.add(format!("{path}: {key} is not a setting (see --help)")),
                }
            }
        }
    }
}

/// A YAML scalar as text: `60`, `true` and `60s` are all fine as a value.
struct Scalar(String);

impl<'de> serde::Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false")
            }
            fn visit_str<E>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(v.to_owned()))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn help() -> String {
    let mut text = "tributary-ingester: takes spans from sidecars, keeps them in object storage, answers Tempo's query API\n\n\
        Each setting is a key of the YAML file (--config FILE or TRIBUTARY_CONFIG), a variable\n\
        TRIBUTARY_KEY and a flag --key; flags override variables, variables override the file.\n\n"
        .to_owned();
    for s in SETTINGS {
        let flag = format!("--{} {}", s.key.replace('_', "-"), s.value);
        let default =
            if s.default.is_empty() { String::new() } else { format!(" [{}]", s.default) };
        text.push_str(&format!("  {flag:<26}{}{default}\n", s.help));
    }
    text.push_str("  --config FILE             the YAML file\n  --help, --version\n");
    text
}
