//! Azurite's blob service as a child process: Azure's interface, written by its makers.

use crate::wait::SOON;
use crate::{Process, node_packages};
use anyhow::Result;
use std::ffi::OsStr;

/// The program around it.
const SERVER: &str = include_str!("azurite.cjs");
/// The emulator's account and its key, which are known to all.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running server with one empty container, `tributary`. Dropping it ends it, and all that it
/// stored is gone.
#[derive(Debug)]
pub struct Azurite {
    _process: Process,
    endpoint: String,
}

impl Azurite {
    /// Starts a server on a port of its own.
    ///
    /// # Errors
    /// When Node or Azurite is missing, or the server does not come up.
    pub async fn start() -> Result<Azurite> {
        let packages = node_packages()?;
        // What Node evaluates has no file name of its own, so that the folder is its first argument.
        let args = ["-e", SERVER, "--"].map(OsStr::new).into_iter();
        let args = args.chain([packages.as_os_str(), OsStr::new(ACCOUNT), OsStr::new(KEY)]);
        let mut process = Process::spawn("node", args, &[])?;
        let base = |line: &str| line.strip_prefix("container at ").map(str::to_owned);
        let base = process.line("its address", SOON, base).await?;
        Ok(Azurite { _process: process, endpoint: format!("{base}/{ACCOUNT}") })
    }

    /// The URL of its container.
    pub fn url(&self) -> &'static str {
        "az://tributary"
    }

    /// Environment by which a client of Azure finds this server: endpoint, account, key.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AZURE_ENDPOINT", self.endpoint.clone()),
            ("AZURE_ALLOW_HTTP", "true".to_owned()),
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_owned()),
        ]
    }
}
