//! What a provider would be asked, without asking it.

use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Reply};

use super::{answered, operator, submit};
use crate::support::{Http, Setup, provider};

async fn prompt(http: &Http, provider: &str, message: Value) -> Value {
    let asked = json!({ "principal": "op:ann", "provider": provider, "messages": [message] });
    http.post("/admin/api/prompts", &asked).await.expect(200)["prompts"][0].clone()
}

#[tokio::test]
async fn a_rendered_prompt_is_what_a_first_message_is_answered_with_and_nothing_is_asked() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    for (setup, name) in [(Setup::claude(&stub), "claude"), (Setup::openai(&stub), "openai")] {
        let server = setup.start().await;
        let http = operator(&server);
        let rendered =
            prompt(&http, name, json!({ "message": "When?", "document_id": "school" })).await;
        let before = stub.calls().len();
        answered(
            &http,
            &submit(
                &http,
                json!({ "message_id": "m", "message": "When?", "document_id": "school" }),
            )
            .await,
        )
        .await;
        let calls = stub.calls();
        assert_eq!((calls.len() - before, &rendered["context"]), (1, &json!("used")));
        let mut asked = calls[before].body.clone();
        let body = rendered["body"].clone();
        for streaming in ["stream", "stream_options"] {
            asked.as_object_mut().unwrap().remove(streaming);
        }
        // Only a session that goes on has its conversation kept.
        if let Some(text) = asked["messages"][0]["content"][0].get("text").cloned() {
            asked["messages"][0]["content"] = text;
        }
        assert_eq!(body, asked);
        assert!(body.to_string().contains("08:35"), "{body}");
    }
}

#[tokio::test]
async fn documents_are_read_on_behalf_of_the_operator() {
    let documents = json!([
        { "id": "open", "title": "Open", "content": "for all to see" },
        { "id": "closed", "title": "Closed", "content": "for \
            teachers", "owner": "jwt:issuer#teacher" },
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.json");
    std::fs::write(&file, documents.to_string()).unwrap();
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server =
        Setup::claude(&stub).with("CHATBOT_DOCUMENTS", file.to_str().unwrap()).start().await;
    let http = operator(&server);
    for (document, context, shown) in
        [("open", "used", true), ("closed", "unavailable", false), ("none", "unavailable", false)]
    {
        let rendered =
            prompt(&http, "claude", json!({ "message": "What?", "document_id": document })).await;
        assert_eq!(rendered["context"], context, "{document}");
        let body = rendered["body"].to_string();
        assert_eq!(
            (body.contains("for all to see"), body.contains("for teachers")),
            (shown, false),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_rendered_names_its_field() {
    let server = Setup::offline().start().await;
    let http = operator(&server);
    let message = json!({ "message": "Hi" });
    for (principal, provider, messages, field) in [
        ("jwt:issuer#ann", "offline", json!([message]), "principal"),
        ("op:ann", "claude", json!([message]), "provider"),
        ("op:ann", "offline", json!([message]), "provider"),
        ("op:ann", "offline", json!([]), "messages"),
        ("op:ann", "offline", json!(vec![message.clone(); 101]), "messages"),
    ] {
        let asked = json!({ "principal": principal, "provider": provider, "messages": messages });
        assert_eq!(http.post("/admin/api/prompts", &asked).await.problem(400)["field"], field);
    }
}
