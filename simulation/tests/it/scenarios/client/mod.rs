//! Client and connection: scenarios 41 to 47.

mod cuts;
mod owners;
mod resumes;
mod tickets;

use serde_json::Value;

use super::{line, replies};

/// Puts the provisional text of a turn's one generation together as the client rule says; a gap
/// fails the test.
fn assemble(frames: &[Value], turn: u64) -> String {
    let mut text: Vec<u16> = Vec::new();
    for frame in frames.iter().filter(|frame| frame["metadata"]["turn"] == turn) {
        assert_eq!(frame["metadata"]["gen"], 1);
        if let Some(delta) = frame["delta"].as_str() {
            let offset = frame["metadata"]["offset"].as_u64().unwrap();
            let delta = delta.encode_utf16();
            let known = text.len().checked_sub(usize::try_from(offset).unwrap()).expect("no gap");
            text.extend(delta.skip(known));
        }
    }
    String::from_utf16(&text).unwrap()
}
