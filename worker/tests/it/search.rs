//! Turns that are answered from all documents.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{
    Citation, ContextUse, DocumentId, FinishReason, Grounding, Principal, SessionId, sha256_hex,
};
use shared::memory::{MemoryDocuments, OwnedDocument};
use shared::ports::{Document, Library as _, ModelCitation, NewDocument};

use crate::support::model::{Failure, Step};
use crate::support::world::pass;
use crate::support::{FakeModel, Fault, PortCall, Setup, World, fail, finish, says};

const HANDBOOK: &str = "# Rules\n\n## Phones\n\nA phone stays in the locker. Calls are made at the \
    office.\n\n## Buses\n\nThe school bus leaves at 15:20.\n";
const CITED: &str = "Your phone stays in the locker [1].";

fn document(id: &str, content: &str, owner: Option<Principal>) -> OwnedDocument {
    let id = DocumentId::parse(id).unwrap();
    let public = owner.is_none();
    let document = Document { id, title: "Handbook".into(), content: content.into(), public };
    OwnedDocument { document, owner }
}

fn foreign() -> OwnedDocument {
    let owner = Principal::parse("anon:somebody").unwrap();
    document("foreign", "The secret phone of somebody stays in drawer canary-4711.", Some(owner))
}

fn setup(model: &Arc<FakeModel>) -> Setup {
    let documents = vec![document("handbook", HANDBOOK, None), foreign()];
    Setup { documents, ..Setup::new(vec![model.clone()]) }
}

async fn ask(world: &World, id: &str, question: &str) {
    world.accept(&world.submission(id, question)).await;
    world.drain().await;
}

fn cites(passage: u32, quote: &str) -> Vec<Step> {
    vec![Step::Cite(ModelCitation { passage, quote: quote.to_owned() })]
}

/// Checks that the quote stands where the citation says.
#[track_caller]
fn check_place(citation: &Citation) {
    assert_eq!(citation.version, sha256_hex(HANDBOOK));
    let units: Vec<u16> = HANDBOOK.encode_utf16().collect();
    let place = citation.start as usize..citation.end as usize;
    assert_eq!(String::from_utf16(&units[place]).unwrap(), citation.quote);
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_from_all_documents_with_a_citation() {
    let model = FakeModel::openai(vec![FakeModel::words(CITED)]);
    let world = World::of(setup(&model));
    ask(&world, "m1", "Where does my phone stay?").await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.context, turn.text.as_deref()), (Some(ContextUse::Used), Some(CITED)));
    assert_eq!(turn.grounding, Some(Grounding::Cited));
    let [citation] = &turn.citations[..] else { panic!("{:?}", turn.citations) };
    assert_eq!((citation.number, citation.offset), (1, 31));
    assert_eq!(citation.quote, "A phone stays in the locker.");
    check_place(citation);

    let prompt = &model.prompts()[0];
    assert_eq!(prompt.document, None);
    assert!(!prompt.system.contains("locker"), "{}", prompt.system);
    assert_eq!(prompt.messages[0].text, "Where does my phone stay?");
    let found = prompt.found.as_ref().unwrap();
    assert!(found.text.contains("Passage 1, from Handbook › Rules › Phones:\n"), "{}", found.text);
    assert!(found.text.ends_with("The user's message:\n"), "{}", found.text);
    assert!(!found.text.contains("canary-4711"), "{}", found.text);
}

