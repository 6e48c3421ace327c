//! The paths and methods of the contract are those of the code.

use std::collections::BTreeSet;

use http::Method;

use super::door::{Door, Operation};
use crate::world::World;

const ROUTES: &str = include_str!("../../../src/route.rs");

/// Reads the patterns of the code's one match over a path's segments.
fn patterns() -> BTreeSet<String> {
    let arms = ROUTES.lines().filter_map(|line| line.trim().strip_prefix('[')?.split_once("] =>"));
    arms.map(|(segments, _)| segments.split(", ").map(segment).collect()).collect()
}

fn segment(pattern: &str) -> String {
    match pattern {
        "id" => "/{session_id}".to_owned(),
        "document" => "/{document_id}".to_owned(),
        "ordinal" => "/{ordinal}".to_owned(),
        "turn" => "/{turn}".to_owned(),
        literal => format!("/{}", literal.trim_matches('"')),
    }
}

#[test]
fn every_route_is_in_the_contract_and_the_other_way_round() {
    let contract = Door::new().contract;
    let paths: BTreeSet<_> = contract.at("/paths").as_object().unwrap().keys().cloned().collect();
    assert_eq!(patterns(), paths);
}

#[tokio::test(start_paused = true)]
async fn every_path_knows_the_methods_of_the_contract_and_no_other() {
    let world = World::new();
    let door = Door::new();
    for path in patterns() {
        let operations = Operation::all(&door.contract).into_iter().filter(|one| one.path == path);
        let mut documented: BTreeSet<_> = operations.map(|one| one.method.to_uppercase()).collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }
        documented.insert("OPTIONS".to_owned());
        let answer = Operation::new("options", &path).ask(&world).send().await.ok(204);
        let allowed: BTreeSet<_> =
            answer.header("allow").unwrap().split(", ").map(str::to_owned).collect();
        assert_eq!(allowed, documented, "{path}");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"]
            .iter()
            .filter(|one| !documented.contains(**one))
        {
            let answer = Operation::new(method, &path).ask(&world).send().await.ok(405);
            door.check("/components/responses/MethodNotAllowed", &answer);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_answered_as_the_contract_says() {
    let world = World::new();
    let door = Door::new();
    for path in ["/", "/nothing", "/sessions/s/turns/1", "/sessions/s/turns/0/feedback"] {
        for method in [Method::GET, Method::POST] {
            door.check(
                "/components/responses/NotFound",
                &world.ask(method, path).send().await.ok(404),
            );
        }
    }
}
