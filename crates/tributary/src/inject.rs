//! `tributary inject`: the sidecar in manifests, in a policy of the cluster's, by a webhook, and what
//! lacks it.
//!
//! What becomes of a pod is decided by [`tributary_inject`]; here files are read and answers written.

mod files;
mod options;

pub(crate) use options::Options;

use options::{Check, Command, Form};
use std::io::Write;
use std::process::ExitCode;
use tributary_inject::manifest::{self, Object, Task};
use tributary_inject::{Context, InjectError, missing, policy};
use tributary_injector::{Settings, SettingsError};
use tributary_settings::USAGE;

/// Something that was asked for could not be done, or pods lack the sidecar.
const NOT_DONE: u8 = 1;
/// What should be looked at could not be read.
const UNKNOWN: u8 = 2;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Settings(InjectError),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("{0}: {1}")]
    Text(String, InjectError),
}

/// Does what was asked for.
pub(crate) fn run(options: &Options) -> ExitCode {
    let done = match &options.command {
        None => change(options),
        Some(Command::Policy(settings)) => print_policy(settings),
        Some(Command::Check(check)) => look(check),
        Some(Command::Serve(options)) => return tributary_injector::run(options),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            note(&format!("error: {failure}"));
            let looked = matches!(options.command, Some(Command::Check(_)));
            ExitCode::from(match failure {
                Failure::Settings(_) => USAGE,
                Failure::File(..) | Failure::Text(..) if looked => UNKNOWN,
                Failure::File(..) | Failure::Text(..) => NOT_DONE,
            })
        }
    }
}

fn change(options: &Options) -> Result<u8, Failure> {
    let context = context(&options.settings)?;
    let task = if options.remove { Task::Remove } else { Task::Inject(&context) };
    let mut objects: Vec<Object> = Vec::new();
    let mut texts = Vec::new();
    for file in files::all(&options.files)? {
        let changed = manifest::change(&file.text, task)
            .map_err(|error| Failure::Text(file.name.clone(), error))?;
        for object in &changed.objects {
            note(&format!("{}: {}: {}", file.name, object.name, object.told));
        }
        objects.extend(changed.objects);
        texts.push(changed.text);
    }
    if objects.is_empty() {
        note("no pods are in it");
    }
    print(&match options.form {
        Form::Manifest => files::joined(&texts),
        Form::Patch => manifest::component(&objects),
    });
    let mut failed = objects.iter().any(|object| object.told.is_failure());
    if options.form == Form::Patch {
        let nameless = |object: &&Object| object.name.is_generated && !object.operations.is_empty();
        for object in objects.iter().filter(nameless) {
            failed = true;
            note(&format!("{}: not done: a patch finds objects by their names", object.name));
        }
    }
    Ok(if failed { NOT_DONE } else { 0 })
}

/// What is injected, the file of it read as all others are.
fn context(settings: &Settings) -> Result<Context, Failure> {
    let read = |path: &std::path::Path| match files::read(path) {
        Ok(file) => Ok(file.text),
        Err(Failure::File(_, error)) => Err(error),
        Err(other) => Err(std::io::Error::other(other)),
    };
    settings.read(read).map_err(|error| match error {
        SettingsError::Wrong(wrong) => Failure::Settings(wrong),
        SettingsError::File(name, error) => Failure::File(name, error),
        SettingsError::Text(name, error) => Failure::Text(name, error),
    })
}

fn print_policy(settings: &Settings) -> Result<u8, Failure> {
    print(&policy::policy(&context(settings)?));
    Ok(0)
}

fn look(check: &Check) -> Result<u8, Failure> {
    let context: Context = context(&check.settings)?;
    let (mut pods, mut without, mut knows) = (0, 0, false);
    for file in files::all(&check.files)? {
        let listing = missing::missing(&file.text, &context)
            .map_err(|error| Failure::Text(file.name.clone(), error))?;
        pods += listing.pods;
        without += listing.missing.len();
        knows |= listing.knows_namespaces;
        for one in listing.missing {
            print(&format!("{}: {}\n", one.name, one.why));
        }
    }
    note(&format!("{without} of {pods} pods should have a sidecar and have none"));
    if !knows {
        note(
            "no namespaces are in it, so that only pods which ask by themselves are known: \
             kubectl get namespaces,pods -A -o json",
        );
    }
    Ok(if without > 0 { NOT_DONE } else { 0 })
}

/// To standard output. A reader that has closed it has read enough.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

/// What is no part of an answer, to standard error.
fn note(line: &str) {
    // A standard error that is closed is no mistake of the tool's.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}
