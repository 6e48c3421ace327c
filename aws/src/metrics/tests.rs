use shared::domain::{
    ErrorCode, FinishReason, MessageId, MicroUsd, Principal, ProviderName, SessionId, SessionKey,
    Timestamp, TurnNumber, Usage,
};
use shared::memory::FixedClock;
use shared::ports::Attempts;
use shared::protocol::Timings;

use super::*;

fn measure() -> TurnMeasure {
    let session = SessionId::parse("lesson").unwrap();
    TurnMeasure {
        session_key: SessionKey::derive(&Principal::parse("anon:tester").unwrap(), &session),
        message_id: MessageId::parse("m1").unwrap(),
        turn: TurnNumber::parse(3).unwrap(),
        kind: TurnKind::Reply,
        finish_reason: FinishReason::Stop,
        error: None,
        provider: Some(ProviderName::OpenAi),
        requested_model: Some("gpt-6-luna".to_owned()),
        model: Some("gpt-6-luna-2026-09-01".to_owned()),
        usage: Some(Usage { input_tokens: 210, output_tokens: 50, ..Usage::default() }),
        cost: Some(MicroUsd(460)),
        timings: Timings {
            queue_ms: 31,
            context_ms: 12,
            first_token_ms: Some(640),
            total_ms: 5_120,
        },
        attempts: Attempts { retries: 1, fallbacks: 1, failures: 2 },
        restarts: 1,
        context: ContextUse::Used,
        trace: Some("6747c2d10123456789abcdef01234567".to_owned()),
    }
}

fn failed() -> TurnMeasure {
    TurnMeasure {
        kind: TurnKind::Error,
        finish_reason: FinishReason::Error,
        error: Some(ErrorCode::NoProvider),
        provider: None,
        requested_model: None,
        model: None,
        usage: None,
        cost: None,
        timings: Timings { first_token_ms: None, ..measure().timings },
        attempts: Attempts::default(),
        restarts: 0,
        context: ContextUse::Unavailable,
        trace: None,
        ..measure()
    }
}

#[test]
fn a_reply_is_one_line_of_metrics() {
    insta::assert_snapshot!("reply", format!("{:#}", line("prod", &measure(), 1_795_414_260_000)));
}

#[test]
fn a_failed_turn_is_one_line_too() {
    insta::assert_snapshot!("failed", format!("{:#}", line("prod", &failed(), 1_795_414_260_000)));
}

#[test]
fn tokens_without_a_price_have_no_cost_and_are_counted() {
    let values = values(&TurnMeasure { cost: None, ..measure() });
    assert_eq!((values.get(COST), &values[UNPRICED]), (None, &json!(1)));
}

#[test]
fn every_metric_of_the_list_is_emitted_and_declared() {
    let line = line("prod", &measure(), 0);
    let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    let names: Vec<_> = declared.iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
    assert_eq!(names, METRICS.map(|(name, _)| name));
    assert!(names.iter().all(|name| line[name].is_number()));
}

#[test]
fn a_line_is_written_whole() {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let output = Shared::default();
    let clock = Arc::new(FixedClock(Timestamp(7)));
    let metrics = EmbeddedMetrics::with_output("prod", clock, Box::new(output.clone()));
    metrics.turn(&measure());
    metrics.turn(&failed());
    let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    let times: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["_aws"]["Timestamp"].clone())
        .collect();
    assert_eq!(times, [7, 7]);
}
