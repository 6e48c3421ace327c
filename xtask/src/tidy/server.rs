//! The dependencies of the one-machine server.

use super::Violation;
use super::layering::{is_runtime, is_sdk};
use super::workspace::Workspace;

const FIX: &str = "`cargo tree -p local -e normal,build,dev -i NAME` shows why";

/// Finds AWS SDK crates in the default build, which would slow down the first `cargo run`.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let names = workspace.server.iter();
    let foreign = names.filter(|name| is_sdk(name) || is_runtime(name));
    foreign
        .map(|name| {
            let what = format!("the server compiles `{name}`");
            Violation::new("local/Cargo.toml", 1, what, FIX)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::workspace;
    use super::*;

    #[test]
    fn the_server_is_free_of_aws() {
        let mut workspace = workspace(&[]);
        workspace.server = vec!["axum".into(), "rusqlite".into()];
        assert!(check(&workspace).is_empty());
        workspace.server.push("aws-sdk-dynamodb".into());
        workspace.server.push("lambda_runtime".into());
        assert_eq!(check(&workspace).len(), 2);
    }
}
