//! The file of documents that is loaded at start. `school/README.md` describes its format.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use shared::domain::{DocumentId, Principal};
use shared::ports::NewDocument;

const SAMPLE: &str = include_str!("../school/documents.json");
const SAMPLE_NAME: &str = "the sample school";

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Lines(Vec<String>),
}

/// Loads a file, or the sample school without one. Errors name the file and the document.
pub fn load(path: Option<&Path>) -> anyhow::Result<Vec<(DocumentId, NewDocument)>> {
    let Some(path) = path else { return parse(SAMPLE).context(SAMPLE_NAME) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

/// Parses the content of a file of documents.
pub fn parse(text: &str) -> anyhow::Result<Vec<(DocumentId, NewDocument)>> {
    // Windows programs put a byte order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let values: Vec<Value> =
        serde_json::from_str(text).context("must be a JSON array of documents")?;
    let mut known = BTreeSet::new();
    let mut documents = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let (id, document) = document(value).with_context(|| format!("document {}", index + 1))?;
        ensure!(known.insert(id.clone()), "document {}: the id {id} is used twice", index + 1);
        documents.push((id, document));
    }
    Ok(documents)
}

fn document(value: &Value) -> anyhow::Result<(DocumentId, NewDocument)> {
    let owner = match value.get("owner") {
        None | Some(Value::Null) => None,
        Some(Value::String(owner)) => {
            Some(Principal::parse(owner.as_str()).context("the field owner")?)
        }
        Some(_) => bail!("the field owner must be text"),
    };
    let id = DocumentId::parse(text(value, "id")?).context("the field id")?;
    let source_url = match value.get("source_url") {
        None | Some(Value::Null) => None,
        Some(_) => Some(text(value, "source_url")?),
    };
    let title = text(value, "title")?;
    let document = NewDocument { title, content: content(value)?, owner, source_url };
    document.check().map_err(|error| anyhow!("the field {} {error}", error.field()))?;
    Ok((id, document))
}

fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    let found = value.get(field).with_context(|| format!("the field {field} is missing"))?;
    let text = found.as_str().with_context(|| format!("the field {field} must be text"))?;
    ensure!(!text.trim().is_empty(), "the field {field} is empty");
    Ok(text.to_owned())
}

fn content(value: &Value) -> anyhow::Result<String> {
    let found = value.get("content").context("the field content is missing")?;
    let content = Content::deserialize(found);
    let text = match content.ok().context("the field content must be text, or a list of lines")? {
        Content::Text(text) => text,
        Content::Lines(lines) => lines.join("\n"),
    };
    ensure!(!text.trim().is_empty(), "the field content is empty");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(format!("{:#}", parse(text).unwrap_err()), expected);
    }

    #[test]
    fn the_sample_school_loads_in_its_order() {
        let documents = load(None).unwrap();
        assert_eq!(documents[0].0.as_str(), "school");
        assert!(documents.iter().any(|(id, _)| id.as_str() == "class-7b"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_file() {
        let documents = parse("\u{feff}[{\"id\":\"a\",\"title\":\"t\",\"content\":\"c\"}]");
        assert_eq!(documents.unwrap().len(), 1);
    }

    #[test]
    fn a_bad_file_is_named_with_the_document_and_the_field() {
        let error = load(Some(Path::new("no/such/file.json"))).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("no/such/file.json cannot be read: "),
            "{error:#}"
        );
        check(
            "{}",
            "must be a JSON array of documents: invalid type: map, expected a sequence at line 1 \
            column 0",
        );
        check(r#"[{"title":"t","content":"c"}]"#, "document 1: the field id is missing");
        check(r#"[{"id":"a","title":" ","content":"c"}]"#, "document 1: the field title is empty");
        check(
            r#"[{"id":"a","title":"t","content":7}]"#,
            "document 1: the field content must be text, or a list of lines",
        );
        check(
            r#"[{"id":"a b","title":"t","content":"c"}]"#,
            "document 1: the field id: may hold only letters, digits and the characters . _ : -",
        );
        check(
            r#"[{"id":"a","title":"t","content":"c"},{"id":"a","title":"t","content":["c"]}]"#,
            "document 2: the id a is used twice",
        );
    }
}
