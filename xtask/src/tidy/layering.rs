//! Who may depend on whom.

use super::Offence;
use super::house::{Crate, Dependency, House};
use super::rust::Source;

const FUNCTIONS: [&str; 3] = ["ingress", "worker", "notifier"];

/// The client library, which no function links.
const CLIENT: &str = "client";

/// The models and their prices, which depend on `shared` alone.
const PROVIDERS: &str = "providers";

/// The operator's tool, which works on AWS as the functions do, and where in it.
const TOOL: &str = "cli";
const TOOL_ON_AWS: &str = "src/backend/stack/";

/// What only `aws/` may name; the functions may have it behind a feature, for their `main.rs`.
const RUNTIME: [&str; 4] =
    ["lambda_runtime", "lambda_http", "aws_lambda_events", "lambda-extension"];

/// Holds the arrows between the crates, the AWS SDK in its folder, and adapters in `main.rs`.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let crates = house.crates.iter();
    let mut found: Vec<_> = crates.flat_map(|krate| one_crate(house, krate)).collect();
    found.extend(house.sources.iter().flat_map(named_adapters));
    found
}

fn one_crate(house: &House, krate: &Crate) -> Vec<Offence> {
    let broken = |dependency: &Dependency| {
        let mend = rule(&krate.name, dependency)?;
        let what = format!("`{}` depends on `{}`", krate.name, dependency.name);
        let (path, line) = house.place(krate, &dependency.name);
        Some(Offence::new(&path, line, what, mend))
    };
    krate.dependencies.iter().filter_map(broken).collect()
}

/// Finds files of the functions, other than `main.rs`, and of the tool, other than its home on AWS,
/// that name the AWS adapters.
fn named_adapters(source: &Source) -> Vec<Offence> {
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
            let mend = "take the port, and let `main.rs` choose the adapter";
            Offence::new(&source.path, token.line, "an adapter is named here", mend)
        })
        .collect()
}

/// Returns how to mend a dependency that breaks a rule.
fn rule(krate: &str, dependency: &Dependency) -> Option<&'static str> {
    let name = dependency.name.as_str();
    let function = FUNCTIONS.contains(&krate);
    if function && FUNCTIONS.contains(&name) && krate != name {
        return Some("move what both need to `shared`: they meet in queue messages only");
    }
    let dev_testkit = dependency.dev && name == "testkit";
    if krate == PROVIDERS && dependency.ours && name != "shared" && !dev_testkit {
        return Some("models and prices know nothing of turns: move what they need to `shared`");
    }
    if krate == "shared" && dependency.ours && !dev_testkit {
        return Some("`shared` stands below every other crate: turn the arrow round");
    }
    if krate == CLIENT && dependency.ours && name != "shared" {
        return Some("a client knows the service by its contracts: use `shared` at most");
    }
    if name == CLIENT && (function || krate == "aws") {
        return Some("no Lambda function links the client: test through `simulation` or `local`");
    }
    if is_sdk(name) && krate != "aws" {
        return Some("only `aws/` names an AWS SDK: put an adapter there, behind a port");
    }
    if RUNTIME.contains(&name) && krate != "aws" && !(function && dependency.optional) {
        return Some(
            "only a function's `main.rs` runs on Lambda: make it optional, behind `lambda`",
        );
    }
    if name == "aws" && !((function || krate == TOOL) && dependency.optional) {
        return Some(
            "only a function's `main.rs` names an adapter: make it optional, behind `lambda`",
        );
    }
    None
}

/// Tells whether a crate is an AWS SDK or a part of one.
pub(super) fn is_sdk(name: &str) -> bool {
    let parts = ["aws-sdk-", "aws-smithy-", "rusoto"];
    parts.iter().any(|part| name.starts_with(part))
        || ["aws-config", "aws-types", "aws-sigv4", "aws-runtime"].contains(&name)
}

/// Tells whether a crate only makes sense inside a Lambda function.
pub(super) fn is_runtime(name: &str) -> bool {
    RUNTIME.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::house::Dependency;
    use super::super::house::tests::{check_finds, house, krate};

    #[track_caller]
    fn check(name: &str, dependencies: &[&str], offences: usize) {
        let mut house = house(&[]);
        house.crates = vec![krate(name, dependencies)];
        assert_eq!(super::check(&house).len(), offences, "{name}");
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
    }

    #[test]
    fn the_client_uses_shared_at_most_and_no_function_uses_the_client() {
        let mut house = house(&[]);
        let dependency =
            |name: &str, ours| Dependency { ours, optional: false, dev: false, name: name.into() };
        let mut client = krate("client", &["bytes"]);
        client.dependencies.push(dependency("shared", true));
        house.crates = vec![client];
        assert_eq!(super::check(&house).len(), 0);
        house.crates[0].dependencies.push(dependency("worker", true));
        assert_eq!(super::check(&house).len(), 1);
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
        let house = house(&[
            ("worker/src/main.rs", named),
            ("worker/src/handler.rs", named),
            ("aws/src/lib.rs", named),
        ]);
        check_finds(&super::check(&house), &[("worker/src/handler.rs", 1)]);
    }

    #[test]
    fn the_tool_names_adapters_in_its_home_on_aws_only() {
        check("cli", &["aws?"], 0);
        check("cli", &["aws"], 1);
        let named = "use aws::Queue;";
        let house = house(&[("cli/src/backend/stack/mod.rs", named), ("cli/src/tail.rs", named)]);
        check_finds(&super::check(&house), &[("cli/src/tail.rs", 1)]);
    }

    #[test]
    fn an_arrow_is_reported_where_it_is_drawn() {
        let cargo = "[dependencies]\ningress.workspace = true\n";
        let mut house = house(&[("worker/Cargo.toml", cargo)]);
        house.crates = vec![krate("worker", &["ingress"])];
        check_finds(&super::check(&house), &[("worker/Cargo.toml", 2)]);
    }
}