#[tokio::test(start_paused = true)]
async fn the_next_question_is_understood_with_the_one_before_and_marks_are_not_told() {
    let model = FakeModel::openai(vec![FakeModel::words("The bus leaves at 15:20 [1].")]);
    let world = World::of(setup(&model));
    ask(&world, "m1", "When does the school bus leave?").await;
    ask(&world, "m2", "And why then?").await;
    let found = model.prompts()[1].found.clone().unwrap();
    assert!(found.passages[0].text().contains("15:20"), "{}", found.text);
    ask(&world, "m3", "Thanks").await;
    let told = &model.prompts()[2].messages;
    assert_eq!(told[3].text, told[1].text);
    assert_eq!(world.final_of(1).await.text.as_deref(), Some("The bus leaves at 15:20 [1]."));
    assert_eq!(told[1].text, "The bus leaves at 15:20.", "without its mark");
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_cites_is_checked() {
    let script = [
        says("In the locker", Duration::from_millis(10)),
        cites(1, "A phone stays in the locker. "),
        says(", of course", Duration::ZERO),
        cites(1, "A phone stays in canary-4711."),
        cites(9, "A phone stays in the locker. "),
        finish(),
    ];
    let model = FakeModel::citing(vec![script.concat()]);
    let world = World::of(setup(&model));
    ask(&world, "m1", "Where does my phone stay?").await;
    let turn = world.final_of(1).await;
    assert_eq!(turn.text.as_deref(), Some("In the locker [1], of course"));
    assert_eq!(turn.citations.len(), 1);
    check_place(&turn.citations[0]);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nothing_answers_is_to_be_declined() {
    let model = FakeModel::openai(vec![FakeModel::words("That is not in the documents [1].")]);
    let world = World::of(setup(&model));
    ask(&world, "m1", "Quantum chromodynamics?").await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.context, turn.grounding), (Some(ContextUse::None), Some(Grounding::None)));
    let found = model.prompts()[0].found.clone().unwrap();
    assert_eq!(found.passages, []);
    assert!(found.text.contains("found nothing for the user's message"), "{}", found.text);
    assert_eq!(turn.citations, []);
}

