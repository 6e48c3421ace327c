//! One page that shows it all: no script, nothing from elsewhere, every text of others escaped.

use std::fmt::{self, Write as _};

use shared::domain::{ProviderName, Timestamp, TurnKind};

use super::compare::{AnswerPair, Comparison, Preference, is_refusal, length};
use super::plots::{Unit, dots, parts, shares};
use super::selection::MissingMessage;
use super::source::RecordedAnswer;
use super::{cost, span};
use crate::args::ReplayArgs;
use crate::output::{count, short};

/// Under which conditions the new answers were made.
#[derive(Debug)]
pub(super) struct Conditions(Vec<(&'static str, String)>);

impl Conditions {
    pub(super) fn new(
        what: &ReplayArgs,
        provider: Option<ProviderName>,
        totals: &Comparison,
        now: Timestamp,
    ) -> Self {
        let mut all = vec![("messages", what.from.clone()), ("made", now.to_rfc3339())];
        all.push(("new model", totals.new.models.join(", ")));
        all.extend(provider.map(|provider| ("provider", provider.to_string())));
        all.extend(what.model.clone().map(|model| ("model asked for", model)));
        all.extend(
            what.prompt.as_ref().map(|prompt| ("instructions", prompt.display().to_string())),
        );
        all.extend(what.judge.as_ref().map(|judge| ("judge", judge.display().to_string())));
        Self(all)
    }
}

/// A text of others, safe inside a page.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                // Characters that change the direction of what follows would change what people
                // read.
                c if c.is_control()
                    || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') =>
                {
                    f.write_char('\u{FFFD}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Makes the page.
pub(super) fn page(
    pairs: &[AnswerPair],
    gone: &[MissingMessage],
    conditions: &Conditions,
    totals: &Comparison,
) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\
         <title>ReplayArgs: {} messages</title><style>{}</style></head><body>\n",
        count(totals.pairs),
        include_str!("report.css"),
    );
    let _ = write!(page, "<h1>ReplayArgs of {} messages</h1>\n<p>", count(totals.pairs));
    for (name, value) in &conditions.0 {
        let _ = write!(page, "{name}: <b>{}</b> &nbsp; ", Escaped(value));
    }
    page.push_str("</p>\n<h2>In figures</h2>\n<table><tr><th></th><th>old</th><th>new</th></tr>");
    for (name, old, new) in totals.rows() {
        let _ = write!(
            page,
            "<tr><td>{name}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&old),
            Escaped(&new)
        );
    }
    page.push_str("</table>\n");
    plots(&mut page, pairs, totals);
    page.push_str("<h2>Side by side</h2>\n");
    for pair in pairs {
        one(&mut page, pair);
    }
    if !gone.is_empty() {
        let _ =
            write!(page, "<h2>{} messages whose text is gone</h2>\n<ul>", count(gone.len() as u64));
        for gone in gone {
            let key = Escaped(&gone.session_key);
            let id = Escaped(&gone.message_id);
            let _ = write!(page, "<li><code>{key}</code> <code>{id}</code>: {}</li>", gone.why);
        }
        page.push_str("</ul>\n");
    }
    page + "</body></html>\n"
}

#[expect(clippy::cast_precision_loss, reason = "plots have a few hundred steps")]
fn plots(page: &mut String, pairs: &[AnswerPair], totals: &Comparison) {
    let both = |of: &dyn Fn(&RecordedAnswer) -> Option<f64>| -> Vec<(f64, f64)> {
        pairs.iter().filter_map(|pair| of(&pair.case.old).zip(of(&pair.new))).collect()
    };
    let side = |of: &dyn Fn(&RecordedAnswer) -> Option<f64>| -> [Vec<f64>; 2] {
        let (old, new) = both(of).into_iter().unzip();
        [old, new]
    };
    page.push_str(
        "<h2>In plots</h2>\n<p class=\"key\"><b class=\"old\">old ———</b> &nbsp; <b \
        class=\"new\">new – – –</b> &nbsp; of a dot, the old amount is to the right, the new one \
        upward; on the line they are equal</p>\n\
         <div class=\"plots\">",
    );
    let [old, new] = side(&|answer| Some(answer.timings.total_ms as f64));
    page.push_str(&shares("Share of answers that were whole by then", Unit::Time, &old, &new));
    let [old, new] = side(&|answer| answer.timings.first_token_ms.map(|ms| ms as f64));
    page.push_str(&shares("Share of answers that had begun by then", Unit::Time, &old, &new));
    let lengths = both(&|answer| Some(length(answer) as f64));
    page.push_str(&dots("Characters of each answer", Unit::Number, &lengths));
    let costs = both(&|answer| answer.cost_micro_usd.map(|cost| cost.0 as f64));
    if !costs.is_empty() {
        page.push_str(&dots("Cost of each answer", Unit::Money, &costs));
    }
    if let Some([old, new, same, unclear]) = totals.votes() {
        let bar = [
            ("old", "old", old),
            ("new", "new", new),
            ("same", "same", same),
            ("unclear", "unclear", unclear),
        ];
        page.push_str(&parts("Which answer the judge prefers", &bar));
    }
    page.push_str("</div>\n");
}

fn one(page: &mut String, pair: &AnswerPair) {
    let case = &pair.case;
    let _ = write!(
        page,
        "<article><div class=\"question\">{}</div><div>",
        Escaped(case.message.as_str())
    );
    let mut mark = |text: String, class: &str| {
        let _ = write!(page, "<span class=\"mark {class}\">{}</span> ", Escaped(&text));
    };
    mark(format!("{} · turn {}", short(&case.session_key), case.turn), "");
    if !case.history.is_empty() {
        mark(format!("{} turns of history", case.history.len()), "");
    }
    if let Some(document) = &case.document_id {
        mark(document.to_string(), "");
    }
    mark(
        if pair.is_same() { "the same".to_owned() } else { format!("{} % alike", pair.likeness()) },
        "",
    );
    if is_refusal(&case.old) != is_refusal(&pair.new) {
        mark(
            if is_refusal(&pair.new) { "refused now" } else { "refused before" }.to_owned(),
            "bad",
        );
    }
    if let Some(vote) = pair.vote {
        let text = match vote {
            Preference::Old | Preference::New => format!("judge: {}", vote.as_str()),
            Preference::Same => "judge: no difference".to_owned(),
            Preference::Unclear => "judge: unclear".to_owned(),
        };
        mark(text, if vote == Preference::Old { "bad" } else { "" });
    }
    page.push_str("</div><div class=\"sides\">");
    side(page, "old", &case.old);
    side(page, "new", &pair.new);
    page.push_str("</div></article>\n");
}

fn side(page: &mut String, class: &str, answer: &RecordedAnswer) {
    let model =
        answer.model.as_deref().or(answer.provider.map(ProviderName::as_str)).unwrap_or("nobody");
    let reason = answer.finish_reason.map(|reason| format!(" · {reason}")).unwrap_or_default();
    let facts = format!(
        "{model} · {} · {} · {} characters{reason}",
        span(Some(answer.timings.total_ms)),
        cost(answer.cost_micro_usd.map(|cost| cost.0)),
        count(length(answer)),
    );
    let text = match (&answer.error, answer.kind) {
        (Some(error), Some(TurnKind::Error)) => format!("{}: {}", error.code, error.message),
        _ => answer.text.clone().unwrap_or_default(),
    };
    let _ = write!(
        page,
        "<div class=\"side {class}\"><div class=\"dim\">{class}: {}</div><div \
        class=\"words\">{}</div></div>",
        Escaped(&facts),
        Escaped(&text)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let text = Escaped("<script>alert('x')</script> & \u{202E}\"").to_string();
        assert_eq!(text, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; \u{FFFD}&quot;");
    }
}
