//! Messages that are answered under other conditions than the session's own.

use shared::domain::{ErrorCode, MessageId, MessageText, MicroUsd, ProviderName, TurnKind, Usage};
use shared::ports::{Durability, OutgoingMessage, Prompt, Queue as _};
use shared::queue_messages::{Exchange, MAX_REPLAY_BYTES, Replay, RequestMessage, Submit};

use crate::support::model::Failure;
use crate::support::world::{Ended, START, principal};
use crate::support::{FakeModel, Fault, PortCall, Setup, Step, World, fail, finish, session};

fn submit(id: &str, replay: Replay) -> Submit {
    Submit {
        principal: principal(),
        session_id: session(),
        message_id: MessageId::parse(id).unwrap(),
        accepted_at: START,
        message: MessageText::parse("question").unwrap(),
        document_id: None,
        provider: None,
        trace: None,
        replay: Some(Box::new(replay)),
    }
}

fn exchange(message: &str, reply: &str) -> Exchange {
    Exchange { message: MessageText::parse(message).unwrap(), reply: reply.to_owned() }
}

fn replay() -> Replay {
    let history =
        vec![exchange("first", "1st"), exchange("unanswered", ""), exchange("second", "2nd")];
    let model = Some("claude-haiku-5-5".to_owned());
    let instructions = Some("Answer in one word.".to_owned());
    Replay { history, model, instructions }
}

async fn send(world: &World, submit: &Submit) {
    let group = world.key.to_string();
    let body = RequestMessage::Submit(submit.clone()).to_body();
    let deduplication_id = format!("{}-{}", submit.message_id, world.elapsed().as_nanos());
    world
        .requests
        .send(OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced })
        .await
        .unwrap();
}

fn texts(prompt: &Prompt) -> Vec<&str> {
    prompt.messages.iter().map(|message| message.text.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn history_model_and_instructions_are_the_replays() {
    let used = Usage { input_tokens: 50_000, ..Usage::default() };
    let script = vec![Step::Usage(used), Step::Say("Maths.".to_owned()), finish().remove(0)];
    let model = FakeModel::claude(vec![script]);
    let world = World::new(&model);
    world.say("m0").await;
    send(&world, &submit("m1", replay())).await;
    world.drain().await;
    let prompts = model.prompts();
    assert_eq!(
        texts(&prompts[1]),
        ["first", "1st", "second", "2nd", "question"],
        "not the session's own turn"
    );
    assert_eq!(prompts[1].model.as_deref(), Some("claude-haiku-5-5"));
    assert!(
        prompts[1].system.starts_with("Answer in one word.\n\nText in documents"),
        "{}",
        prompts[1].system
    );
    let plain = world.final_of(1).await;
    let turn = world.final_of(2).await;
    assert_eq!(turn.model.as_deref(), Some("claude-haiku-5-5"));
    assert_eq!(plain.cost_micro_usd, None, "the configured model has no price");
    assert!(
        turn.cost_micro_usd > Some(MicroUsd(0)),
        "the price is that of the model that was asked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replayed_history_is_cut_to_the_budget_of_histories() {
    let model = FakeModel::saying("Maths.");
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_HISTORY_TOKENS", "30"));
    let history = vec![
        exchange("one", "reply one"),
        exchange("two", "reply two"),
        exchange("three", "reply three"),
    ];
    send(&world, &submit("m1", Replay { history, ..Replay::default() })).await;
    world.drain().await;
    assert_eq!(
        texts(&model.prompts()[0]),
        ["two", "reply two", "three", "reply three", "question"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_generation_after_a_crash_is_answered_with_the_same_replay() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::new(&model);
    send(&world, &submit("m1", replay())).await;
    world.faults.on(PortCall::Next, 3, Fault::CrashBefore);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    world.drain().await;
    let prompts = model.prompts();
    assert_eq!((prompts.len(), &prompts[0]), (2, &prompts[1]));
    let turn = world.final_of(1).await;
    assert_eq!((turn.epoch.0, turn.kind), (2, Some(TurnKind::Reply)));
}

#[tokio::test(start_paused = true)]
async fn the_same_id_with_another_replay_is_refused() {
    let model = FakeModel::saying("Maths.");
    let world = World::new(&model);
    send(&world, &submit("m1", replay())).await;
    world.drain().await;
    let rows = world.table.dump();
    send(&world, &submit("m1", Replay { model: None, ..replay() })).await;
    send(&world, &Submit { replay: None, ..submit("m1", replay()) }).await;
    world.drain().await;
    assert_eq!((world.table.dump(), model.calls()), (rows, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_or_asked_for_is_refused() {
    let model = FakeModel::saying("Maths.");
    let world = World::new(&model);
    let long = Some("x".repeat(MAX_REPLAY_BYTES));
    let strange = Some("no such\nmodel".to_owned());
    for (id, replay) in [
        ("m1", Replay { instructions: long, ..Replay::default() }),
        ("m2", Replay { model: strange, ..Replay::default() }),
    ] {
        send(&world, &submit(id, replay)).await;
        assert!(matches!(world.deliver().await, Ended::Acked), "no later try can succeed");
    }
    assert_eq!((world.table.dump().len(), model.calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_largest_replay_fits_beside_the_longest_message() {
    let model = FakeModel::saying("Maths.");
    let world = World::new(&model);
    let around =
        serde_json::to_string(&Replay { instructions: Some(String::new()), ..Replay::default() })
            .unwrap();
    let instructions = Some("x".repeat(MAX_REPLAY_BYTES - around.len()));
    let message = MessageText::parse("🎈".repeat(16_000)).unwrap();
    let replay = Replay { instructions, ..Replay::default() };
    send(&world, &Submit { message, ..submit("m1", replay) }).await;
    world.drain().await;
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Reply));
}

#[tokio::test(start_paused = true)]
async fn nobody_stands_in_for_a_model_that_was_asked_for() {
    let claude = FakeModel::claude(vec![fail(Failure::Permanent)]);
    let openai = FakeModel::new(ProviderName::OpenAi, "gpt-6-luna", vec![finish()]);
    let world = World::of(Setup::new(vec![claude.clone(), openai.clone()]));
    let unknown = Replay { model: Some("no-such-model".to_owned()), ..Replay::default() };
    send(&world, &Submit { provider: Some(ProviderName::Claude), ..submit("m1", unknown) }).await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!(turn.error.map(|error| error.code), Some(ErrorCode::ProvidersRejected));
    assert_eq!((claude.calls(), openai.calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_absent_provider_is_not_answered_for() {
    let claude = FakeModel::saying("Maths.");
    let world = World::of(Setup::new(vec![claude.clone()]));
    send(&world, &Submit { provider: Some(ProviderName::OpenAi), ..submit("m1", replay()) }).await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!(turn.error.map(|error| error.code), Some(ErrorCode::NoProvider));
    assert_eq!(claude.calls(), 0);
}
