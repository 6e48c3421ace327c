//! Documents, search and library on a real `PostgreSQL`, through a stand-in for the Data API.

use std::sync::Arc;

use knowledge::cut;
use serde_json::{Value, json};
use shared::domain::{DocumentId, Principal, sha256_hex};
use shared::memory::OwnedDocument;
use shared::ports::{
    Documents, DocumentsError, Library, MAX_DOCUMENT_BYTES, NewDocument, PutResult, SearchQuery,
};
use testkit::conformance;

use crate::support::postgres::Postgres;

const CASES: &str = include_str!("../../../knowledge/tests/passages.json");
/// Writes documents as the product does.
const INSERT: &str = "INSERT INTO documents (id, title, content, owner) \
    SELECT d.id, d.title, d.content, d.owner FROM json_to_recordset(CAST(:documents AS json)) \
    AS d (id text, title text, content text, owner text)";

#[tokio::test]
async fn documents_search_and_library_keep_their_promises() {
    let Some(postgres) = Postgres::start() else { return };
    let empty = async || {
        postgres.run("TRUNCATE documents", &[]).await;
        let library: Arc<dyn Library> = Arc::new(postgres.library());
        let documents: Arc<dyn Documents> = Arc::new(postgres.documents());
        (library, documents)
    };
    conformance::search(empty).await;
    conformance::library(empty).await;
    let make = async |documents: Vec<OwnedDocument>| {
        let documents: Vec<_> = documents.iter().map(row).collect();
        postgres.run("TRUNCATE documents", &[]).await;
        postgres.run(INSERT, &[("documents", &json!(documents).to_string())]).await;
        let documents: Arc<dyn Documents> = Arc::new(postgres.documents());
        documents
    };
    conformance::documents(make).await;
}

fn row(owned: &OwnedDocument) -> Value {
    let document = &owned.document;
    json!({
        "id": document.id, "title": document.title, "content": *document.content,
        "owner": owned.owner,
    })
}

#[tokio::test]
async fn the_database_cuts_documents_as_the_other_home_does() {
    let Some(postgres) = Postgres::start() else { return };
    let mut contents: Vec<String> = serde_json::from_str::<Vec<Value>>(CASES)
        .unwrap()
        .iter()
        .map(|case| content_of(&case["content"]))
        .collect();
    let mut random = Random(1);
    contents.extend((0..300).map(|_| random.document()));
    let sql = "SELECT CAST(coalesce(json_agg(json_build_array(start_at, end_at, headings, passage) \
        ORDER BY ordinal), '[]') AS text) FROM chatbot_cut(:content)";
    for content in &contents {
        let found: Value =
            serde_json::from_str(&postgres.run(sql, &[("content", content)]).await).unwrap();
        let expected: Vec<_> = cut(content)
            .iter()
            .map(|span| {
                let text = &content[span.start..span.end];
                json!([span.start_utf16, span.end_utf16, span.headings, text])
            })
            .collect();
        assert_eq!(found, json!(expected), "{content:?}");
    }
}

/// Reads the content of a case: a text, or a list of parts and how often each is repeated.
fn content_of(content: &Value) -> String {
    let Value::Array(parts) = content else { return content.as_str().unwrap().to_owned() };
    let repeated = parts.iter().map(|part| {
        let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
        part[0].as_str().unwrap().repeat(times)
    });
    repeated.collect()
}

/// A generator of numbers that are always the same (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn document(&mut self) -> String {
        let long = "word. ".repeat(200);
        let unbroken = "ü🎈".repeat(900);
        let blanks = " ".repeat(1_600);
        let parts = [
            "a",
            "é",
            "🎈",
            "\n",
            "\n\n",
            "\r\n",
            " ",
            "\t",
            "\r",
            "\u{a0}",
            "# ",
            "## ",
            "#",
            "###### ",
            ". ",
            "! ",
            "?",
            "_",
            "words of a line",
            "# A heading\n",
            "\n### Under it \n",
            &long,
            &unbroken,
            &blanks,
        ];
        (0..self.below(60)).map(|_| parts[self.below(parts.len())]).collect()
    }
}

