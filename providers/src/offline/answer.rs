//! Puts a quote into sentences. All texts of the `offline` provider are here.

use shared::ports::{FoundPassage, ModelCitation, ModelEvent};

use super::quote::quote;

/// The document that is quoted.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The title, as shown to the user.
    pub title: &'a str,
    /// The text, one statement per line.
    pub content: &'a str,
}

const NO_MODEL: &str = "No AI model is configured";
const HOW_TO_CONFIGURE: &str =
    "Set `ANTHROPIC_API_KEY` or `OPENAI_API_KEY` to have questions answered by a model.";

/// Returns the reply to `question`, as Markdown that says that no model wrote it.
///
/// It quotes the lines of `source` that best match, or says that none does, or that no document was
/// chosen.
pub fn answer(source: Option<Source<'_>>, question: &str) -> String {
    let Some(source) = source else {
        return format!(
            "{NO_MODEL} and no document is chosen, so there is nothing to answer from.\n\n\
             Choose a document to see its lines that best match your question. {HOW_TO_CONFIGURE}"
        );
    };
    let title = one_line(source.title);
    match quote(source.title, source.content, question) {
        Some(lines) => format!(
            "{NO_MODEL}, so these are the lines of “{title}” that best match your question:\n\n{}",
            list(&lines)
        ),
        None => format!(
            "{NO_MODEL}, and no line of “{title}” matches your question closely.\n\n\
             Try the words that the document uses, or choose another document. {HOW_TO_CONFIGURE}"
        ),
    }
}

/// Returns the reply to `question` from what a search found, as Markdown that says that no model
/// wrote it, with a citation behind each line.
///
/// It quotes the lines of the best passage that has lines which match closely, or says that there
/// is none.
pub(super) fn answer_from(passages: &[FoundPassage], question: &str) -> Vec<ModelEvent> {
    let text = |text: String| ModelEvent::Delta(text);
    for (passage, number) in passages.iter().zip(1..) {
        let content = passage.text();
        let Some(lines) = quote(&passage.title, &content, question) else { continue };
        let title = one_line(&passage.title);
        let mut events = vec![text(format!(
            "{NO_MODEL}, so these are the lines of “{title}” that best match your question:\n\n"
        ))];
        for line in lines {
            events.push(text(format!("- {line}")));
            let quote = line.to_owned();
            events.push(ModelEvent::Citation(ModelCitation { passage: number, quote }));
            events.push(text("\n".to_owned()));
        }
        return events;
    }
    vec![text(format!(
        "{NO_MODEL}, and nothing in the documents matches your question closely.\n\n\
         Try the words that the documents use. {HOW_TO_CONFIGURE}"
    ))]
}

fn list(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| ["- ", line, "\n"]).collect()
}

fn one_line(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source<'_> =
        Source { title: "Shop\nhours", content: "Monday: nine to five.\nSunday: closed." };

    #[track_caller]
    fn check(source: Option<Source<'_>>, question: &str, expected: &str) {
        assert_eq!(answer(source, question), expected);
    }

    #[test]
    fn a_quote_says_that_no_model_wrote_it() {
        check(
            Some(SOURCE),
            "Is it closed on Sunday?",
            "No AI model is configured, so these are the lines of “Shop hours” that best match \
            your question:\n\n\
             - Sunday: closed.\n",
        );
    }

    #[test]
    fn a_question_that_no_line_matches_is_declined() {
        check(
            Some(SOURCE),
            "Who is the owner?",
            "No AI model is configured, and no line of “Shop hours” matches your question \
            closely.\n\n\
             Try the words that the document uses, or choose another document. \
             Set `ANTHROPIC_API_KEY` or `OPENAI_API_KEY` to have questions answered by a model.",
        );
    }

    fn passage(title: &str, text: &str) -> FoundPassage {
        FoundPassage {
            source: "d#0".to_owned(),
            title: title.to_owned(),
            sentences: text.split_inclusive('\n').map(str::to_owned).collect(),
            public: true,
        }
    }

    #[test]
    fn lines_that_a_search_found_are_cited() {
        let passages = [
            passage("Library", "Books are lent for two weeks.\n"),
            passage("Shop › Hours", "- Monday: nine to five.\n- Sunday: closed.\n"),
        ];
        let events = answer_from(&passages, "Is it closed on Sunday?");
        let [ModelEvent::Delta(opening), ModelEvent::Delta(line), cited, ModelEvent::Delta(end)] =
            &events[..]
        else {
            panic!("{events:?}");
        };
        assert!(opening.contains("the lines of “Shop › Hours” that best match"), "{opening}");
        assert_eq!((line.as_str(), end.as_str()), ("- Sunday: closed.", "\n"));
        let quote = "Sunday: closed.".to_owned();
        assert_eq!(*cited, ModelEvent::Citation(ModelCitation { passage: 2, quote }));
    }

    #[test]
    fn what_no_passage_answers_is_declined() {
        for passages in [&[][..], &[passage("Library", "Books are lent for two weeks.")]] {
            let events = answer_from(passages, "Who is the owner?");
            let [ModelEvent::Delta(text)] = &events[..] else { panic!("{events:?}") };
            assert!(text.contains("nothing in the documents matches"), "{text}");
        }
    }

    #[test]
    fn without_a_document_the_user_is_told_to_choose_one() {
        let text = answer(None, "Is it closed on Sunday?");
        assert!(
            text.contains("no document is chosen") && text.contains("OPENAI_API_KEY"),
            "{text}"
        );
    }
}
