//! The flags that say what is injected: the same for all forms of `tributary inject`.

use std::io;
use std::path::{Path, PathBuf};
use tributary_inject::{Context, InjectError};

/// What is injected.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Settings {
    /// The platform team's settings: image, settings, resources, profiles … docs/kubernetes.md lists
    /// them.
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
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

/// Why nothing can be injected with these.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// What should be injected would not start.
    #[error(transparent)]
    Wrong(InjectError),
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The file is no such file.
    #[error("{0}: {1}")]
    Text(String, InjectError),
}

impl Settings {
    /// The file, as `read` reads it, the flags over it, all of it checked.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(
        &self,
        read: impl FnOnce(&Path) -> io::Result<String>,
    ) -> Result<Context, SettingsError> {
        let text = match &self.context {
            None => String::new(),
            Some(path) => read(path)
                .map_err(|error| SettingsError::File(path.display().to_string(), error))?,
        };
        self.over(&text)
    }

    /// The flags over a file with this text.
    pub(crate) fn over(&self, text: &str) -> Result<Context, SettingsError> {
        let name = || self.context.as_deref().unwrap_or(Path::new("")).display().to_string();
        let read = Context::read(text).map_err(|error| SettingsError::Text(name(), error));
        let mut context = read?;
        if let Some(image) = &self.image {
            context.image.clone_from(image);
        }
        if let Some(upstream) = &self.upstream {
            context.settings.insert("upstream".to_owned(), upstream.clone());
        }
        context.settings.extend(self.set.iter().cloned());
        context.check().map_err(SettingsError::Wrong)?;
        Ok(context)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is no NAME=VALUE")?;
    let name = name.trim().trim_start_matches("--").replace('_', "-");
    if name.is_empty() { Err("it has no name".to_owned()) } else { Ok((name, value.to_owned())) }
}
