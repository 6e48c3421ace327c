//! Puts a quote into sentences. All texts of the `offline` provider are here.

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

    #[test]
    fn without_a_document_the_user_is_told_to_choose_one() {
        let text = answer(None, "Is it closed on Sunday?");
        assert!(
            text.contains("no document is chosen") && text.contains("OPENAI_API_KEY"),
            "{text}"
        );
    }
}
