//! No input brings the front door down.

use bytes::Bytes;
use http::Method;
use proptest::prelude::*;
use shared::domain::ConnectionId;
use testkit::run_paused as run;

use crate::world::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_body_is_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        run(async {
            let world = World::new();
            for path in ["/chat", "/sessions"] {
                let ask = world.ask(Method::POST, path).header("content-type", "application/json");
                let answer = ask.body(Bytes::from(body.clone())).send().await;
                prop_assert!(answer.status.as_u16() < 500);
            }
            Ok(())
        })?;
    }

    #[test]
    fn any_text_field_is_answered(message in any::<String>(), id in any::<String>(), document in any::<String>()) {
        run(async {
            let world = World::new();
            let context = serde_json::json!({ "document_id": document });
            let body = serde_json::json!({
                "message": message, "session_id": id, "message_id": id, "context": context
            });
            prop_assert!(world.post("/chat", &body).send().await.status.as_u16() < 500);
            Ok(())
        })?;
    }

    #[test]
    fn any_path_is_answered(path in "/[!-\"$-~]{0,40}", query in "[!-\"$-~]{0,40}") {
        run(async {
            let world = World::new();
            let token = world.session().await;
            let Ok(uri) = format!("{path}?{query}").parse::<http::Uri>() else { return Ok(()) };
            let answer = world.get(&uri.to_string()).token(&token).send().await;
            prop_assert!(answer.status.as_u16() < 500);
            let answer = world.get(&format!("/sessions/s/turns?{query}")).token(&token).send().await;
            prop_assert!(answer.status.as_u16() < 500);
            Ok(())
        })?;
    }

    #[test]
    fn any_frame_is_answered(frame in any::<String>(), after in any::<i64>()) {
        run(async {
            let world = World::new();
            let token = world.session().await;
            let connection = ConnectionId::new("c");
            let session = world.connect(&token).await;
            let frames = world.frame(&connection, &session, &frame).await;
            prop_assert_eq!(&frames[0]["name"], "chat.error");
            let frame = serde_json::json!({ "type": "resume", "after": after }).to_string();
            let frames = world.frame(&connection, &session, &frame).await;
            let expected = if after < 0 { "chat.error" } else { "chat.resumed" };
            prop_assert_eq!(&frames[0]["name"], expected);
            Ok(())
        })?;
    }

    #[test]
    fn any_credential_is_refused(token in "[ -~]{0,80}", payload in "[A-Za-z0-9_-]{0,60}") {
        run(async {
            let world = World::new();
            for text in [token.clone(), format!("yogi1.{token}"), format!("yogi1.{payload}.{payload}")] {
                prop_assert_eq!(world.get("/documents").token(&text).send().await.status.as_u16(), 401);
                prop_assert!(world.ingress.authorize_socket(&text, None, None).await.is_err());
                let ticket = text.replacen("yogi1", "ticket1", 1);
                prop_assert!(world.ingress.authorize_socket(&ticket, Some(&token), Some(&token)).await.is_err());
            }
            Ok(())
        })?;
    }
}
