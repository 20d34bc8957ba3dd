//! The flags of `tributary inject`.

use std::path::PathBuf;
use tributary_injector::Settings;

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
    /// Run the webhook that injects as pods are made: Kubernetes 1.30 to 1.35.
    Serve(Box<tributary_injector::Options>),
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
