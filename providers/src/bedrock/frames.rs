//! AWS's event stream: binary messages with headers, a payload, and two checksums.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | the length of the whole message |
//! | 4 | the length of its headers |
//! | 4 | the CRC-32 of these eight bytes |
//! | | headers: name, type and value, each with its length |
//! | | the payload |
//! | 4 | the CRC-32 of everything before it |

use bytes::{Buf as _, Bytes, BytesMut};

/// The length of the part before the headers, in bytes.
const PRELUDE: usize = 12;
/// The length of the checksum at the end, in bytes.
const CHECKSUM: usize = 4;
/// The largest message, in bytes.
const MAX_FRAME_BYTES: usize = 1024 * 1024;
/// The type of a header whose value is a string.
const TEXT: u8 = 7;

/// The reason why bytes are not an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame with impossible lengths")]
    Length,
    #[error("a frame with a wrong checksum")]
    Checksum,
    #[error("a frame with headers that cannot be read")]
    Headers,
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// `event`, `exception` or `error`.
    pub(super) message_type: Option<String>,
    /// The kind of exception or error.
    pub(super) problem: Option<String>,
    pub(super) payload: Bytes,
}

/// A buffer for bytes that arrive in any pieces.
#[derive(Debug, Default)]
pub(super) struct Frames(BytesMut);

impl Frames {
    /// Adds the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Tells whether an incomplete message is in the buffer.
    pub(super) fn is_broken_off(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns the next complete message.
    ///
    /// The lengths are checked before they are trusted: by their own checksum, and against the
    /// largest message. Otherwise one damaged byte could make this wait, and buffer, for gigabytes
    /// that never come.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(prelude) = self.0.get(..PRELUDE) else { return Ok(None) };
        let total = number(&prelude[..4]);
        let headers = number(&prelude[4..8]);
        if crc32(&prelude[..8]) != number(&prelude[8..]) {
            return Err(FrameError::Checksum);
        }
        let total = total as usize;
        let headers = headers as usize;
        let least = headers.checked_add(PRELUDE + CHECKSUM).ok_or(FrameError::Length)?;
        if total < least || total > MAX_FRAME_BYTES {
            return Err(FrameError::Length);
        }
        if self.0.len() < total {
            return Ok(None);
        }
        let mut message = self.0.split_to(total).freeze();
        let checksum = message.split_off(total - CHECKSUM);
        if crc32(&message) != number(&checksum) {
            return Err(FrameError::Checksum);
        }
        message.advance(PRELUDE);
        let payload = message.split_off(headers);
        read_headers(message, payload).map(Some)
    }
}

fn read_headers(mut bytes: Bytes, payload: Bytes) -> Result<Frame, FrameError> {
    let mut frame = Frame { payload, ..Frame::default() };
    while bytes.has_remaining() {
        let length = bytes.get_u8();
        let name = take(&mut bytes, usize::from(length))?;
        let kind = bytes.try_get_u8().map_err(|_| FrameError::Headers)?;
        let length = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 | TEXT => usize::from(bytes.try_get_u16().map_err(|_| FrameError::Headers)?),
            9 => 16,
            _ => return Err(FrameError::Headers),
        };
        let value = take(&mut bytes, length)?;
        if kind == TEXT {
            let value = std::str::from_utf8(&value).map_err(|_| FrameError::Headers)?.to_owned();
            match &name[..] {
                b":message-type" => frame.message_type = Some(value),
                b":exception-type" | b":error-code" => frame.problem = Some(value),
                _ => (),
            }
        }
    }
    Ok(frame)
}

fn take(bytes: &mut Bytes, length: usize) -> Result<Bytes, FrameError> {
    if bytes.remaining() < length {
        return Err(FrameError::Headers);
    }
    Ok(bytes.split_to(length))
}

/// Reads a number, most significant byte first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// The checksum of Ethernet and zip files.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0, |crc, byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize])
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    let mut start = 0_u32;
    while place < table.len() {
        let mut crc = start;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[place] = crc;
        place += 1;
        start += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::testing::frame;
    use super::*;

    fn read(bytes: &[u8], pieces: usize) -> (Vec<Frame>, Option<FrameError>, bool) {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(pieces.max(1)) {
            frames.push(piece);
            loop {
                match frames.next() {
                    Ok(Some(frame)) => found.push(frame),
                    Ok(None) => break,
                    Err(error) => return (found, Some(error), false),
                }
            }
        }
        let broken_off = frames.is_broken_off();
        (found, None, broken_off)
    }

    #[test]
    fn the_checksum_is_the_common_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    /// The smallest message of the protocol's documentation: no headers, no payload.
    #[test]
    fn the_empty_message_from_the_documentation_is_read() {
        let bytes = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xC2, 0x48, 0xEB, 0x7D, 0x98, 0xC8, 0xFF];
        assert_eq!(read(&bytes, 3), (vec![Frame::default()], None, false));
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for (total, headers) in
            [(15_u32, 0_u32), (16, 1), (20, u32::MAX), (u32::MAX, 0), (1024 * 1024 + 1, 0)]
        {
            let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            bytes.extend(crc32(&bytes).to_be_bytes());
            assert_eq!(read(&bytes, 100).1, Some(FrameError::Length), "{total} {headers}");
        }
    }

    proptest! {
        #[test]
        fn frames_are_read_from_pieces_of_any_size(
            payloads in vec(vec(any::<u8>(), 0..300), 0..5),
            pieces in 1..400_usize,
        ) {
            let frames = payloads.iter().map(|payload| frame("event", "chunk", payload));
            let bytes = frames.collect::<Vec<_>>().concat();
            let (found, error, broken_off) = read(&bytes, pieces);
            let read: Vec<_> = found.iter().map(|frame| frame.payload.to_vec()).collect();
            prop_assert_eq!((read, error, broken_off), (payloads, None, false));
            prop_assert!(found.iter().all(|frame| frame.message_type.as_deref() == Some("event")));
        }

        #[test]
        fn a_changed_byte_is_noticed(
            payload in vec(any::<u8>(), 0..100),
            place: u16,
            bit in 0..8_u32,
        ) {
            let mut bytes = frame("event", "chunk", &payload);
            let place = usize::from(place) % bytes.len();
            bytes[place] ^= 1_u8 << bit;
            prop_assert_eq!(read(&bytes, 1_000), (vec![], Some(FrameError::Checksum), false));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in vec(any::<u8>(), 0..200),
            pieces in 1..50_usize,
        ) {
            read(&bytes, pieces);
        }

        #[test]
        fn arbitrary_headers_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = read_headers(bytes.into(), Bytes::new());
        }
    }
}
