//! Python tools, installed into the project's `target` directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::print;
use crate::process::{command, is_present, run};

/// The tools that check `infra/` and run the system on stand-ins for AWS.
const REQUIREMENTS: &str = "infra/checks/requirements.txt";

/// A virtual environment with the packages that a requirements file pins.
#[derive(Debug)]
pub(crate) struct PythonEnvironment {
    folder: PathBuf,
}

impl PythonEnvironment {
    /// Returns the environment for the checks in `infra/`, creating or updating it first.
    pub(crate) fn of_infra(root: &Path) -> Result<Self> {
        Self::prepare(root, "venv", REQUIREMENTS)
    }

    /// Creates `target/tools/<name>` and installs the pinned packages, unless that has been done.
    ///
    /// The directory contains a copy of the requirements that were installed last, which is written
    /// only after a successful installation.
    pub(crate) fn prepare(root: &Path, name: &str, requirements: &str) -> Result<Self> {
        let environment = Self { folder: root.join("target/tools").join(name) };
        let wanted = fs::read_to_string(root.join(requirements))
            .with_context(|| format!("cannot read {requirements}"))?;
        let installed = environment.folder.join("installed.txt");
        if is_current(&installed, &wanted) {
            return Ok(environment);
        }
        print::line(format!("installing {requirements} into target/tools/{name}"));
        if !environment.program("python").exists() {
            run(command(root, "python3").args(["-m", "venv"]).arg(&environment.folder))?;
        }
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            requirements,
        ];
        run(environment.command(root, "python").args(pip))?;
        fs::write(&installed, wanted)
            .with_context(|| format!("cannot write {}", installed.display()))?;
        Ok(environment)
    }

    /// Returns the path of one of the environment's programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Creates a command for one of the environment's programs, with the others on its `PATH`.
    pub(crate) fn command(&self, folder: &Path, program: &str) -> Command {
        let mut made = command(folder, "sh");
        made.args(["-c", r#". "$0" && exec "$@""#]).arg(self.program("activate")).arg(program);
        made
    }
}

/// Returns whether Python with `venv` is installed.
///
/// Debian packages `venv` separately, and Python only reports its absence when it is used.
pub(crate) fn has_python(root: &Path) -> Result<bool> {
    is_present(root, "python3", &["-c", "import ensurepip, venv"])
}

/// Returns whether `PostgreSQL` is installed, in Debian's directory or on the `PATH`.
pub(crate) fn has_postgres(root: &Path) -> Result<bool> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some());
    Ok(debian || is_present(root, "initdb", &["--version"])?)
}

fn is_current(installed: &Path, wanted: &str) -> bool {
    fs::read_to_string(installed).is_ok_and(|text| text == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_tree::root;

    #[test]
    fn what_is_installed_is_current_until_the_requirements_change() {
        let requirements = root().join(REQUIREMENTS);
        let wanted = fs::read_to_string(&requirements).unwrap();
        assert!(is_current(&requirements, &wanted));
        assert!(!is_current(&requirements, &format!("{wanted}more\n")));
        assert!(!is_current(&root().join("no such file"), &wanted));
    }

    #[test]
    fn every_requirement_is_pinned() {
        let text = fs::read_to_string(root().join(REQUIREMENTS)).unwrap();
        let packages = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let loose: Vec<_> = packages.filter(|line| !line.contains("==")).collect();
        assert!(loose.is_empty(), "not pinned: {loose:?}");
    }
}
