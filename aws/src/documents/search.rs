//! Search: the database finds candidates, and `knowledge` ranks them.

use std::collections::HashMap;
use std::sync::Arc;

use knowledge::{Bag, Candidate, Index, Query, Scored, Statistics, rank};
use serde::Deserialize;
use shared::domain::{DocumentId, sha256_hex};
use shared::ports::{DocumentsError, Passage, SearchQuery};

use super::data_api::{Row, Rows, Value};
use super::{SearchSql, permanent};

/// The most passages that a search returns.
const MAX_PASSAGES: usize = 20;
/// The longest source URL, in bytes, that a citation links to.
const MAX_SOURCE_URL_BYTES: usize = 2_048;

/// What the standard search tells about everything that the principal may read, in its first row.
#[derive(Debug, Deserialize)]
struct LibraryStatistics {
    passages: u64,
    terms: u64,
    asked: Vec<String>,
    frequencies: Vec<u64>,
}

/// A passage as the database returned it, and who alone may read it.
struct Found {
    passage: Passage,
    owner: Option<String>,
}

/// Returns the values of the parameters that the query names.
pub(super) fn parameters<'a>(
    sql: &SearchSql,
    terms: &'a str,
    query: &'a SearchQuery<'_>,
) -> Vec<(&'static str, Value<'a>)> {
    let within = query.within.map_or("", DocumentId::as_str);
    let all = [
        ("terms", terms),
        ("question", query.text),
        ("principal", query.reader.as_str()),
        ("document_id", within),
    ];
    let named = all.into_iter().filter(|(name, _)| sql.names(name));
    named.map(|(name, text)| (name, Value::Text(Some(text)))).collect()
}

/// Writes the terms as one text: those of the question in the first line, those of the messages
/// before it in the second, separated by spaces. No term contains a space.
pub(super) fn terms(query: &Query) -> String {
    let line = |is_question: bool| {
        let terms = query.terms.iter().filter(|term| (term.asked > 0.0) == is_question);
        terms.map(|term| &*term.term).collect::<Vec<_>>().join(" ")
    };
    format!("{}\n{}", line(true), line(false))
}

/// Ranks the candidates and returns the best, after checking once more that they may be read.
pub(super) fn passages(
    rows: &Rows,
    terms: &Query,
    query: &SearchQuery<'_>,
) -> Result<Vec<Passage>, DocumentsError> {
    for name in ["document_id", "owner", "passage"] {
        if rows.column(name).is_none() {
            return Err(permanent(
                "the search must return the columns document_id, owner and passage",
            ));
        }
    }
    let mut found: Vec<_> = rows.iter().enumerate().filter_map(|(n, row)| read(n, row)).collect();
    let count = found.len();
    found.retain(|found| may_read(found, query));
    if found.len() < count {
        tracing::error!(
            refused = count - found.len(),
            "the search returned passages that the principal did not ask for or may not read"
        );
    }
    let statistics = rows.first().and_then(|row| row.text("statistics"));
    let statistics = statistics.and_then(|text| serde_json::from_str(&text).ok());
    let ranked = order(terms, statistics, &found);
    Ok(ranked
        .into_iter()
        .take(query.limit.min(MAX_PASSAGES))
        .map(|scored| Passage {
            coverage: scored.coverage,
            ..found[scored.passage].passage.clone()
        })
        .collect())
}

fn may_read(found: &Found, query: &SearchQuery<'_>) -> bool {
    found.owner.as_deref().is_none_or(|owner| owner == query.reader.as_str())
        && query.within.is_none_or(|id| *id == found.passage.document_id)
}

/// Orders by the frequencies of the library; where a query of the deployment's own tells none, by
/// those of the candidates.
fn order(terms: &Query, statistics: Option<LibraryStatistics>, found: &[Found]) -> Vec<Scored> {
    let passages = found.iter().map(|found| &found.passage);
    let Some(library) = statistics else {
        let mut index = Index::default();
        for passage in passages {
            index.add(&Bag::of_passage(&passage.title, &passage.headings, &passage.text));
        }
        return index.search(terms);
    };
    let asked = library.asked.iter().map(String::as_str);
    let known: HashMap<_, _> = asked.zip(library.frequencies.iter().copied()).collect();
    let frequency = |term: &str| known.get(term).copied().unwrap_or(0);
    let frequencies: Vec<_> = terms.terms.iter().map(|term| frequency(&term.term)).collect();
    let candidates: Vec<_> = passages
        .map(|passage| Candidate {
            title: &passage.title,
            headings: &passage.headings,
            text: &passage.text,
        })
        .collect();
    let statistics = Statistics { passages: library.passages, terms: library.terms };
    rank(terms, statistics, &frequencies, &candidates)
}

/// Reads a candidate; `None` if its document's ID is not one, or it has no text.
fn read(place: usize, row: Row<'_>) -> Option<Found> {
    let document_id = DocumentId::parse(&row.text("document_id")?).ok()?;
    let text = row.text("passage").filter(|text| !text.is_empty())?;
    let owner = row.text("owner");
    let number = |name| row.number(name).and_then(|number| u32::try_from(number).ok());
    let start = number("start_at").unwrap_or(0);
    let length = u32::try_from(text.encode_utf16().count()).ok()?;
    let passage = Passage {
        document_id,
        title: row.text("title").unwrap_or_default(),
        source_url: row.text("source_url").filter(|url| is_link(url)),
        version: row.text("version").unwrap_or_else(|| sha256_hex(&text)),
        ordinal: number("ordinal").or(u32::try_from(place).ok())?,
        headings: headings(row.text("headings")),
        start,
        end: number("end_at").unwrap_or(start.saturating_add(length)),
        text: Arc::from(text),
        public: owner.is_none(),
        coverage: 0.0,
    };
    Some(Found { passage, owner })
}

/// Reads a JSON array of texts; other text is one heading.
fn headings(column: Option<String>) -> Vec<String> {
    let Some(text) = column.filter(|text| !text.is_empty()) else { return Vec::new() };
    serde_json::from_str(&text).unwrap_or_else(|_| vec![text])
}

/// Tells whether a link leads to a page: a table that others write may hold `javascript:` too.
fn is_link(url: &str) -> bool {
    let scheme = url.starts_with("https://") || url.starts_with("http://");
    scheme && url.len() <= MAX_SOURCE_URL_BYTES
}
