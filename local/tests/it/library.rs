//! The library on `SQLite`: what holds beyond the conformance suites.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local::sqlite::Database;
use proptest::prelude::*;
use shared::domain::{DocumentId, Principal, Timestamp, sha256_hex};
use shared::memory::{ManualClock, MemoryDocuments};
use shared::ports::{
    Documents, DocumentsError, Library, NewDocument, Passage, PutResult, SearchQuery,
};
use tempfile::TempDir;

fn open(folder: &TempDir) -> Database {
    let clock = Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)));
    Database::open(&folder.path().join("chatbot.db"), clock).unwrap()
}

fn id(name: &str) -> DocumentId {
    DocumentId::parse(name).unwrap()
}

fn principal(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

fn document(content: &str, owner: Option<&str>) -> NewDocument {
    let content = content.to_owned();
    let owner = owner.map(principal);
    NewDocument { title: "A title".to_owned(), content, owner, source_url: None }
}

async fn find(documents: &dyn Documents, reader: &str, text: &str) -> Vec<Passage> {
    let reader = principal(reader);
    let query = SearchQuery { text, previous: &[], reader: &reader, within: None, limit: 20 };
    documents.search(query).await.unwrap()
}

#[tokio::test]
async fn a_start_replaces_only_what_a_start_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = |names: &[&str]| {
        let of = |name: &&str| (id(name), document(&format!("Lunch of {name}."), None));
        names.iter().map(of).collect::<Vec<_>>()
    };
    let listed = async |documents: &dyn Library| {
        let infos = documents.list(None, 10).await.unwrap();
        infos.into_iter().map(|info| info.id.to_string()).collect::<Vec<_>>()
    };
    {
        let documents = open(&folder).documents();
        documents.load(loaded(&["a", "b"])).await.unwrap();
        documents.put(&id("own"), &document("Lunch of operators.", None)).await.unwrap();
    }
    let documents = open(&folder).documents();
    let before = documents.stat(&id("b")).await.unwrap();
    documents.load(loaded(&["b", "c"])).await.unwrap();
    assert_eq!(listed(&documents).await, ["b", "c", "own"]);
    assert_eq!(documents.stat(&id("b")).await.unwrap(), before, "what is the same is not written");
    let found = find(&documents, "anon:x", "lunch").await;
    assert_eq!(found.len(), 3, "{found:?}");

    // What an operator put over a loaded document is the operator's, until a start loads it again.
    documents.put(&id("c"), &document("Lunch of c.", None)).await.unwrap();
    documents.load(Vec::new()).await.unwrap();
    assert_eq!(listed(&documents).await, ["c", "own"]);
    assert!(documents.remove(&id("own")).await.unwrap());
    assert_eq!(find(&documents, "anon:x", "lunch").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_with_its_field_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let documents = open(&folder).documents();
    documents.put(&id("a"), &document("Lunch.", None)).await.unwrap();
    let long = "x".repeat(4 * 1024 * 1024 + 1);
    for (content, problem) in [(long.as_str(), "longer than 4 MiB"), ("a\0b", "contains NUL")] {
        let refused = documents.put(&id("a"), &document(content, None)).await.unwrap_err();
        let DocumentsError::Permanent(reason) = refused else { panic!("{refused:?}") };
        assert!(reason.to_string().contains(problem), "{reason}");
    }
    assert_eq!(documents.stat(&id("a")).await.unwrap().unwrap().version, sha256_hex("Lunch."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_sees_the_old_document_or_the_new_one_and_never_a_mixture() {
    let folder = tempfile::tempdir().unwrap();
    let documents = open(&folder).documents();
    let version = |n: usize| {
        let parts = (0..30).map(|part| format!("# Part {part}\n\nZebra of version v{n}.\n\n"));
        document(&parts.collect::<String>(), None)
    };
    documents.put(&id("many"), &version(0)).await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let (reading, until) = (documents.clone(), Arc::clone(&ended));
    let reader = tokio::spawn(async move {
        let mut searches = 0;
        while !until.load(Ordering::Relaxed) {
            let found = find(&reading, "anon:x", "zebra").await;
            assert_eq!(found.len(), 20);
            let first = &found[0];
            for passage in &found {
                assert_eq!(passage.version, first.version);
                let said = passage.text.rsplit_once("version ").unwrap().1;
                assert_eq!(said, first.text.rsplit_once("version ").unwrap().1);
            }
            searches += 1;
        }
        searches
    });
    for n in 1..=20 {
        assert_eq!(documents.put(&id("many"), &version(n)).await.unwrap(), PutResult::Replaced);
        tokio::task::yield_now().await;
    }
    ended.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0);
    let found = find(&documents, "anon:x", "zebra").await;
    assert!(found[0].text.ends_with("version v20."), "a put that was answered is found at once");
}

/// A change of a library.
#[derive(Debug, Clone)]
enum Step {
    Put { id: u8, owner: Option<u8>, words: Vec<u8> },
    Remove { id: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let words = prop::collection::vec(0..12_u8, 0..20);
    let put = (0..5_u8, prop::option::of(0..2_u8), words);
    prop_oneof![
        4 => put.prop_map(|(id, owner, words)| Step::Put { id, owner, words }),
        1 => (0..5_u8).prop_map(|id| Step::Remove { id }),
    ]
}

const WORDS: [&str; 12] = [
    "phone",
    "lockers",
    "Schulbus",
    "bus",
    "15:20",
    "maths",
    "the",
    "is",
    "学校",
    "école",
    "\n\n# Lunch\n\n",
    "\n\nA paragraph.\n\n",
];

fn text(words: &[u8]) -> String {
    words.iter().map(|&word| WORDS[usize::from(word)].to_owned() + " ").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever was put, replaced and removed before, a search finds what it would find in a library
    /// that was filled anew, for every reader, with the same measure of the question.
    #[test]
    fn a_search_finds_what_one_in_memory_finds(
        steps in prop::collection::vec(step(), 1..12),
        question in prop::collection::vec(0..10_u8, 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let stored = open(&folder).documents();
            let memory = MemoryDocuments::default();
            for step in steps {
                match step {
                    Step::Put { id: name, owner, words } => {
                        let owner = owner.map(|owner| format!("anon:{owner}"));
                        let document = document(&text(&words), owner.as_deref());
                        stored.put(&id(&format!("d{name}")), &document).await.unwrap();
                        memory.put(&id(&format!("d{name}")), &document).await.unwrap();
                    }
                    Step::Remove { id: name } => {
                        let name = id(&format!("d{name}"));
                        assert_eq!(
                            stored.remove(&name).await.unwrap(),
                            memory.remove(&name).await.unwrap()
                        );
                    }
                }
            }
            for reader in ["anon:0", "anon:1", "anon:2"] {
                let found = measured(find(&stored, reader, &text(&question)).await);
                let expected = measured(find(&memory, reader, &text(&question)).await);
                assert_eq!(found, expected, "{reader}");
            }
        });
    }
}

/// Returns what was found with its coverage, in an order that does not depend on how ties are
/// ordered.
fn measured(found: Vec<Passage>) -> Vec<String> {
    let mut all: Vec<_> = found
        .into_iter()
        .map(|passage| {
            let Passage { document_id, ordinal, version, start, end, coverage, .. } = passage;
            format!("{document_id}#{ordinal} {version} {start}..{end} {coverage:.6}")
        })
        .collect();
    all.sort();
    all
}