#[tokio::test]
async fn whatever_the_product_writes_is_found_as_it_stands() {
    let Some(postgres) = Postgres::start() else { return };
    let documents = postgres.documents();
    let ada = Principal::parse("jwt:issuer#ada").unwrap();
    let hits = async |question: &str| {
        let query =
            SearchQuery { text: question, previous: &[], reader: &ada, within: None, limit: 9 };
        let found = documents.search(query).await.unwrap();
        found.iter().map(|passage| passage.text.to_string()).collect::<Vec<_>>()
    };
    // Many at once, of which most belong to others; then each kind of change.
    let mut all = Vec::new();
    for n in 0..400 {
        let owner = (n % 4 > 0).then(|| format!("anon:{n}"));
        let content = format!("Zebra number {n} eats grass and word{n}.");
        all.push(json!({"id": format!("d{n}"), "title": "", "content": content, "owner": owner}));
    }
    postgres.run(INSERT, &[("documents", &json!(all).to_string())]).await;
    assert_eq!(hits("word8").await[..1], ["Zebra number 8 eats grass and word8."]);
    assert!(!hits("word9").await.iter().any(|text| text.contains("word9.")), "it is another's");
    check_frequencies(&postgres).await;
    for (change, question, found) in [
        ("UPDATE documents SET content = 'A quagga.' WHERE id = 'd8'", "quagga", true),
        ("UPDATE documents SET owner = 'anon:ben' WHERE id = 'd8'", "quagga", false),
        ("UPDATE documents SET owner = 'jwt:issuer#ada' WHERE id = 'd8'", "quagga", true),
        ("UPDATE documents SET id = 'renamed' WHERE id = 'd8'", "quagga", true),
        ("UPDATE documents SET owner = NULL, title = 'Okapi'", "okapi", true),
        ("DELETE FROM documents WHERE id = 'renamed'", "quagga", false),
        ("SET session_replication_role = replica", "quagga", false),
        ("INSERT INTO documents VALUES ('new', '', 'A quagga again.')", "quagga", true),
        ("RESET session_replication_role", "quagga", true),
        ("TRUNCATE documents", "zebra", false),
    ] {
        postgres.run(change, &[]).await;
        assert_eq!(!hits(question).await.is_empty(), found, "{change}");
        check_frequencies(&postgres).await;
    }
    // A failure in what is ours is not the product's.
    postgres.run("INSERT INTO documents VALUES ('kept', '', 'An okapi.')", &[]).await;
    postgres
        .run("ALTER TABLE chatbot_passages ADD CONSTRAINT no CHECK (false) NOT VALID", &[])
        .await;
    postgres.run("UPDATE documents SET content = 'A new giraffe.' WHERE id = 'kept'", &[]).await;
    assert_eq!(hits("okapi giraffe").await, Vec::<String>::new(), "the old passages are gone");
    let problem = "SELECT problem FROM chatbot_documents WHERE document_id = 'kept'";
    assert!(postgres.run(problem, &[]).await.starts_with("23514"));
    postgres.run("ALTER TABLE chatbot_passages DROP CONSTRAINT no", &[]).await;
    // A table that was there before is filled.
    postgres.run("TRUNCATE chatbot_documents", &[]).await;
    assert_eq!(postgres.run("SELECT chatbot_fill(100)", &[]).await, "1");
    assert_eq!(postgres.run("SELECT chatbot_fill(100)", &[]).await, "0");
    assert_eq!(hits("giraffe").await, ["A new giraffe."]);
}

/// Checks that the frequencies, with what waits to be counted, are those of the passages.
async fn check_frequencies(postgres: &Postgres) {
    let wrong = "WITH counted AS ( \
        SELECT term, count FROM chatbot_frequencies UNION ALL \
        SELECT t.term, t.count FROM chatbot_changes c, unnest(c.terms, c.counts) AS t (term, count) \
        UNION ALL SELECT term, -1 FROM chatbot_passages, unnest(terms) AS term WHERE owner IS NULL \
        UNION ALL SELECT '', -1 FROM chatbot_passages WHERE owner IS NULL \
        UNION ALL SELECT ' ', -length FROM chatbot_passages WHERE owner IS NULL \
        ) SELECT string_agg(term, ',') FROM ( \
        SELECT term FROM counted GROUP BY term HAVING sum(count) <> 0) AS different";
    assert_eq!(postgres.run(wrong, &[]).await, "");
}

#[tokio::test]
async fn the_worker_s_login_reads_passages_only_on_behalf_of_a_principal() {
    let Some(postgres) = Postgres::start() else { return };
    postgres.run("INSERT INTO documents VALUES ('d', 'D', 'A zebra.', 'anon:ben')", &[]).await;
    for refused in [
        "SELECT passage FROM chatbot_passages",
        "SELECT count FROM chatbot_frequencies",
        "SELECT terms FROM chatbot_changes",
        "SELECT version FROM chatbot_documents",
        "SELECT chatbot_fill(1)",
        "DELETE FROM documents",
        "SET TRANSACTION READ WRITE; DELETE FROM documents",
    ] {
        let result = postgres.run_as("chatbot_reader", refused, &[]).await;
        assert!(result.is_err(), "{refused}: {result:?}");
    }
    let search = "SELECT document_id FROM chatbot_search('zebra', :principal, '')";
    for (principal, finds) in [("anon:ben", true), ("anon:ada", false), ("", false)] {
        let found = postgres.run_as("chatbot_reader", search, &[("principal", principal)]).await;
        assert_eq!(found.unwrap().is_some(), finds, "{principal}");
    }
}

#[tokio::test]
async fn large_documents_are_stored_and_too_large_ones_refused() {
    let Some(postgres) = Postgres::start() else { return };
    let library = postgres.library();
    let id = DocumentId::parse("large").unwrap();
    let content = "A \"zebra\" é🎈 stands here.\n".repeat(40_000);
    let mut document =
        NewDocument { title: "Large".into(), content, owner: None, source_url: None };
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Created);
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Unchanged);
    let info = library.stat(&id).await.unwrap().unwrap();
    assert_eq!(info.version, sha256_hex(&document.content));
    assert_eq!(info.passages, cut(&document.content).len() as u64);
    document.content = "x".repeat(MAX_DOCUMENT_BYTES + 1);
    let refused = async |document: &NewDocument| {
        let error = library.put(&id, document).await.unwrap_err();
        assert!(matches!(error, DocumentsError::Permanent(_)));
    };
    refused(&document).await;
    document.content = "a\0b".to_owned();
    refused(&document).await;
}
