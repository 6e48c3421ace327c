//! Tests on Node against the real server, in each directory whose `package.json` has a test script.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::live_server::LiveServer;
use super::{Context, Outcome};
use crate::print;
use crate::process::{self, command, is_present};
use crate::source_tree::{File, Tree};

/// Installs what is locked, and runs `npm test`, in each package.
pub(super) fn run(context: &Context<'_>, tree: &Tree) -> Result<Outcome> {
    let packages = packages(tree)?;
    if packages.is_empty() {
        return Ok(Outcome::Skipped("no package has tests".to_owned()));
    }
    for tool in ["node", "npm"] {
        if !is_present(context.root, tool, &["--version"])? {
            return context.missing(&format!("{tool} is not installed"));
        }
    }
    let live = LiveServer::start(context.root)?;
    for folder in packages {
        print::line(format!("in {folder}, against the server at {}", live.url));
        one(&context.root.join(folder), &live)?;
    }
    Ok(Outcome::Done)
}

fn one(folder: &Path, live: &LiveServer) -> Result<()> {
    install(folder)?;
    let mut test = command(folder, "npm");
    process::run(test.arg("test").env("WIDGET_PROGRAMS", &live.folder))
}

/// Installs what is locked, unless it is installed.
pub(crate) fn install(folder: &Path) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    process::run(command(folder, "npm").args(["ci", "--no-audit", "--no-fund"]))
}

/// Returns whether the installed packages are up to date: npm writes its own list when it is done.
fn is_installed(folder: &Path) -> bool {
    let changed =
        |path: &str| -> Option<SystemTime> { folder.join(path).metadata().ok()?.modified().ok() };
    let installed = changed("node_modules/.package-lock.json");
    installed.is_some() && installed >= changed("package-lock.json")
}

/// Returns the folders of the packages that have a test script.
fn packages(tree: &Tree) -> Result<Vec<&str>> {
    let all = tree.files.iter().filter(|f| f.name() == "package.json");
    let mut found = Vec::new();
    for file in all {
        if has_tests(file)? {
            found.push(file.folder());
        }
    }
    Ok(found)
}

fn has_tests(file: &File) -> Result<bool> {
    let package: Value =
        serde_json::from_str(&file.text).with_context(|| format!("{} is not JSON", file.path))?;
    Ok(package["scripts"]["test"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_a_test_script_is_run() {
        let tree = Tree::of(&[
            ("a/package.json", r#"{"scripts": {"test": "node --test"}}"#),
            ("b/package.json", r#"{"scripts": {}}"#),
        ]);
        assert_eq!(packages(&tree).unwrap(), ["a"]);
    }

    #[test]
    fn a_broken_package_is_named() {
        let error = packages(&Tree::of(&[("a/package.json", "{")])).unwrap_err();
        assert_eq!(error.to_string(), "a/package.json is not JSON");
    }
}
