//! The data that the checks use, gathered once.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Violation;
use super::rust::{self, Source};
use crate::process::{cargo, output};
use crate::source_tree::{File, Tree};

/// The packages whose programs are shipped.
const SHIPPED: [&str; 5] = ["local", "cli", "ingress", "worker", "notifier"];

/// The files and crates of the project.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Every file.
    pub(super) tree: Tree,
    /// Every Rust file, as tokens.
    pub(super) sources: Vec<Source>,
    /// The workspace's crates.
    pub(super) crates: Vec<Crate>,
    /// The names of all crates that the one-machine server and its tests compile.
    pub(super) server: Vec<String>,
    /// For each package with a shipped program, the names of all that is linked into it.
    pub(super) shipped: Vec<(&'static str, Vec<String>)>,
    unreadable: Vec<(String, usize)>,
}

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    /// Its name.
    pub(super) name: String,
    /// Its directory, from the root.
    pub(super) folder: String,
    /// The dependencies in its `Cargo.toml`, of every kind.
    pub(super) dependencies: Vec<Dependency>,
}

/// A direct dependency of a crate.
#[derive(Debug)]
pub(super) struct Dependency {
    /// Its name in the registry, or in the workspace.
    pub(super) name: String,
    /// Whether it is compiled only behind a feature.
    pub(super) optional: bool,
    /// Whether only tests and examples are compiled with it.
    pub(super) dev: bool,
    /// Whether it belongs to this workspace.
    pub(super) ours: bool,
}

impl Workspace {
    /// Gathers what the checks need, with `cargo metadata` and `cargo tree`.
    pub(super) fn load(tree: Tree) -> Result<Self> {
        let mut metadata = cargo(&tree.root, ["metadata", "--no-deps", "--format-version", "1"]);
        let mut server = cargo(&tree.root, ["tree", "--package", "local"]);
        server.args(["--edges", "normal,build,dev", "--prefix", "none"]);
        let (sources, unreadable) = rust::read_all(&tree.files);
        Ok(Self {
            sources,
            crates: crates(&output(&mut metadata)?)?,
            server: names(&output(&mut server)?),
            shipped: shipped(&tree.root)?,
            unreadable,
            tree,
        })
    }

    /// Returns the file and line where a crate names a dependency.
    pub(super) fn place(&self, krate: &Crate, dependency: &str) -> (String, usize) {
        let path = format!("{}/Cargo.toml", krate.folder);
        let names_it = |text: &str| {
            let rest = text.strip_prefix(dependency);
            rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        };
        let mut lines = self.tree.file(&path).into_iter().flat_map(File::lines);
        let line = lines.find(|(_, text)| names_it(text));
        (path, line.map_or(1, |(n, _)| n))
    }
}

/// Reports Rust files that cannot be parsed; all other checks skip them.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let violation = |(path, line): &(String, usize)| {
        Violation::new(path, *line, "this file is not valid Rust", "fix it")
    };
    workspace.unreadable.iter().map(violation).collect()
}

/// Lists what is linked into each shipped program; dev-dependencies are not.
fn shipped(root: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let linked = |package| {
        let arguments = ["tree", "--all-features", "--edges", "normal", "--prefix", "none"];
        let tree = output(cargo(root, arguments).args(["--package", package]))?;
        Ok((package, names(&tree)))
    };
    SHIPPED.into_iter().map(linked).collect()
}

fn crates(metadata: &str) -> Result<Vec<Crate>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages.map(|package| one_crate(&text(&metadata["workspace_root"]), package)).collect())
}

fn one_crate(root: &str, package: &Value) -> Crate {
    let manifest = text(&package["manifest_path"]);
    let folder = Path::new(&manifest).parent().and_then(|folder| folder.strip_prefix(root).ok());
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    Crate {
        name: text(&package["name"]),
        folder: folder
            .map_or_else(String::new, |folder| folder.to_string_lossy().replace('\\', "/")),
        dependencies: dependencies.map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]),
        optional: value["optional"] == true,
        dev: value["kind"] == "dev",
        ours: value["path"].is_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn names(tree: &str) -> Vec<String> {
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let mut names: Vec<_> = tree.lines().filter_map(first).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Builds a workspace of these files, without crates.
    pub(in crate::tidy) fn workspace(files: &[(&str, &str)]) -> Workspace {
        let tree = Tree::of(files);
        let (sources, unreadable) = rust::read_all(&tree.files);
        Workspace {
            sources,
            unreadable,
            crates: Vec::new(),
            server: Vec::new(),
            shipped: Vec::new(),
            tree,
        }
    }

    /// Builds a crate; a name that ends with `?` is an optional dependency.
    pub(in crate::tidy) fn krate(name: &str, dependencies: &[&str]) -> Crate {
        let ours = [
            "shared",
            "knowledge",
            "providers",
            "ingress",
            "worker",
            "notifier",
            "aws",
            "local",
            "client",
        ];
        let dependency = |written: &&str| {
            let name = written.trim_end_matches('?');
            Dependency {
                name: name.to_owned(),
                optional: name != *written,
                dev: false,
                ours: ours.contains(&name),
            }
        };
        let dependencies = dependencies.iter().map(dependency).collect();
        Crate { name: name.to_owned(), folder: name.to_owned(), dependencies }
    }

    /// Holds a check's findings against the expected places.
    #[track_caller]
    pub(in crate::tidy) fn check_finds(found: &[Violation], expected: &[(&str, usize)]) {
        let places: Vec<_> = found.iter().map(|o| (o.path.as_str(), o.line)).collect();
        assert_eq!(places, expected, "{found:?}");
    }

    #[test]
    fn a_file_that_is_not_rust_is_reported() {
        check_finds(&check(&workspace(&[("a.rs", "fn a( {")])), &[("a.rs", 1)]);
        check_finds(&check(&workspace(&[("a.rs", "fn a() {}")])), &[]);
    }

    #[test]
    fn crates_are_read_with_the_kind_of_their_dependencies() {
        let read = crates(
            r#"{"workspace_root": "/x", "packages": [
                {"name": "work", "manifest_path": "/x/a/work/Cargo.toml", "dependencies": [
                {"name": "lambda_runtime", "optional": true},
                {"name": "shared", "path": "/x/shared", "optional": false}]}]}"#,
        );
        let read = read.unwrap();
        assert_eq!((read[0].name.as_str(), read[0].folder.as_str()), ("work", "a/work"));
        assert!(read[0].dependencies[0].optional && !read[0].dependencies[0].ours);
        assert!(read[0].dependencies[1].ours);
    }

    #[test]
    fn each_name_of_the_tree_is_kept_once() {
        assert_eq!(
            names("local v0.1.0 (/x)\nbytes v1\nbytes v1 (*)\n\n[dev]\n"),
            ["[dev]", "bytes", "local"]
        );
    }
}
