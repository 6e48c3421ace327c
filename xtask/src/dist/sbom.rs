//! The software bill of materials of a release, in `CycloneDX` 1.5 JSON.
//!
//! It is written here rather than by a tool: one call of `cargo metadata` has all the facts, and
//! the tools for it would add more code than these few fields need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::process::{cargo, output};

/// The packages that a release contains.
const RELEASED: [&str; 5] = ["local", "cli", "ingress", "worker", "notifier"];
const PRODUCT: &str = "learning-yogi-chatbot";

/// Returns the version of the workspace.
pub(super) fn version(root: &Path) -> Result<String> {
    let metadata = metadata(root, &["--no-deps"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let local = packages.into_iter().find(|package| package["name"] == "local");
    let version = local.and_then(|package| package["version"].as_str());
    version.map(str::to_owned).context("the crate `local` has no version")
}

/// Creates the bill of materials of all released packages.
pub(super) fn create(root: &Path) -> Result<Value> {
    Ok(bill(&metadata(root, &["--locked"])?, &version(root)?))
}

fn metadata(root: &Path, arguments: &[&str]) -> Result<Value> {
    let mut command = cargo(root, ["metadata", "--format-version", "1"]);
    let text = output(command.args(arguments))?;
    serde_json::from_str(&text).context("cargo's metadata is not JSON")
}

/// Lists the released packages and everything that is linked into them, with its dependencies.
fn bill(metadata: &Value, version: &str) -> Value {
    let packages = by_id(&metadata["packages"], "id");
    let graph = linked(&by_id(&metadata["resolve"]["nodes"], "id"));
    let roots = packages.iter().filter(|(_, package)| {
        let released = RELEASED.iter().any(|name| package["name"] == *name);
        released && package["source"].is_null()
    });
    let roots: Vec<&str> = roots.map(|(id, _)| *id).collect();
    let reachable = reachable(&graph, &roots);
    let reference = |id: &str| packages.get(id).map_or_else(String::new, |package| purl(package));
    let mut dependencies = vec![json!({
        "ref": PRODUCT,
        "dependsOn": roots.iter().map(|id| reference(id)).collect::<BTreeSet<_>>(),
    })];
    dependencies.extend(reachable.iter().map(|id| {
        let depends_on: BTreeSet<_> = graph[id].iter().map(|id| reference(id)).collect();
        json!({ "ref": reference(id), "dependsOn": depends_on })
    }));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": PRODUCT,
                "name": PRODUCT,
                "version": version,
            },
        },
        "components": reachable.iter().map(|id| component(packages[id])).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn by_id<'a>(list: &'a Value, key: &str) -> BTreeMap<&'a str, &'a Value> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|value| Some((value[key].as_str()?, value))).collect()
}

/// Returns what each package links: its normal dependencies, without those of builds and tests.
fn linked<'a>(nodes: &BTreeMap<&'a str, &'a Value>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let is_normal = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"].is_null())
    };
    let edges = |node: &'a Value| {
        let dependencies = node["deps"].as_array().into_iter().flatten();
        dependencies.filter(is_normal).filter_map(|dependency| dependency["pkg"].as_str()).collect()
    };
    nodes.iter().map(|(id, node)| (*id, edges(node))).collect()
}

fn reachable<'a>(graph: &BTreeMap<&'a str, Vec<&'a str>>, roots: &[&'a str]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(graph.get(id).into_iter().flatten());
        }
    }
    found
}

fn component(package: &Value) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    });
    if let Some(license) = package["license"].as_str() {
        // Some old packages separate alternatives with a slash, which SPDX does not know.
        let expression = license.replace('/', " OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    }
    if let Some(repository) = package["repository"].as_str() {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// Returns the package URL, which also serves as the reference within the document.
fn purl(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_tree::root;

    #[test]
    fn only_what_is_linked_is_listed() {
        let package = |name: &str, source: Value| {
            json!({
                "id": name, "name": name, "version": "1.0.0", "source": source,
                "license": "MIT/Apache-2.0",
            })
        };
        let dependency =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let registry = json!("registry");
        let metadata = json!({
            "packages": [
                package("local", Value::Null), package("linked", registry.clone()),
                package("built", registry.clone()), package("tested", registry),
            ],
            "resolve": { "nodes": [
                { "id": "local", "deps": [
                    dependency("linked", Value::Null),
                    dependency("built", json!("build")),
                    dependency("tested", json!("dev")),
                ] },
                { "id": "linked", "deps": [] },
                { "id": "built", "deps": [] },
                { "id": "tested", "deps": [] },
            ] },
        });
        let bill = bill(&metadata, "1.0.0");
        let names: Vec<_> = bill["components"].as_array().unwrap().iter().collect();
        let names: Vec<_> = names.iter().map(|component| &component["name"]).collect();
        assert_eq!(names, ["linked", "local"]);
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/local@1.0.0"]));
        assert_eq!(bill["dependencies"][2]["dependsOn"], json!(["pkg:cargo/linked@1.0.0"]));
    }

    #[test]
    fn every_reference_of_the_real_bill_names_a_component_once() {
        let bill = create(&root()).unwrap();
        let components = bill["components"].as_array().unwrap();
        let known: BTreeSet<_> =
            components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(known.len(), components.len(), "references are unique");
        assert!(known.iter().any(|name| name.starts_with("pkg:cargo/tokio@")));
        assert!(!known.iter().any(|name| name.starts_with("pkg:cargo/insta@")), "a test library");
        for dependency in bill["dependencies"].as_array().unwrap() {
            for name in dependency["dependsOn"].as_array().unwrap() {
                assert!(known.contains(name.as_str().unwrap()), "{name}");
            }
        }
    }
}
