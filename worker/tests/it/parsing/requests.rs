//! Bodies from the queue of requests, through the worker.

use proptest::prelude::*;
use serde_json::Value;
use shared::domain::Usage;
use shared::ports::{Delivery, Receipt};
use shared::queue_messages::RequestMessage;
use worker::WorkerError;

use super::corpus::{Seed, corpus, short, table};
use super::mutations::{mutants, reshaped};
use super::run;
use crate::support::world::Ended;
use crate::support::{FakeModel, Step, World, finish};

const CORPUS: &str = "../shared/tests/corpus/requests";

/// Delivers a body, checks all that holds for it, and says what came of it.
async fn deliver(body: &str) -> String {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::new(&model);
    if let Ok(RequestMessage::Message(_)) = RequestMessage::parse(body) {
        world.say("m1").await;
    }
    let ended = {
        let receipt = Receipt("none".to_owned());
        let message_id = "1".to_owned();
        let group = world.key.to_string();
        let delivery =
            Delivery { message_id, group, body: body.to_owned(), receive_count: 1, receipt };
        let rows = world.table.dump();
        let ended = world.handle(&delivery).await;
        if model.calls() == 0 {
            assert_eq!(world.table.dump(), rows, "a message that is not answered leaves nothing");
            assert_eq!(world.enqueued().await, Vec::<u64>::new());
        }
        ended
    };
    match ended {
        Ended::Failed(WorkerError::Body(_)) => {
            assert!(RequestMessage::parse(body).is_err());
            assert_eq!(model.calls(), 0);
            "dead letter".to_owned()
        }
        Ended::Acked if model.calls() == 0 => "acknowledged, nothing to do".to_owned(),
        Ended::Acked => {
            let said: Value = serde_json::from_str(body).unwrap();
            let turn = world.final_of(1).await;
            assert_eq!(
                (turn.message_id.as_str(), world.enqueued().await),
                (said["message_id"].as_str().unwrap(), vec![1])
            );
            let message = if said["type"] == "submit" {
                said["message"].as_str().unwrap()
            } else {
                "question m1"
            };
            assert_eq!(turn.message.as_str(), message);
            let end = world.meta().await.unwrap().expires_at;
            let latest = world.clock.start_plus_a_week();
            assert!(end <= latest, "no message makes a session that outlives a week: {end:?}");
            format!("answered: {message:?}")
        }
        other => panic!("{other:?}"),
    }
}

trait Week {
    fn start_plus_a_week(&self) -> shared::domain::ExpiresAt;
}

impl<C: shared::ports::Clock> Week for C {
    fn start_plus_a_week(&self) -> shared::domain::ExpiresAt {
        shared::domain::ExpiresAt::at(self.now().plus(std::time::Duration::from_hours(168)))
    }
}

#[test]
fn requests_of_the_corpus_come_to_this() {
    let outcome = |seed: &Seed| (seed.name.clone(), short(&run(deliver(seed.text()))));
    insta::assert_snapshot!(table(corpus(CORPUS).iter().map(outcome)));
}

#[test]
fn counts_without_end_are_summed_without_harm() {
    run(async {
        let most = Usage {
            input_tokens: u64::MAX,
            cached_input_tokens: u64::MAX,
            cache_write_tokens: u64::MAX,
            output_tokens: u64::MAX,
        };
        let broken = vec![Step::Usage(most), Step::Say("Period".to_owned())];
        let whole = [vec![Step::Usage(most), Step::Say("Period 3".to_owned())], finish()].concat();
        let world = World::new(&FakeModel::claude(vec![broken, whole]));
        world.say("m1").await;
        world.drain().await;
        let turn = world.final_of(1).await;
        assert_eq!((turn.text.as_deref(), turn.usage), (Some("Period 3"), Some(most)));
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_request_is_a_dead_letter_or_means_what_it_says(body in mutants(&corpus(CORPUS))) {
        run(deliver(&String::from_utf8_lossy(&body)));
    }

    #[test]
    fn a_request_of_another_shape_is_a_dead_letter_or_means_what_it_says(
        body in reshaped(&corpus(CORPUS)),
    ) {
        run(deliver(&body));
    }
}