#[tokio::test(start_paused = true)]
async fn without_documents_there_is_nothing_to_say_of_a_search() {
    for documents in [Vec::new(), vec![foreign()]] {
        let model = FakeModel::saying("Hello.");
        let world = World::of(Setup { documents, ..Setup::new(vec![model.clone()]) });
        ask(&world, "m1", "Where is the phone?").await;
        let turn = world.final_of(1).await;
        assert_eq!((turn.context, turn.grounding), (Some(ContextUse::None), None));
        assert_eq!(model.prompts()[0].found, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_chosen_document_is_searched_alone_if_it_does_not_fit() {
    let long = format!("{HANDBOOK}\n{}", "## More\n\nNothing of interest.\n\n".repeat(40));
    for (question, found) in
        [("Where does my phone stay?", true), ("Quantum chromodynamics?", false)]
    {
        let model = FakeModel::openai(vec![FakeModel::words(CITED)]);
        let documents = vec![
            document("long", &long, None),
            document("other", "The phone of another document.", None),
        ];
        let setup = Setup { documents, ..Setup::new(vec![model.clone()]) };
        let world = World::of(setup.with("CHATBOT_DOCUMENT_TOKENS", "200"));
        let mut submission = world.submission("m1", question);
        submission.document_id = Some(DocumentId::parse("long").unwrap());
        world.accept(&submission).await;
        world.drain().await;
        let turn = world.final_of(1).await;
        assert_eq!(turn.context, Some(ContextUse::Used), "{question}");
        assert!(turn.citations.iter().all(|it| it.document_id.as_str() == "long"));
        let prompt = &model.prompts()[0];
        assert_eq!((prompt.found.is_some(), prompt.document.is_none()), (found, found));
        assert_eq!(prompt.system.contains("The document is longer"), !found, "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_costs_the_answer_only_its_passages() {
    for fault in [Fault::Fail, Fault::Hang, Fault::Stall(Duration::from_secs(30))] {
        let model = FakeModel::saying("Hello.");
        let world = World::of(setup(&model));
        world.faults.during(PortCall::Search, 1..=1_000, fault);
        ask(&world, "m1", "Where does my phone stay?").await;
        let turn = world.final_of(1).await;
        assert_eq!(
            (turn.context, turn.grounding, turn.text.as_deref()),
            (Some(ContextUse::Unavailable), None, Some("Hello."))
        );
        assert!(model.prompts()[0].system.contains("cannot be read at the moment"));
        assert_eq!(world.elapsed().as_secs(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn documents_that_cannot_be_searched_are_not() {
    let model = FakeModel::saying("Hello.");
    let world = World::of(Setup { searchable: false, ..setup(&model) });
    ask(&world, "m1", "Where does my phone stay?").await;
    assert_eq!(world.faults.count(PortCall::Search), 0);
    assert_eq!(model.prompts()[0].found, None);
    assert_eq!(world.final_of(1).await.context, Some(ContextUse::None));
}

#[tokio::test(start_paused = true)]
async fn another_generation_begins_without_citations() {
    let said = says(CITED, Duration::from_millis(10));
    let first = FakeModel::openai(vec![[said, fail(Failure::Permanent)].concat()]);
    let second = FakeModel::claude(vec![FakeModel::words("It is in the handbook.")]);
    let documents = setup(&first).documents;
    let world = World::of(Setup { documents, ..Setup::new(vec![first, second.clone()]) });
    ask(&world, "m1", "Where does my phone stay?").await;
    let turn = world.final_of(1).await;
    assert_eq!(turn.text.as_deref(), Some("It is in the handbook."));
    assert_eq!((turn.citations, turn.grounding), (Vec::new(), Some(Grounding::None)));
    assert!(second.prompts()[0].found.is_some(), "the next provider gets the passages too");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_turn_keeps_the_citations_of_its_text() {
    let script =
        [says(CITED, Duration::from_millis(10)), says(" And so on", Duration::from_secs(9))];
    let model = FakeModel::openai(vec![script.concat()]);
    let world = Arc::new(World::of(setup(&model)));
    let submission = world.submission("m1", "Where does my phone stay?");
    world.accept(&submission).await;
    let delivery = world.begin().await;
    pass(2_500).await;
    world.stop(&submission.message_id).await;
    delivery.await.unwrap();
    let turn = world.final_of(1).await;
    assert_eq!(turn.finish_reason, Some(FinishReason::Cancelled));
    assert_eq!(turn.citations.len(), 1);
    check_place(&turn.citations[0]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_document_is_not_answered_from_the_cache() {
    let model = FakeModel::openai(vec![FakeModel::words(CITED)]);
    let library = Arc::new(MemoryDocuments::new(vec![document("handbook", HANDBOOK, None)]));
    let world = World::of(Setup { library: Some(library.clone()), ..setup(&model) }.caching());
    for (id, session, calls) in [("m1", "a", 1), ("m2", "b", 1), ("m3", "c", 2)] {
        if id == "m3" {
            let content = HANDBOOK.to_owned() + "\n## New\n\nA rule.\n";
            let new =
                NewDocument { title: "Handbook".into(), content, owner: None, source_url: None };
            library.put(&DocumentId::parse("handbook").unwrap(), &new).await.unwrap();
        }
        let mut submission = world.submission(id, "Where does my phone stay?");
        submission.session_id = SessionId::parse(session).unwrap();
        world.accept(&submission).await;
        world.drain().await;
        assert_eq!(model.calls(), calls, "{id}");
    }
    let session = SessionId::parse("b").unwrap();
    let turn = world.first_of(&session).await;
    assert!(turn.cached && turn.grounding == Some(Grounding::Cited));
    check_place(&turn.citations[0]);
}

#[tokio::test(start_paused = true)]
async fn passages_are_told_before_the_text_and_again_in_a_later_generation() {
    let broken = [says("In the", Duration::from_millis(300)), fail(Failure::Broken)].concat();
    let model = FakeModel::openai(vec![broken, FakeModel::words(CITED)]);
    let world = World::of(setup(&model));
    world.accept(&world.submission("m1", "Where does my phone stay?")).await;
    let connection = world.connect("c1", "s1").await;
    world.drain().await;
    let seen = world.events(&connection);
    let told: Vec<_> = seen
        .iter()
        .filter(|frame| frame["name"] == "chat.citations" || frame["type"] == "TEXT_MESSAGE_START")
        .map(|frame| (frame["name"].as_str(), frame["metadata"]["gen"].as_u64().unwrap()))
        .collect();
    let citations = Some("chat.citations");
    assert_eq!(told, [(citations, 1), (None, 1), (citations, 2), (None, 2)]);
    let passage = &seen.iter().find(|it| it["name"] == "chat.citations").unwrap()["value"];
    assert_eq!(passage["passages"][0]["number"], 1);
    assert_eq!(passage["passages"][0]["document_id"], "handbook");
    assert!(passage.to_string().len() < 2_000 && !passage.to_string().contains("canary"));
}
