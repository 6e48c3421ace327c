//! AG-UI frames.

use serde_json::json;

use super::{asyncapi, json};
use crate::samples;

const MESSAGES: &str = "/components/messages";

#[test]
fn every_frame_is_as_its_message_says() {
    let contract = asyncapi();
    for (_, message, frame) in samples::frames() {
        let frame = json(&frame);
        contract.check(&format!("{MESSAGES}/{message}/payload"), &frame);
        let name = contract.at(&format!("{MESSAGES}/{message}/name"));
        assert!(*name == frame["type"] || *name == frame["name"], "{name}");
    }
}

#[test]
fn a_frame_is_of_one_message_only() {
    let contract = asyncapi();
    for (_, own, frame) in samples::frames() {
        for other in contract.at(MESSAGES).as_object().unwrap().keys().filter(|other| *other != own)
        {
            let refusal = contract.refusal(&format!("{MESSAGES}/{other}/payload"), &json(&frame));
            assert!(refusal.is_some(), "{own} passes for {other}");
        }
    }
}

#[test]
fn every_message_is_sent_by_one_side() {
    let contract = asyncapi();
    for message in contract.at(MESSAGES).as_object().unwrap().keys() {
        let sent = samples::frames().iter().any(|(_, own, _)| own == message);
        assert_eq!(sent, message != "resume", "{message}");
        let reference =
            json!({ concat!("$", "ref"): format!("#/channels/session/messages/{message}") });
        let operation = if sent { "push" } else { "resume" };
        let listed = contract.at(&format!("/operations/{operation}/messages")).as_array().unwrap();
        assert!(listed.contains(&reference), "{operation} does not list {message}");
        let channel = contract.at("/channels/session/messages");
        let target = format!("#{MESSAGES}/{message}");
        assert_eq!(
            channel[message][concat!("$", "ref")],
            target,
            "the channel does not list {message}"
        );
    }
}

#[test]
fn what_is_optional_in_a_final_is_written_by_one() {
    let contract = asyncapi();
    let finals: Vec<_> = samples::frames().iter().map(|(.., frame)| json(frame)).collect();
    for field in
        contract.at("/components/schemas/FinalMetadata/properties").as_object().unwrap().keys()
    {
        assert!(
            finals.iter().any(|frame| frame["metadata"].get(field).is_some()),
            "nobody writes {field}"
        );
    }
}
