//! Parses a line of the input into a message.

use serde::Serialize;
use serde_json::{Map, Value};
use shared::domain::{DocumentId, MessageId, MessageText, ProviderName, SessionId};

use super::line_reader::{LARGEST, Line, LineContent};

const COLUMNS: &str = "message, session_id, message_id, document_id, provider, metadata";

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BatchItem {
    /// Its line number.
    pub(super) line: u64,
    /// Its session.
    pub(super) session_id: SessionId,
    /// Whether other lines may belong to the same session.
    pub(super) shared: bool,
    /// Its id.
    pub(super) message_id: MessageId,
    /// Whether the line specified the ID.
    pub(super) named: bool,
    /// Its text.
    pub(super) message: MessageText,
    /// The document.
    pub(super) document_id: Option<DocumentId>,
    /// The provider.
    pub(super) provider: Option<ProviderName>,
    /// Returned with the answer.
    pub(super) metadata: Option<Value>,
}

/// A line that is not sent, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RejectedLine {
    /// Its number.
    pub(super) line: u64,
    /// The column with the error, if it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    /// The error.
    pub(super) problem: String,
}

impl RejectedLine {
    pub(super) fn new(line: u64, column: Option<&str>, problem: impl Into<String>) -> Self {
        Self { line, column: column.map(str::to_owned), problem: problem.into() }
    }
}

/// Reads a line of a batch.
pub(super) fn parse(batch: &str, line: Line) -> Result<BatchItem, RejectedLine> {
    let number = line.number;
    let bytes = match line.content {
        LineContent::Bytes(bytes) => bytes,
        LineContent::TooLarge(size) => {
            return Err(RejectedLine::new(
                number,
                None,
                format!("has {size} bytes, but the limit is {LARGEST}"),
            ));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        RejectedLine::new(
            number,
            None,
            format!(
                "is not UTF-8 from byte {} on: convert the file to UTF-8",
                error.valid_up_to() + 1
            ),
        )
    })?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        RejectedLine::new(number, None, format!("is not JSON: {}", without_place(&error)))
    })?;
    let Value::Object(columns) = value else {
        return Err(RejectedLine::new(number, None, "is not a JSON object"));
    };
    Columns { number, columns }.item(batch)
}

/// Returns a JSON error with its column only: the line is always 1.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("{what}, at character {}", error.column())
}

struct Columns {
    number: u64,
    columns: Map<String, Value>,
}

impl Columns {
    fn item(mut self, batch: &str) -> Result<BatchItem, RejectedLine> {
        let line = self.number;
        let message = self.parsed("message", MessageText::parse)?;
        let session = self.parsed("session_id", SessionId::parse)?;
        let named = self.parsed("message_id", MessageId::parse)?;
        let document_id = self.parsed("document_id", DocumentId::parse)?;
        let provider = self.parsed("provider", |name| {
            let known: Vec<_> = ProviderName::ALL.iter().map(|name| name.as_str()).collect();
            ProviderName::parse(&name).ok_or_else(|| format!("is not one of {}", known.join(", ")))
        })?;
        let metadata = self.columns.remove("metadata").filter(|value| !value.is_null());
        if let Some((unknown, _)) = self.columns.iter().next() {
            return Err(RejectedLine::new(
                line,
                Some(unknown),
                format!("is not a column of a batch; the columns are {COLUMNS}"),
            ));
        }
        let Some(message) = message else {
            return Err(RejectedLine::new(line, Some("message"), "is missing"));
        };
        let own = |error: &dyn std::fmt::Display| {
            RejectedLine::new(line, None, format!("the generated ID {error}"))
        };
        let shared = session.is_some();
        Ok(BatchItem {
            line,
            shared,
            session_id: match session {
                Some(id) => id,
                None => SessionId::parse(format!("{batch}.{line}")).map_err(|error| own(&error))?,
            },
            named: named.is_some(),
            message_id: match named {
                Some(id) => id,
                None => MessageId::parse(format!("{batch}.{line}")).map_err(|error| own(&error))?,
            },
            message,
            document_id,
            provider,
            metadata,
        })
    }

    /// Takes and parses a text column; null counts as absent.
    fn parsed<T, E: std::fmt::Display>(
        &mut self,
        column: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Result<Option<T>, RejectedLine> {
        let wrong = |problem: String| RejectedLine::new(self.number, Some(column), problem);
        match self.columns.remove(column) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                parse(text).map(Some).map_err(|error| wrong(error.to_string()))
            }
            Some(_) => Err(wrong("is not a string".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<BatchItem, RejectedLine> {
        parse("b1", Line { number: 7, content: LineContent::Bytes(text.to_vec()) })
    }

    #[track_caller]
    fn check(text: &[u8], column: Option<&str>, problem: &str) {
        let reject = read(text).unwrap_err();
        assert_eq!((reject.line, reject.column.as_deref()), (7, column));
        assert!(reject.problem.contains(problem), "{reject:?}");
    }

    #[test]
    fn ids_that_a_line_does_not_name_come_from_batch_and_line() {
        let item = read(br#"{"message":"hi","metadata":{"a":[1]},"provider":null}"#).unwrap();
        assert_eq!((item.session_id.as_str(), item.message_id.as_str()), ("b1.7", "b1.7"));
        assert!(!item.shared && !item.named);
        assert_eq!(item.metadata, Some(serde_json::json!({"a": [1]})));
        let item =
            read(br#"{"message":"hi","session_id":"s","message_id":"m","provider":"openai"}"#)
                .unwrap();
        assert_eq!((item.session_id.as_str(), item.message_id.as_str()), ("s", "m"));
        assert!(item.shared && item.named);
    }

    #[test]
    fn an_error_names_the_column() {
        check(br#"{"mesage":"hi","message":"hi"}"#, Some("mesage"), "not a column");
        check(br#"{"session_id":"s"}"#, Some("message"), "missing");
        check(br#"{"message":""}"#, Some("message"), "empty");
        check(br#"{"message":5}"#, Some("message"), "not a string");
        check(br#"{"message":"hi","session_id":"a b"}"#, Some("session_id"), "letters");
        check(br#"{"message":"hi","provider":"hal"}"#, Some("provider"), "claude, openai");
        check(br#"{"message":"h"#, None, "not JSON");
        check(br#"["message"]"#, None, "not a JSON object");
        check(b"{\"message\":\"\xFF\"}", None, "not UTF-8 from byte 13");
    }
}
