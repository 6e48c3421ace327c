//! The allowed dependencies between crates.

use super::Violation;
use super::rust::Source;
use super::workspace::{Crate, Dependency, Workspace};

const FUNCTIONS: [&str; 3] = ["ingress", "worker", "notifier"];

/// The client library, which no function links.
const CLIENT: &str = "client";

/// How documents are cut and ranked, below everything else.
const KNOWLEDGE: &str = "knowledge";

/// The models and their prices, which depend on `shared` and `knowledge` alone.
const PROVIDERS: &str = "providers";

/// The command line, and the directory in which it may use AWS adapters.
const TOOL: &str = "cli";
const TOOL_ON_AWS: &str = "src/backend/stack/";

/// Crates that only `aws/` may use; the functions may have them behind a feature, for `main.rs`.
const RUNTIME: [&str; 4] =
    ["lambda_runtime", "lambda_http", "aws_lambda_events", "lambda-extension"];

/// Checks the dependencies between crates, and that only `aws/` uses an AWS SDK and only `main.rs`
/// uses adapters.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.crates.iter();
    let mut found: Vec<_> = crates.flat_map(|krate| one_crate(workspace, krate)).collect();
    found.extend(workspace.sources.iter().flat_map(named_adapters));
    found
}

fn one_crate(workspace: &Workspace, krate: &Crate) -> Vec<Violation> {
    let broken = |dependency: &Dependency| {
        let fix = rule(&krate.name, dependency)?;
        let what = format!("`{}` depends on `{}`", krate.name, dependency.name);
        let (path, line) = workspace.place(krate, &dependency.name);
        Some(Violation::new(&path, line, what, fix))
    };
    krate.dependencies.iter().filter_map(broken).collect()
}

/// Finds uses of the AWS adapters in the functions outside `main.rs`, and in the command line
/// outside its AWS backend.
fn named_adapters(source: &Source) -> Vec<Violation> {
    let (folder, rest) = source.path.split_once('/').unwrap_or_default();
    let is_held = match folder {
        TOOL => !rest.starts_with(TOOL_ON_AWS),
        function => FUNCTIONS.contains(&function) && rest != "src/main.rs",
    };
    if !is_held {
        return Vec::new();
    }
    let named = source.find(&["aws", "::"]);
    named
        .map(|token| {
            let fix = "use the port, and let `main.rs` choose the adapter";
            Violation::new(&source.path, token.line, "this uses an adapter", fix)
        })
        .collect()
}

/// Returns how to fix a dependency that is not allowed.
fn rule(krate: &str, dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let function = FUNCTIONS.contains(&krate);
    if function && FUNCTIONS.contains(&name) && krate != name {
        return Some("functions communicate only through queues; move shared code to `shared`");
    }
    let dev_testkit = dependency.dev && name == "testkit";
    if krate == KNOWLEDGE && dependency.ours {
        return Some("`knowledge` is pure functions; it must not depend on other crates of ours");
    }
    let is_base = name == "shared" || name == KNOWLEDGE;
    if krate == PROVIDERS && dependency.ours && !is_base && !dev_testkit {
        return Some("models and prices must depend on `shared` only; move what they need there");
    }
    if krate == "shared" && dependency.ours && name != KNOWLEDGE && !dev_testkit {
        return Some("`shared` must not depend on other crates of the workspace");
    }
    if krate == CLIENT && dependency.ours && name != "shared" {
        return Some("a client knows the service by its contracts: use `shared` at most");
    }
    if name == CLIENT && (function || krate == "aws") {
        return Some("no Lambda function links the client: test through `simulation` or `local`");
    }
    if is_sdk(name) && krate != "aws" {
        return Some("only `aws/` may use an AWS SDK; add an adapter there, behind a port");
    }
    if RUNTIME.contains(&name) && krate != "aws" && !(function && dependency.optional) {
        return Some(
            "only a function's `main.rs` runs on Lambda; make it optional, behind `lambda`",
        );
    }
    if name == "aws" && !((function || krate == TOOL) && dependency.optional) {
        return Some(
            "only a function's `main.rs` may use adapters; make it optional, behind `lambda`",
        );
    }
    None
}

