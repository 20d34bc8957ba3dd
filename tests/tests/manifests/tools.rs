//! helm, kubectl, and what they make.

use crate::files::{Documents, UNCHECKED, read};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;
use std::process::Command;
use tributary_testkit::{told_or_made, workspace_root};

/// A program or a folder: in `TRIBUTARY_KUBERNETES`, or where `cargo xtask kubernetes` puts it.
pub(crate) fn kubernetes(name: &str) -> Result<PathBuf> {
    let path = told_or_made("TRIBUTARY_KUBERNETES", "target/kubernetes").join(name);
    ensure!(path.exists(), "no {}: run `cargo xtask kubernetes`", path.display());
    Ok(path)
}

/// What a program prints, and its complaint when it ends with one.
fn output(command: &mut Command) -> Result<String> {
    let output = command.current_dir(workspace_root()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}: {said}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// helm's `command` on the chart, with files of `ci/` and single values (`name=value`).
pub(crate) fn helm(command: &[&str], values: &[&str], sets: &[&str]) -> Result<String> {
    let mut helm = Command::new(kubernetes("helm")?);
    helm.args(command).arg("deploy/chart/tributary").args(["--namespace", "tracing"]);
    for name in values {
        helm.args(["--values", &format!("deploy/chart/tributary/ci/{name}-values.yaml")]);
    }
    output(helm.args(sets.iter().flat_map(|one| ["--set", one])))
}

/// What the chart gives, as text.
pub(crate) fn rendered(values: &[&str], sets: &[&str]) -> Result<String> {
    helm(&["template", "tributary"], values, sets)
}

/// What the chart gives, as documents.
pub(crate) fn charted(values: &[&str]) -> Result<Documents> {
    parsed(&rendered(values, &[])?).with_context(|| format!("{values:?}"))
}

/// What Kustomize makes of the base and these components.
pub(crate) fn kustomized(components: &[&str]) -> Result<Documents> {
    let folder = tempfile::tempdir_in(workspace_root().join("target"))?;
    let up = "../../deploy/kustomize";
    let mut text = format!("resources: [{up}/base]\ncomponents:\n");
    for name in components {
        text.push_str(&format!("  - {up}/components/{name}\n"));
    }
    std::fs::write(folder.path().join("kustomization.yaml"), text)?;
    parsed(&kubectl_kustomize(folder.path())?).with_context(|| format!("{components:?}"))
}

/// What Kustomize makes of a folder.
pub(crate) fn kubectl_kustomize(folder: &std::path::Path) -> Result<String> {
    output(Command::new(kubernetes("kubectl")?).arg("kustomize").arg(folder))
}

/// A text's documents. That they are valid is another test's.
pub(crate) fn parsed(text: &str) -> Result<Documents> {
    valid(text, UNCHECKED)
}

/// A text's documents, valid for these versions.
pub(crate) fn valid(text: &str, versions: &str) -> Result<Documents> {
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    let name = file.path().display().to_string();
    read(&[&name], versions)?.remove(&name).context("no documents")
}
