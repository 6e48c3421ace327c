//! Frames as the service sends them.

use super::frames::crc32;

/// Writes a message with the headers that the service sends.
pub(super) fn frame(message_type: &str, kind: &str, payload: &[u8]) -> Vec<u8> {
    let kind_header = if message_type == "event" { ":event-type" } else { ":exception-type" };
    let mut headers = Vec::new();
    for (name, value) in [
        (":message-type", message_type),
        (kind_header, kind),
        (":content-type", "application/json"),
    ] {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let total = 16 + headers.len() + payload.len();
    let lengths = [total, headers.len()].map(|length| u32::try_from(length).unwrap().to_be_bytes());
    let mut bytes = lengths.concat();
    bytes.extend(crc32(&bytes).to_be_bytes());
    bytes.extend(headers);
    bytes.extend(payload);
    bytes.extend(crc32(&bytes).to_be_bytes());
    bytes
}