/// Returns whether a crate is part of an AWS SDK.
pub(super) fn is_sdk(name: &str) -> bool {
    let parts = ["aws-sdk-", "aws-smithy-", "rusoto"];
    parts.iter().any(|part| name.starts_with(part))
        || ["aws-config", "aws-types", "aws-sigv4", "aws-runtime"].contains(&name)
}

/// Returns whether a crate is only useful inside a Lambda function.
pub(super) fn is_runtime(name: &str) -> bool {
    RUNTIME.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Dependency;
    use super::super::workspace::tests::{check_finds, krate, workspace};

    #[track_caller]
    fn check(name: &str, dependencies: &[&str], violations: usize) {
        let mut workspace = workspace(&[]);
        workspace.crates = vec![krate(name, dependencies)];
        assert_eq!(super::check(&workspace).len(), violations, "{name}");
    }

    #[test]
    fn functions_never_depend_on_each_other() {
        check("worker", &["shared", "bytes"], 0);
        check("worker", &["ingress", "notifier"], 2);
    }

    #[test]
    fn shared_stands_at_the_bottom() {
        check("shared", &["bytes"], 0);
        check("shared", &["worker"], 1);
        check("shared", &["knowledge"], 0);
        check("knowledge", &["frostem", "shared"], 1);
    }

    #[test]
    fn the_client_uses_shared_at_most_and_no_function_uses_the_client() {
        let mut workspace = workspace(&[]);
        let dependency =
            |name: &str, ours| Dependency { ours, optional: false, dev: false, name: name.into() };
        let mut client = krate("client", &["bytes"]);
        client.dependencies.push(dependency("shared", true));
        workspace.crates = vec![client];
        assert_eq!(super::check(&workspace).len(), 0);
        workspace.crates[0].dependencies.push(dependency("worker", true));
        assert_eq!(super::check(&workspace).len(), 1);
        check("worker", &["client"], 1);
        check("aws", &["client?"], 1);
        check("cli", &["client"], 0);
    }

    #[test]
    fn providers_depend_on_shared_alone() {
        check("providers", &["shared", "bytes"], 0);
        check("providers", &["worker", "ingress", "notifier"], 3);
        check("worker", &["providers"], 0);
    }

    #[test]
    fn an_aws_sdk_is_named_in_its_folder_only() {
        check("aws", &["aws-sdk-sqs", "aws-config", "lambda_runtime"], 0);
        check("worker", &["aws-sdk-sqs?", "aws-config"], 2);
        check("local", &["aws-smithy-types"], 1);
    }

    #[test]
    fn a_function_runs_on_lambda_only_behind_a_feature() {
        check("worker", &["lambda_runtime?", "aws?"], 0);
        check("worker", &["lambda_runtime", "aws"], 2);
        check("local", &["lambda_runtime?", "aws?"], 2);
    }

    #[test]
    fn an_adapter_is_named_in_main_rs_only() {
        let named = "use aws::Queue;";
        let workspace = workspace(&[
            ("worker/src/main.rs", named),
            ("worker/src/handler.rs", named),
            ("aws/src/lib.rs", named),
        ]);
        check_finds(&super::check(&workspace), &[("worker/src/handler.rs", 1)]);
    }

    #[test]
    fn the_tool_names_adapters_in_its_home_on_aws_only() {
        check("cli", &["aws?"], 0);
        check("cli", &["aws"], 1);
        let named = "use aws::Queue;";
        let workspace =
            workspace(&[("cli/src/backend/stack/mod.rs", named), ("cli/src/tail.rs", named)]);
        check_finds(&super::check(&workspace), &[("cli/src/tail.rs", 1)]);
    }

    #[test]
    fn an_arrow_is_reported_where_it_is_drawn() {
        let cargo = "[dependencies]\ningress.workspace = true\n";
        let mut workspace = workspace(&[("worker/Cargo.toml", cargo)]);
        workspace.crates = vec![krate("worker", &["ingress"])];
        check_finds(&super::check(&workspace), &[("worker/Cargo.toml", 2)]);
    }
}
