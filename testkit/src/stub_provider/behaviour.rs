//! What a stub can be told to do.

use std::time::Duration;

/// What the stub does with one call.
///
/// In the faults, `after` counts the pieces of text that are sent before the fault, 10 ms apart.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Streams a reply to its end.
    Reply(Reply),
    /// Streams a reply so that each byte of the body arrives alone.
    OneByteAtATime(Reply),
    /// Replies with the text of the last user message.
    Echo,
    /// Declines to answer, which is a normal end of the stream.
    Refusal,
    /// Replies with no text at all.
    Empty,
    /// Streams text without pause until the client hangs up.
    Endless,
    /// Answers with an HTTP error.
    Status(Failure),
    /// Closes the connection before the response's headers.
    DieBeforeHeaders,
    /// Cuts the connection in the middle of the body.
    DieMidStream {
        /// Pieces of text sent before.
        after: usize,
    },
    /// Sends the protocol's error event, then ends the body.
    ErrorMidStream {
        /// Pieces of text sent before.
        after: usize,
    },
    /// Ends the body properly, but without `message_stop` or `[DONE]`, and without a finish reason.
    EndWithoutMark {
        /// Pieces of text sent before.
        after: usize,
    },
    /// Accepts the request and never answers.
    HangBeforeHeaders,
    /// Falls silent in the middle of the body, with the connection open.
    HangMidStream {
        /// Pieces of text sent before.
        after: usize,
    },
    /// Opens the stream, then sends broken JSON, a page, and bytes that are not UTF-8.
    Garbage,
}

/// A reply, piece by piece.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Pieces of text; each becomes one delta.
    pub pieces: Vec<String>,
    /// Time from the request to the first piece.
    pub first_delay: Duration,
    /// Time between two pieces, kept on average: a late piece does not delay those after it.
    pub delay: Duration,
    /// Tokens that the reply reports.
    pub usage: Usage,
    /// Why the reply ends.
    pub finish: Finish,
    /// Whether a thinking block precedes the text (Claude only).
    pub thinking: bool,
    /// Calls that the reply asks for, after its text.
    pub calls: Vec<ToolCall>,
    /// Search results that the text cites, by their place in the request from 0, with the words
    /// (Claude only).
    pub citations: Vec<(u32, String)>,
}

/// A call of a tool that a reply asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Name of the tool.
    pub name: String,
    /// Arguments, as the text that is sent; it need not be JSON.
    pub arguments: String,
}

impl Reply {
    /// Returns a reply of one delta for each word of `text`, at once.
    pub fn text(text: &str) -> Self {
        Self::of(text.split_inclusive(' ').map(str::to_owned).collect())
    }

    /// Returns the benchmark's reply: "word0 word1 …", `count` pieces, at once.
    pub fn words(count: usize) -> Self {
        Self::of((0..count).map(|n| format!("word{n} ")).collect())
    }

    /// Returns a reply with `chars` Unicode code points of several scripts, in pieces of at most
    /// 40.
    pub fn long(chars: usize) -> Self {
        let text: Vec<char> = SAMPLE.chars().cycle().take(chars).collect();
        Self::of(text.chunks(40).map(|piece| piece.iter().collect()).collect())
    }

    /// Sets one delay before the first piece and between all others.
    #[must_use]
    pub fn paced(self, delay: Duration) -> Self {
        Self { first_delay: delay, delay, ..self }
    }

    /// Sets why the reply ends.
    #[must_use]
    pub fn finishing(self, finish: Finish) -> Self {
        Self { finish, ..self }
    }

    /// Adds a citation of a search result.
    #[must_use]
    pub fn citing(mut self, index: u32, words: &str) -> Self {
        self.citations.push((index, words.to_owned()));
        self
    }

    /// Adds a call of a tool.
    #[must_use]
    pub fn calling(mut self, name: &str, arguments: &str) -> Self {
        self.calls.push(ToolCall { name: name.to_owned(), arguments: arguments.to_owned() });
        self
    }

    /// Returns the whole text of the reply.
    pub fn whole(&self) -> String {
        self.pieces.concat()
    }

    pub(super) fn of(pieces: Vec<String>) -> Self {
        let output = pieces.len() as u64;
        Self {
            pieces,
            first_delay: Duration::ZERO,
            delay: Duration::ZERO,
            usage: Usage { input: 12, output, ..Usage::default() },
            finish: Finish::Stop,
            thinking: false,
            citations: Vec::new(),
            calls: Vec::new(),
        }
    }
}

const SAMPLE: &str = "Período 3 is „Mathe“ 📐 in room 4, then 第四节课 with Ms Ōno 👩‍🏫; naïve café \
    physics 🇩🇪 follows. ";

impl Default for Reply {
    /// Returns the tests' reply: two to four bytes a character, emoji of several code points.
    fn default() -> Self {
        Self::text(SAMPLE.trim_end())
    }
}

/// Tokens that a reply reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens that no cache was involved in.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write: u64,
}

/// Why a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model was done: `end_turn`, `stop`.
    Stop,
    /// The limit was reached: `max_tokens`, `length`.
    Length,
    /// The model declined: `refusal`; on `OpenAI` the text comes as `delta.refusal` and ends with
    /// `stop`.
    Refusal,
    /// A filter cut in: `content_filter`; Claude knows only `refusal`.
    ContentFilter,
}

/// An HTTP error, worded by each protocol in its own way.
#[derive(Debug, Clone)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// The protocol's finer code, where the status alone would not say it.
    pub code: Option<&'static str>,
    /// Human-readable text.
    pub message: String,
    /// Further headers of the response.
    pub headers: Vec<(&'static str, String)>,
    /// A body to send instead of the protocol's own.
    pub body: Option<String>,
}

impl Failure {
    /// Returns a failure with the protocol's usual body for that status.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            code: None,
            message: format!("the stub was told to answer {status}"),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Returns a 429 that means money: `insufficient_quota`, or Claude's enforced spend limit.
    pub fn insufficient_quota() -> Self {
        Self { code: Some("insufficient_quota"), ..Self::new(429) }
    }

    /// Returns the 404 of a model that is not served any more.
    pub fn retired_model() -> Self {
        Self { code: Some("model_not_found"), ..Self::new(404) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds `retry-after-ms`.
    #[must_use]
    pub fn retry_after_ms(self, milliseconds: u64) -> Self {
        self.header("retry-after-ms", milliseconds.to_string())
    }

    /// Adds `retry-after`, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Adds `x-should-retry`.
    #[must_use]
    pub fn should_retry(self, retry: bool) -> Self {
        self.header("x-should-retry", retry.to_string())
    }

    pub(super) fn because(status: u16, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(status) }
    }
}
