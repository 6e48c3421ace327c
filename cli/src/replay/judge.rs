//! Another model's opinion of each pair, wanted through the same queue.

use std::path::Path;

use shared::domain::{MessageText, ProviderName};
use shared::queue_messages::Replay;

use super::compare::{AnswerPair, Preference};
use crate::exit::usage;
use crate::output::note;
use crate::question_runner::{Question, QuestionRunner, Reply};

const INSTRUCTIONS: &str =
    "You judge answers. Follow the message to the letter, and end with the one word it asks for.";

/// A prompt with places for the question and both answers.
#[derive(Debug)]
pub(super) struct Judge(String);

impl Judge {
    /// Reads the prompt.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| usage(format!("{}: {error}", path.display())))?;
        for place in ["{question}", "{old}", "{new}"] {
            if !text.contains(place) {
                return Err(usage(format!(
                    "{}: the judging prompt has no {place}",
                    path.display()
                )));
            }
        }
        Ok(Self(text))
    }

    /// Asks about every pair; tells whether it was interrupted.
    pub(super) async fn all(
        &self,
        runner: &QuestionRunner,
        prefix: &str,
        provider: Option<ProviderName>,
        pairs: &mut [AnswerPair],
    ) -> anyhow::Result<bool> {
        let mut wanted = Vec::new();
        let mut questions = Vec::new();
        for (number, pair) in pairs.iter_mut().enumerate() {
            if pair.is_same() {
                pair.vote = Some(Preference::Same);
                continue;
            }
            match MessageText::parse(self.fill(pair)) {
                Ok(message) => {
                    let replay =
                        Replay { instructions: Some(INSTRUCTIONS.to_owned()), ..Replay::default() };
                    questions.push(Question { message, document_id: None, provider, replay });
                    wanted.push(number);
                }
                Err(error) => {
                    note(&format!("{} cannot be judged: the prompt {error}", pair.case.message_id));
                    pair.vote = Some(Preference::Unclear);
                }
            }
        }
        let answered = runner.all(prefix, &questions).await?;
        for (number, reply) in wanted.into_iter().zip(answered.replies) {
            let text = match reply {
                Some(Reply::Turn(turn)) => turn.text.unwrap_or_default(),
                _ => String::new(),
            };
            pairs[number].vote = Some(vote(&text));
        }
        Ok(answered.interrupted)
    }

    /// Fills the places in one go, so that no answer's own braces are taken for a place.
    fn fill(&self, pair: &AnswerPair) -> String {
        let text = |answer: Option<&String>| answer.cloned().unwrap_or_default();
        let values = [
            ("{question}", pair.case.message.as_str().to_owned()),
            ("{old}", text(pair.case.old.text.as_ref())),
            ("{new}", text(pair.new.text.as_ref())),
        ];
        fill(&self.0, &values)
    }
}

/// Puts values in their places; what a value holds is never a place.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((at, place, value)) = values
        .iter()
        .filter_map(|(place, value)| rest.find(place).map(|at| (at, *place, value)))
        .min_by_key(|(at, _, _)| *at)
    {
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + place.len()..];
    }
    filled + rest
}

/// Reads a verdict: the last of the words that it may be.
fn vote(text: &str) -> Preference {
    let words = text.rsplit(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let mut votes = words.filter_map(|word| match word.as_str() {
        "old" => Some(Preference::Old),
        "new" => Some(Preference::New),
        "same" => Some(Preference::Same),
        _ => None,
    });
    votes.next().unwrap_or(Preference::Unclear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_the_last_word_that_is_one() {
        assert_eq!(vote("The old one is short. **New**."), Preference::New);
        assert_eq!(vote("same"), Preference::Same);
        assert_eq!(vote("I like both"), Preference::Unclear);
    }

    #[test]
    fn what_an_answer_holds_is_no_place() {
        let values = [("{old}", "{new}".to_owned()), ("{new}", "x".to_owned())];
        assert_eq!(fill("a {old} b {new} c", &values), "a {new} b x c");
    }
}
