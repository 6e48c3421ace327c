//! Passages over the wire: how they are told, and how they are cited.

use futures::StreamExt as _;
use insta::assert_json_snapshot;
use shared::ports::{
    FoundPassage, FoundPassages, Model, ModelCitation, ModelEvent, Prompt, PromptCaching,
};
use testkit::stub_provider::{Behaviour, Protocol, Reply, StubProvider};

use crate::models::{BOTH, model, prompt};

fn found() -> FoundPassages {
    let passage = |source: &str, sentences: &[&str]| FoundPassage {
        source: source.to_owned(),
        title: "Handbook › Phones".to_owned(),
        sentences: sentences.iter().map(|&sentence| sentence.to_owned()).collect(),
        public: true,
    };
    FoundPassages {
        passages: vec![
            passage(
                "handbook#3",
                &["A phone stays in the locker. ", "Calls are made at the office."],
            ),
            passage("plan#0", &["Period 3 is maths."]),
        ],
        text: "Passages.\nThe user's message:\n".to_owned(),
    }
}

async fn events(model: &dyn Model, prompt: &Prompt) -> Vec<ModelEvent> {
    let stream = model.stream(prompt).await.unwrap();
    stream.map(Result::unwrap).collect().await
}

#[tokio::test]
async fn passages_go_before_the_last_message_in_each_providers_own_form() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    for protocol in BOTH {
        let caching = Some(PromptCaching { group: 3, conversation: true });
        let prompt = Prompt { found: Some(found()), caching, ..prompt() };
        let heard = events(model(protocol, &stub).as_ref(), &prompt).await;
        let said = heard.iter().filter_map(|event| match event {
            ModelEvent::Delta(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(
            said.collect::<String>(),
            "And on Tuesday?",
            "the stub knows what the user said"
        );
        let call = stub.calls().pop().unwrap();
        assert_json_snapshot!(format!("{protocol:?}-passages"), call.body["messages"]);
        let nothing = FoundPassages { passages: Vec::new(), ..found() };
        let prompt = Prompt { found: Some(nothing), ..prompt };
        events(model(protocol, &stub).as_ref(), &prompt).await;
        let call = stub.calls().pop().unwrap();
        assert_json_snapshot!(format!("{protocol:?}-nothing"), call.body["messages"]);
    }
}

#[tokio::test]
async fn citations_of_search_results_stand_behind_the_text_of_their_block() {
    let reply = Reply::text("In the locker.").citing(0, "A phone stays in the locker. ");
    let stub = StubProvider::start(Behaviour::OneByteAtATime(reply)).await.unwrap();
    let model = model(Protocol::Claude, &stub);
    assert!(model.cites_by_itself());
    let heard = events(model.as_ref(), &Prompt { found: Some(found()), ..prompt() }).await;
    let place = heard.iter().position(|event| matches!(event, ModelEvent::Citation(_))).unwrap();
    let quote = "A phone stays in the locker. ".to_owned();
    assert_eq!(heard[place], ModelEvent::Citation(ModelCitation { passage: 1, quote }));
    let text: String = heard[..place]
        .iter()
        .filter_map(|event| match event {
            ModelEvent::Delta(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, "In the locker.");
}
