//! The traces of the contract, recorded from the TypeScript rule: this rule must do the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::account::StoredTurn;
use client::rule::{Action, ClientRule, Frame, Input, Variant};
use serde::Deserialize;
use serde_json::{Value, json};

/// One line of a trace; `contracts/traces/README.md` describes the fields.
#[derive(Deserialize)]
struct Step {
    at: u64,
    input: TraceInput,
    actions: Vec<Value>,
    cursor: u64,
    texts: BTreeMap<u64, String>,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum TraceInput {
    Opened,
    Closed,
    Tick,
    Frame { frame: Value },
    History { turns: Vec<StoredTurn> },
    Sending { message_id: String },
    Unsent { message_id: String },
}

#[test]
fn the_rule_follows_every_trace_of_the_contract() {
    let traces = traces();
    assert!(traces.len() >= 29, "only {} traces were found", traces.len());
    for path in traces {
        follow(&path, Variant::Faithful).unwrap();
    }
}

#[test]
fn the_broken_variants_violate_some_trace() {
    for variant in [Variant::IgnoresGeneration, Variant::CursorIsLastSeen] {
        assert!(traces().iter().any(|path| follow(path, variant).is_err()), "{variant:?}");
    }
}

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/traces");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

/// Replays a trace; returns the first step at which the rule does something else.
fn follow(path: &Path, variant: Variant) -> Result<(), String> {
    let mut rule = ClientRule::new(variant);
    for (number, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        let place = format!("{}:{}", path.display(), number + 1);
        let step: Step = serde_json::from_str(line).unwrap_or_else(|e| panic!("{place}: {e}"));
        let actions = apply(&mut rule, &step);
        if actions != step.actions {
            return Err(format!("{place}: actions {actions:?} instead of {:?}", step.actions));
        }
        if rule.cursor() != step.cursor {
            return Err(format!("{place}: cursor {} instead of {}", rule.cursor(), step.cursor));
        }
        for (turn, text) in step.texts {
            if rule.text(turn) != text {
                return Err(format!("{place}: turn {turn} has the text {:?}", rule.text(turn)));
            }
        }
    }
    Ok(())
}

fn apply(rule: &mut ClientRule, step: &Step) -> Vec<Value> {
    let raw = match &step.input {
        TraceInput::Frame { frame } => frame.to_string(),
        _ => String::new(),
    };
    let input = match &step.input {
        TraceInput::Opened => Input::Opened,
        TraceInput::Closed => Input::Closed,
        TraceInput::Tick => Input::Tick,
        TraceInput::Frame { .. } => Input::Frame(Frame::parse(&raw)),
        TraceInput::History { turns } => Input::History(turns.clone()),
        TraceInput::Sending { message_id } => Input::Sending(message_id),
        TraceInput::Unsent { message_id } => Input::Unsent(message_id),
    };
    let mut actions = Vec::new();
    rule.apply(input, Duration::from_millis(step.at), &mut actions);
    actions.iter().filter_map(trace_action).collect()
}

/// Returns an action as the traces have it. Texts are compared after each step instead.
fn trace_action(action: &Action) -> Option<Value> {
    match action {
        Action::Resume { after } => Some(json!({ "type": "resume", "after": after })),
        Action::Fetch { after } => Some(json!({ "type": "fetch", "after": after })),
        Action::Final(turn) => Some(json!({
            "type": "final",
            "turn": turn.number,
            "kind": turn.kind,
            "text": turn.text,
        })),
        Action::Reset => Some(json!({ "type": "forget" })),
        _ => None,
    }
}
