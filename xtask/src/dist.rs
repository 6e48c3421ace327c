//! The files of a release, in `target/dist`.
//!
//! Whatever cannot be built on this machine is left out, and the end of the output says what and
//! why.

mod sbom;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::print;
use crate::process::{cargo, command, is_present, output, run};
use crate::programs::build_server;
use crate::test::install;

const DIST: &str = "target/dist";
const PROGRAMS: [&str; 2] = ["learning-yogi-chatbot", "yogi"];
const FUNCTIONS: [&str; 3] = ["ingress", "worker", "notifier"];
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
const CHECKSUMS: &str = "SHA256SUMS";

/// One release in the making.
struct Release<'a> {
    root: &'a Path,
    folder: PathBuf,
    version: String,
    /// What is missing from it, with the reason.
    left_out: Vec<String>,
}

/// Builds everything that this machine can build.
pub(crate) fn build(root: &Path) -> Result<()> {
    let mut release = Release {
        root,
        folder: root.join(DIST),
        version: sbom::version(root)?,
        left_out: Vec::new(),
    };
    if release.folder.exists() {
        fs::remove_dir_all(&release.folder).context("cannot empty target/dist")?;
    }
    fs::create_dir_all(&release.folder).context("cannot create target/dist")?;
    release.programs()?;
    release.functions()?;
    release.widget()?;
    release.bill_of_materials()?;
    release.checksums()?;
    release.report()
}

impl Release<'_> {
    /// Packs the server and `yogi` for this machine, with the documents that must go with them.
    fn programs(&self) -> Result<()> {
        print::heading("server and yogi");
        build_server(self.root)?;
        run(&mut cargo(self.root, ["build", "--package", "cli", "--profile", "server"]))?;
        let name = format!("learning-yogi-chatbot-{}-{}", self.version, host(self.root)?);
        let stage = self.folder.join(&name);
        fs::create_dir_all(&stage)?;
        for program in PROGRAMS {
            copy(&self.root.join("target/server").join(program), &stage.join(program))?;
        }
        for document in DOCUMENTS {
            copy(&self.root.join(document), &stage.join(document))?;
        }
        let mut tar = command(&self.folder, "tar");
        // Whoever builds the same commit gets the same list of files, owners and times.
        tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
        tar.arg(format!("--mtime=@{}", commit_time(self.root)?));
        run(tar.arg("-czf").arg(format!("{name}.tar.gz")).arg(&name))?;
        fs::remove_dir_all(&stage).context("cannot remove the staging directory")
    }

    /// Builds the Lambda functions as zip files for Graviton.
    fn functions(&mut self) -> Result<()> {
        print::heading("Lambda functions");
        if !is_present(self.root, "cargo", &["lambda", "--version"])? {
            self.leave_out("the Lambda functions' zip files", "cargo-lambda is not installed");
            return Ok(());
        }
        let mut build = cargo(self.root, ["lambda", "build", "--release", "--arm64"]);
        build.args(["--output-format", "zip"]);
        for function in FUNCTIONS {
            build.args(["--package", function, "--bin", function]);
        }
        run(&mut build)?;
        for function in FUNCTIONS {
            let zip = self.root.join("target/lambda").join(function).join("bootstrap.zip");
            let name = format!("{function}-{}-lambda-arm64.zip", self.version);
            copy(&zip, &self.folder.join(name))?;
        }
        Ok(())
    }

    /// Packs the chat window as npm would publish it.
    fn widget(&mut self) -> Result<()> {
        print::heading("chat window");
        if !is_present(self.root, "npm", &["--version"])? {
            self.leave_out("the npm package of the chat window", "npm is not installed");
            return Ok(());
        }
        let widget = self.root.join("widget");
        install(&widget)?;
        run(command(&widget, "npm").args(["pack", "--pack-destination"]).arg(&self.folder))
    }

    fn bill_of_materials(&self) -> Result<()> {
        print::heading("software bill of materials");
        let name = format!("learning-yogi-chatbot-{}.cdx.json", self.version);
        let text = serde_json::to_string_pretty(&sbom::create(self.root)?)?;
        fs::write(self.folder.join(name), text + "\n").context("cannot write the SBOM")
    }

    /// Writes `SHA256SUMS` in the format that `sha256sum --check` reads.
    fn checksums(&self) -> Result<()> {
        let mut lines = String::new();
        for file in self.files()? {
            let content =
                fs::read(self.folder.join(&file)).with_context(|| format!("cannot read {file}"))?;
            lines.push_str(&checksum_line(&file, &content));
        }
        fs::write(self.folder.join(CHECKSUMS), lines).context("cannot write SHA256SUMS")
    }

    fn files(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            files.push(entry?.file_name().to_string_lossy().into_owned());
        }
        files.sort();
        Ok(files)
    }

    fn leave_out(&mut self, what: &str, why: &str) {
        self.left_out.push(format!("{what}: {why}"));
    }

    fn report(&self) -> Result<()> {
        print::heading(DIST);
        self.files()?.iter().for_each(print::line);
        for missing in &self.left_out {
            print::line(format!("left out: {missing}"));
        }
        print::line("left out: programs for other systems; run this on each of them");
        Ok(())
    }
}

/// Returns the target that this machine builds for, such as `x86_64-unknown-linux-gnu`.
fn host(root: &Path) -> Result<String> {
    let version = output(command(root, "rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not name its host")
}

/// Returns the time of the commit, in seconds since 1970.
fn commit_time(root: &Path) -> Result<String> {
    let time = output(command(root, "git").args(["log", "-1", "--format=%ct"]))?;
    Ok(time.trim().to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        bail!("{} was not built", from.display());
    }
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {}", from.display()))
}

fn checksum_line(name: &str, content: &[u8]) -> String {
    let mut line = String::new();
    for byte in Sha256::digest(content) {
        // Writing to a string cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
    line + "  " + name + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_tree::root;

    #[test]
    fn checksums_are_in_the_format_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(checksum_line("a.zip", b""), format!("{empty}  a.zip\n"));
    }

    #[test]
    fn what_a_release_contains_exists_or_is_built_by_the_workspace() {
        for document in DOCUMENTS {
            assert!(root().join(document).exists(), "{document}");
        }
        let manifest = |krate: &str| fs::read_to_string(root().join(krate).join("Cargo.toml"));
        let programs = [manifest("local").unwrap(), manifest("cli").unwrap()].concat();
        for program in PROGRAMS {
            assert!(programs.contains(&format!("name = \"{program}\"")), "{program}");
        }
        for function in FUNCTIONS {
            assert!(root().join(function).join("src/main.rs").exists(), "{function}");
        }
    }

    #[test]
    fn the_target_of_this_machine_is_known() {
        assert!(host(&root()).unwrap().split('-').count() >= 3);
    }
}
