//! What the workspace builds: its libraries and binaries.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{cargo, output};

/// One thing that cargo builds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    package: String,
    kind: String,
    name: String,
}

impl Target {
    /// Asks cargo for every target of the workspace.
    pub(crate) fn all(root: &Path) -> Result<Vec<Self>> {
        let question = ["metadata", "--no-deps", "--format-version", "1"];
        Self::parse(&output(&mut cargo(root, question))?)
    }

    fn parse(metadata: &str) -> Result<Vec<Self>> {
        let metadata: Value =
            serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        Ok(packages.flat_map(Self::of).collect())
    }

    fn of(package: &Value) -> impl Iterator<Item = Self> + '_ {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let targets = package["targets"].as_array().into_iter().flatten();
        targets.map(move |target| Self {
            package: text(&package["name"]),
            kind: text(&target["kind"][0]),
            name: text(&target["name"]),
        })
    }
}

/// Returns the binaries whose documentation has a folder of its own.
///
/// One that is named like a library would be written into the library's.
pub(crate) fn documented_binaries(targets: &[Target]) -> impl Iterator<Item = &str> {
    let is_library = |name: &str| targets.iter().any(|t| t.kind == "lib" && t.name == name);
    let binaries = targets.iter().filter(|t| t.kind == "bin");
    binaries.map(|t| t.name.as_str()).filter(move |name| !is_library(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [{"name": "bench", "targets": [
        {"name": "bench", "kind": ["lib"]}, {"name": "bench", "kind": ["bin"]},
        {"name": "soak", "kind": ["bin"]}]}]}"#;

    #[test]
    fn a_binary_is_told_from_a_library_and_from_another_crates() {
        let targets = Target::parse(METADATA).unwrap();
        let any = |package, kind, name| {
            targets.iter().any(|t| t.package == package && t.kind == kind && t.name == name)
        };
        assert!(any("bench", "bin", "soak"));
        assert!(!any("bench", "lib", "soak") && !any("local", "bin", "soak"));
    }

    #[test]
    fn a_binary_named_like_a_library_has_no_documentation_of_its_own() {
        let targets = Target::parse(METADATA).unwrap();
        let names: Vec<_> = documented_binaries(&targets).collect();
        assert_eq!(names, ["soak"]);
    }
}
