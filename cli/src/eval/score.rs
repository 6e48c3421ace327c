//! Whether a reply is right, and why not.

use shared::domain::{FinishReason, TurnKind};
use shared::operator::TurnView;

use super::questions::{Question, QuestionKind, QuestionSet};
use crate::replay::fill;

/// What a judge is told beside the file's prompt.
pub(super) const JUDGE: &str =
    "You judge replies. Follow the message to the letter, and end with the one word yes or no.";

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Score {
    pub(super) right: bool,
    pub(super) why: String,
}

/// Scores a reply by what it must hold.
pub(super) fn of(questions: &QuestionSet, question: &Question, turn: Option<&TurnView>) -> Score {
    let Some(turn) = turn else { return wrong("it was not answered") };
    if turn.kind != Some(TurnKind::Reply) {
        return wrong("it failed");
    }
    let text = turn.text.as_deref().unwrap_or_default();
    match question.kind {
        QuestionKind::Unscored => Score { right: true, why: "not scored".to_owned() },
        QuestionKind::Declined => {
            let refused = matches!(
                turn.finish_reason,
                Some(FinishReason::Refusal | FinishReason::ContentFilter)
            );
            let lower = text.to_lowercase();
            if refused || questions.declines.iter().any(|words| lower.contains(words.as_str())) {
                right("it declined")
            } else {
                wrong("it should have said that the document does not tell")
            }
        }
        QuestionKind::Answered => facts(question, text),
    }
}

fn facts(question: &Question, text: &str) -> Score {
    let lines: Vec<_> = text.lines().map(str::to_lowercase).collect();
    let holds = |line: &String, parts: &[String]| {
        parts.iter().all(|part| line.contains(&part.to_lowercase()))
    };
    for parts in &question.lines {
        if !lines.iter().any(|line| holds(line, parts)) {
            return wrong(&format!("no line has {}", parts.join(" + ")));
        }
    }
    let whole = text.to_lowercase();
    match question.facts.iter().find(|fact| !whole.contains(&fact.to_lowercase())) {
        Some(fact) => wrong(&format!("it does not say {fact}")),
        None => right("it says all that it must"),
    }
}

/// Fills the judge's prompt.
pub(super) fn judging(judge: &str, question: &Question, turn: &TurnView) -> String {
    let expected = match question.kind {
        QuestionKind::Declined => "The document does not tell; the reply must say so.".to_owned(),
        _ => question
            .lines
            .iter()
            .map(|parts| parts.join(", "))
            .chain(question.facts.clone())
            .collect::<Vec<_>>()
            .join("; "),
    };
    fill(
        judge,
        &[
            ("{question}", question.message.as_str().to_owned()),
            ("{answer}", expected),
            ("{reply}", turn.text.clone().unwrap_or_default()),
        ],
    )
}

/// Reads a judge's verdict: the last yes or no.
pub(super) fn verdict(text: &str) -> Score {
    let words = text.rsplit(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    match words.into_iter().find(|word| word == "yes" || word == "no").as_deref() {
        Some("yes") => right("the judge says yes"),
        Some(_) => wrong("the judge says no"),
        None => wrong("the judge says neither yes nor no"),
    }
}

fn right(why: &str) -> Score {
    Score { right: true, why: why.to_owned() }
}

fn wrong(why: &str) -> Score {
    Score { right: false, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::MessageText;

    fn question(lines: &[&[&str]], facts_: &[&str]) -> Question {
        Question {
            message: MessageText::parse("q").unwrap(),
            document: None,
            kind: QuestionKind::Answered,
            lines: lines
                .iter()
                .map(|parts| parts.iter().map(|part| (*part).to_owned()).collect())
                .collect(),
            facts: facts_.iter().map(|fact| (*fact).to_owned()).collect(),
        }
    }

    #[test]
    fn the_parts_of_an_entry_stand_on_one_line() {
        let asked = question(&[&["8A", "Ms Haddad"]], &[]);
        assert!(facts(&asked, "First\nIn 8a it is ms haddad.").right);
        assert!(!facts(&asked, "8A has\nMs Haddad").right);
        assert!(facts(&question(&[], &["8A", "Ms Haddad"]), "8A has\nMs Haddad").right);
    }

    #[test]
    fn a_verdict_is_the_last_yes_or_no() {
        assert!(verdict("No doubt about it: YES.").right);
        assert!(!verdict("no").right);
        assert!(!verdict("maybe").right);
    }
}
