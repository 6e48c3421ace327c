//! Security stories that need a clock that moves, a host that misbehaves, or a look at the source.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ingress::SocketSession;
use serde_json::json;
use shared::domain::ConnectionId;

use crate::rows;
use crate::world::World;

async fn ticket(world: &World, token: &str) -> String {
    let answer = world.post("/sessions/s/tickets", &json!({})).token(token).send().await.ok(201);
    answer.json["websocket"]["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_used_ticket_never_opens_again_however_late_it_comes() {
    let world = World::new();
    let token = world.session().await;
    let ticket = ticket(&world, &token).await;
    world.ingress.authorize_socket(&ticket, None, None).await.unwrap();
    for seconds in [0, 1, 28, 1, 1, 60, 600, 3_600, 86_400] {
        world.later(Duration::from_secs(seconds));
        world.ingress.authorize_socket(&ticket, None, None).await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_signature_is_enough() {
    let world = World::new();
    let token = world.session().await;
    let ticket = ticket(&world, &token).await;
    for (pass, is_ticket) in [(&token, false), (&ticket, true)] {
        let (claims, mac) = pass.rsplit_once('.').unwrap();
        let mac = URL_SAFE_NO_PAD.decode(mac).unwrap();
        let shorter = (0..mac.len()).map(|length| mac[..length].to_vec());
        let longer = [[mac.as_slice(), &[0]].concat(), mac.repeat(2), vec![0; 32]];
        let flipped = (0..mac.len() * 8).map(|bit| {
            let mut flipped = mac.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        });
        for forged in shorter.chain(longer).chain(flipped) {
            let forged = format!("{claims}.{}", URL_SAFE_NO_PAD.encode(forged));
            check_refused(&world, &forged, is_ticket).await;
        }
    }
    world.get("/documents").token(&token).send().await.ok(200);
    world.ingress.authorize_socket(&ticket, None, None).await.unwrap();
}

async fn check_refused(world: &World, pass: &str, is_ticket: bool) {
    if is_ticket {
        world.ingress.authorize_socket(pass, None, None).await.unwrap_err();
    } else {
        world.get("/documents").token(pass).send().await.refused(401, None);
    }
}

/// A host that gives a connection's id to another connection before anybody heard that the first
/// has closed.
#[tokio::test(start_paused = true)]
async fn a_connection_id_that_was_bound_anew_hears_of_its_own_session_only() {
    let world = World::new();
    let token = world.session().await;
    rows::put(&world, &rows::replied(&world, 1, "Private.")).await;
    let connection = ConnectionId::new("c1=");
    let hers = world.connect(&token).await;
    assert_eq!(world.resume(&connection, &hers, 0).await.len(), 2);

    let answer = world.post("/sessions", &json!({ "session_id": "his" })).send().await.ok(201);
    let ticket = answer.json["websocket"]["ticket"].as_str().unwrap();
    let his = world.ingress.authorize_socket(ticket, None, None).await.unwrap();
    let frames = world.resume(&connection, &his, 0).await;
    assert_eq!((frames.len(), &frames[0]["value"]["next"]), (1, &json!(1)), "{frames:?}");
    // What the host keeps with a connection may be mixed up, but never opens a session to another
    // owner.
    for (id, mixed) in [
        (
            "c2=",
            SocketSession {
                session_key: hers.session_key.clone(),
                principal_hash: his.principal_hash.clone(),
            },
        ),
        (
            "c3=",
            SocketSession {
                session_key: his.session_key.clone(),
                principal_hash: hers.principal_hash.clone(),
            },
        ),
    ] {
        let frames = world.resume(&ConnectionId::new(id), &mixed, 0).await;
        assert_eq!(
            (frames.len(), &frames[0]["value"]["code"]),
            (1, &json!("not_found")),
            "{frames:?}"
        );
    }
}

/// Proves what can be proved by reading: the one comparison of a MAC is the library's, which takes
/// the same time wherever the difference is. It measures no time, and says nothing of what the
/// library or the compiler does.
/// JWTs are outside of it: their signatures are public-key ones, verified by `jsonwebtoken`, and no
/// secret is compared.
#[test]
fn macs_are_compared_by_the_librarys_constant_time_verification_and_nowhere_else() {
    let sources = sources(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref());
    assert!(sources.len() > 20, "the sources were not found");
    for (name, text) in &sources {
        let is_signing = name.ends_with("signing.rs");
        for word in ["Hmac", "verify_slice", "expose_secret"] {
            assert_eq!(text.contains(word), is_signing, "{word} in {name}");
        }
    }
    let (_, signing) = sources.iter().find(|(name, _)| name.ends_with("signing.rs")).unwrap();
    let code: Vec<&str> =
        signing.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let lines =
        |word: &str| code.iter().filter(|line| line.contains(word)).copied().collect::<Vec<_>>();
    let [verified] = lines("verify_slice")[..] else { panic!("one verification: {code:#?}") };
    assert!(
        verified.ends_with(".verify_slice(&given).ok()?;"),
        "a failure must end it: {verified}"
    );
    let [made] = lines("finalize")[..] else {
        panic!("a MAC is made for one purpose, to be sent: {code:#?}")
    };
    assert!(made.contains("URL_SAFE_NO_PAD.encode("), "{made}");
    // The key's id and the key's place are no secrets.
    let mut compared: Vec<&str> = [lines("=="), lines("!="), lines(".eq("), lines("cmp")].concat();
    compared.retain(|line| !line.contains("key.id == k") && !line.contains("place == 0"));
    assert_eq!(compared, Vec::<&str>::new());
}

fn sources(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
