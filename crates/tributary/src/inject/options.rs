//! The flags of `tributary inject`.

use super::{Failure, files};
use std::path::PathBuf;
use tributary_inject::Context;

/// Puts the sidecar into pods and into everything that makes pods; what else is in the text stays as
/// it is written. A line for each object goes to standard error. Ends with 0, with 1 when something
/// that was asked for could not be done, with 64 when a setting is wrong.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Manifests: files, folders (their .yaml, .yml and .json files), or `-` for standard input.
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Take the sidecar out again.
    #[arg(long)]
    pub(super) remove: bool,
    /// What to print: the manifests, or a component of Kustomize with a patch for each object.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Manifest)]
    pub(super) form: Form,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the policy by which the API server injects by itself: Kubernetes 1.36 and newer.
    Policy(Settings),
    /// List pods that should have a sidecar and have none: 0 if there is no such pod, 1 if there is
    /// one, 2 when the listing cannot be read.
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// What `kubectl get namespaces,pods -A -o json` has printed, or manifests; `-` for standard
    /// input.
    #[arg(short = 'f', long = "filename", value_name = "FILE", default_value = "-")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    Manifest,
    Patch,
}

/// What is injected.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// The platform team's settings: image, settings, resources, profiles … docs/kubernetes.md lists
    /// them.
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// The sidecar's image.
    #[arg(long)]
    image: Option<String>,
    /// Where the ingesters are.
    #[arg(long, value_name = "HOST:PORT,…")]
    upstream: Option<String>,
    /// A setting of the sidecar, such as `buffer=8MiB`.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

impl Settings {
    /// The file, the flags over it, all of it checked.
    pub(super) fn context(&self) -> Result<Context, Failure> {
        let mut context = match &self.context {
            None => Context::default(),
            Some(path) => {
                let file = files::read(path)?;
                Context::read(&file.text).map_err(|error| Failure::Text(file.name, error))?
            }
        };
        if let Some(image) = &self.image {
            context.image.clone_from(image);
        }
        if let Some(upstream) = &self.upstream {
            context.settings.insert("upstream".to_owned(), upstream.clone());
        }
        context.settings.extend(self.set.iter().cloned());
        context.check().map_err(Failure::Settings)?;
        Ok(context)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is no NAME=VALUE")?;
    let name = name.trim().trim_start_matches("--").replace('_', "-");
    if name.is_empty() { Err("it has no name".to_owned()) } else { Ok((name, value.to_owned())) }
}
