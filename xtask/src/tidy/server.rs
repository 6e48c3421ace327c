//! What the one-machine server is made of.

use super::Offence;
use super::house::House;
use super::layering::{is_runtime, is_sdk};

const MEND: &str = "`cargo tree -p local -e normal,build,dev -i NAME` shows who brings it in";

/// Holds the AWS SDK out of the default build, so that the first `cargo run` stays quick.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let names = house.server.iter();
    let foreign = names.filter(|name| is_sdk(name) || is_runtime(name));
    foreign
        .map(|name| {
            let what = format!("the server is compiled with `{name}`");
            Offence::new("local/Cargo.toml", 1, what, MEND)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::house;
    use super::*;

    #[test]
    fn the_server_is_free_of_aws() {
        let mut house = house(&[]);
        house.server = vec!["axum".into(), "rusqlite".into()];
        assert!(check(&house).is_empty());
        house.server.push("aws-sdk-dynamodb".into());
        house.server.push("lambda_runtime".into());
        assert_eq!(check(&house).len(), 2);
    }
}
