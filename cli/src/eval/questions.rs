//! The file of questions, in the format of the sample school's golden questions with a few more
//! fields.

use std::path::Path;

use serde::Deserialize;
use shared::domain::{DocumentId, MessageText};

use crate::exit::usage;

/// How models say that an answer is not in the document, where a file has no words of its own.
const DECLINES: [&str; 13] = [
    "no line of",
    "not in the document",
    "not mentioned",
    "does not say",
    "doesn't say",
    "do not know",
    "don't know",
    "no information",
    "cannot find",
    "can't find",
    "could not find",
    "couldn't find",
    "found nothing",
];

/// What a right reply to a question does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionKind {
    /// It gives the facts.
    Answered,
    /// It says that it does not know.
    Declined,
    /// Nobody decided: it is asked, and not scored.
    Unscored,
}

impl QuestionKind {
    /// Returns the word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Declined => "declined",
            Self::Unscored => "unscored",
        }
    }
}

/// A question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) message: MessageText,
    pub(super) document: Option<DocumentId>,
    pub(super) kind: QuestionKind,
    /// For each entry, one line of the reply must hold all of its parts.
    pub(super) lines: Vec<Vec<String>>,
    /// Texts of which the reply must hold each, wherever.
    pub(super) facts: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct QuestionSet {
    pub(super) all: Vec<Question>,
    pub(super) judge: Option<String>,
    pub(super) declines: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    answered: Vec<Entry>,
    #[serde(default)]
    declined: Vec<Entry>,
    #[serde(default)]
    quoted_without_an_answer: Vec<Entry>,
    judge: Option<String>,
    declines: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    document: Option<DocumentId>,
    question: MessageText,
    #[serde(default)]
    answer: Vec<Vec<String>>,
    #[serde(default)]
    facts: Vec<String>,
}

impl QuestionSet {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| usage(format!("{}: {error}", path.display())))?;
        Self::parse(&text).map_err(|problem| usage(format!("{}: {problem}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let judge = file.judge;
        if let Some(judge) = &judge
            && let Some(place) =
                ["{question}", "{reply}"].into_iter().find(|place| !judge.contains(place))
        {
            return Err(format!("the judge's prompt has no {place}"));
        }
        let lists = [
            (QuestionKind::Answered, file.answered),
            (QuestionKind::Declined, file.declined),
            (QuestionKind::Unscored, file.quoted_without_an_answer),
        ];
        let mut all = Vec::new();
        for (kind, entries) in lists {
            for (number, entry) in (1..).zip(entries) {
                if kind == QuestionKind::Answered
                    && entry.answer.is_empty()
                    && entry.facts.is_empty()
                    && judge.is_none()
                {
                    return Err(format!(
                        "answered, question {number}: neither answer nor facts are given, and there \
                        is no judge"
                    ));
                }
                let Entry { document, question, answer: lines, facts } = entry;
                all.push(Question { message: question, document, kind, lines, facts });
            }
        }
        if all.is_empty() {
            return Err("there are no questions".to_owned());
        }
        let declines = file.declines.unwrap_or_else(|| DECLINES.map(str::to_owned).to_vec());
        Ok(Self {
            all,
            judge,
            declines: declines.iter().map(|words| words.to_lowercase()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_questions_of_the_sample_school_can_be_read() {
        for name in ["school", "held_out"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../providers/tests/golden/{name}.json"));
            assert!(QuestionSet::read(&path).unwrap().all.len() > 10, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, words) in [
            ("{}", "no questions"),
            ("[]", "expected"),
            (r#"{"answred":[]}"#, "answred"),
            (r#"{"answered":[{"question":"a"}]}"#, "question 1"),
            (r#"{"answered":[{"question":""}]}"#, "empty"),
            (r#"{"declined":[{"question":"a"}],"judge":"x"}"#, "{question}"),
        ] {
            let error = QuestionSet::parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
