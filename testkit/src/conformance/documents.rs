//! The suite of [`Documents`].

use std::sync::Arc;

use shared::domain::{DocumentId, Principal, sha256_hex};
use shared::memory::OwnedDocument;
use shared::ports::{Document, Documents, Library, NewDocument, Passage, PutResult, SearchQuery};

/// Checks documents; `make` returns a source with these documents, in their order.
pub async fn documents(make: impl AsyncFn(Vec<OwnedDocument>) -> Arc<dyn Documents>) {
    let [ada, ben] = ["jwt:issuer#ada", "anon:ben"].map(|name| Principal::parse(name).unwrap());
    let all = vec![
        document("zoo", "The zoo", None),
        document("ada", "Ada's own", Some(&ada)),
        document("ben", "Ben's own", Some(&ben)),
        document("air", "The air", None),
    ];
    let documents = make(all.clone()).await;
    assert_eq!(
        list(&*documents, &ada).await,
        ["zoo", "ada", "air"],
        "own and public ones, in the source's order"
    );
    assert_eq!(list(&*documents, &ben).await, ["zoo", "ben", "air"]);
    for (reader, readable) in [(&ada, [true, true, false, true]), (&ben, [true, false, true, true])]
    {
        for (owned, may_read) in all.iter().zip(readable) {
            let found = documents.fetch(&owned.document.id, reader).await.unwrap();
            assert_eq!(found, may_read.then(|| owned.document.clone()));
        }
    }
    let absent = DocumentId::parse("absent").unwrap();
    assert_eq!(
        documents.fetch(&absent, &ada).await.unwrap(),
        None,
        "refused and absent look alike"
    );
    let title = documents.list(&ada).await.unwrap().remove(0).title;
    assert_eq!(title, "The zoo");
    at_most_1000_are_listed(&make, &ada).await;
}

async fn at_most_1000_are_listed(
    make: &impl AsyncFn(Vec<OwnedDocument>) -> Arc<dyn Documents>,
    reader: &Principal,
) {
    let many = (0..1_100).map(|n| document(&format!("d{n}"), "One of many", None)).collect();
    let listed = list(&*make(many).await, reader).await;
    assert_eq!(listed.len(), 1_000);
    assert_eq!((listed[0].as_str(), listed[999].as_str()), ("d0", "d999"));
}

/// Checks the search in documents; `make` returns an empty library and the documents in it.
pub async fn search(make: impl AsyncFn() -> (Arc<dyn Library>, Arc<dyn Documents>)) {
    let (library, documents) = make().await;
    assert!(documents.is_searchable());
    let [ada, ben] = ["jwt:issuer#ada", "anon:ben"].map(|name| Principal::parse(name).unwrap());
    let handbook = "# Rules 🎈\n\n## Phones\n\nA phone stays in the locker.\n\n## Buses\n\nThe \
        school bus leaves at 15:20.\n";
    put(&*library, "handbook", "Handbook", handbook, None).await;
    put(&*library, "ada", "Ada's notes", "The secret phone number is 12345.", Some(&ada)).await;
    put(&*library, "ben", "Ben's notes", "The phone of Ben is broken.", Some(&ben)).await;

    let found = find(&*documents, &ada, "Where does my phone stay?", &[], None).await;
    let best = &found[0];
    assert_eq!(best.text.as_ref(), "# Rules 🎈\n\n## Phones\n\nA phone stays in the locker.");
    assert_eq!((best.document_id.as_str(), best.title.as_str()), ("handbook", "Handbook"));
    assert_eq!((best.ordinal, best.start, best.end), (0, 0, 51), "in UTF-16 code units");
    assert_eq!(best.headings, ["Rules 🎈", "Phones"]);
    assert_eq!(best.version, sha256_hex(handbook));
    assert!(best.public && best.coverage > 0.1 && best.coverage <= 1.0, "{best:?}");
    let second = find(&*documents, &ada, "When does the bus leave?", &[], None).await.remove(0);
    assert_eq!((second.ordinal, second.headings.join("/").as_str()), (1, "Rules 🎈/Buses"));

    permissions_hold(&*documents, &ada, &ben).await;
    documents_are_replaced(&*library, &*documents, &ada).await;
    odd_questions_are_harmless(&*documents, &ada).await;
}

async fn permissions_hold(documents: &dyn Documents, ada: &Principal, ben: &Principal) {
    for (reader, own, others) in [(ada, "ada", "ben"), (ben, "ben", "ada")] {
        let question = "secret phone number broken locker Ada Ben";
        let found = find(documents, reader, question, &[], None).await;
        let ids: Vec<_> = found.iter().map(|passage| passage.document_id.as_str()).collect();
        assert!(ids.contains(&own) && ids.contains(&"handbook"), "{ids:?}");
        assert!(!ids.contains(&others), "{reader:?} found {ids:?}");
        let own_passage = found.iter().find(|passage| passage.document_id.as_str() == own);
        assert!(!own_passage.unwrap().public);
        let within = find(documents, reader, question, &[], Some("handbook")).await;
        assert!(within.iter().all(|passage| passage.document_id.as_str() == "handbook"));
        assert!(!within.is_empty());
        assert_eq!(find(documents, reader, question, &[], Some(others)).await, []);
        assert_eq!(find(documents, reader, question, &[], Some("absent")).await, []);
    }
    let follow_up = find(documents, ada, "And when?", &["Does the school bus leave?"], None).await;
    assert_eq!(follow_up[0].ordinal, 1, "the messages before count");
}

async fn documents_are_replaced(
    library: &dyn Library,
    documents: &dyn Documents,
    reader: &Principal,
) {
    let hit = async |question| {
        let found = find(documents, reader, question, &[], None).await;
        let Some(best) = found.into_iter().next() else { return String::new() };
        format!("{}: {}", best.title, best.text)
    };
    put(library, "menu", "Menu", "Lunch on Friday is spinach lasagne.", None).await;
    assert_eq!(hit("spinach lasagne").await, "Menu: Lunch on Friday is spinach lasagne.");
    put(library, "menu", "New menu", "Lunch on Friday is mushroom risotto.", None).await;
    assert_eq!(hit("mushroom risotto").await, "New menu: Lunch on Friday is mushroom risotto.");
    assert!(!hit("spinach lasagne").await.contains("lasagne"), "the old version is gone");
    let id = DocumentId::parse("menu").unwrap();
    assert!(library.remove(&id).await.unwrap());
    assert!(!hit("mushroom risotto").await.contains("risotto"));
    assert!(documents.fetch(&id, reader).await.unwrap().is_none());
    let parts = (0..40).map(|n| format!("# Part {n}\n\nA zebra, {n} times.\n\n"));
    let many = parts.collect::<Vec<_>>().concat();
    put(library, "many", "Many", &many, None).await;
    let found = find(documents, reader, "zebra", &[], None).await;
    assert_eq!(found.len(), 5, "no more than the limit");
    assert!(library.remove(&DocumentId::parse("many").unwrap()).await.unwrap());
}

async fn odd_questions_are_harmless(documents: &dyn Documents, reader: &Principal) {
    let long = "phone ".repeat(3_000);
    let odd = [
        "",
        " ",
        "\u{0}",
        "\"",
        "'",
        "phone\" OR \"*",
        "NEAR(phone, 2) AND NOT x",
        "-phone:*",
        "phone & !bus | (locker <-> x)",
        "%_\\",
        ":principal",
        "$1; DROP TABLE documents; --",
        "学校の電話はどこ",
        "🎈🎈",
        &long,
    ];
    for question in odd {
        let found = find(documents, reader, question, &[question], None).await;
        assert!(found.len() <= 5, "{question:.40}");
    }
    let found = find(documents, reader, "phone\" OR \"* locker", &[], None).await;
    assert_eq!(found[0].document_id.as_str(), "handbook", "the words count, the operators not");
}

/// Checks a library; `make` returns an empty one and the documents in it.
pub async fn library(make: impl AsyncFn() -> (Arc<dyn Library>, Arc<dyn Documents>)) {
    let (library, documents) = make().await;
    let reader = Principal::parse("jwt:issuer#ada").unwrap();
    let id = DocumentId::parse("plan").unwrap();
    assert_eq!(library.stat(&id).await.unwrap(), None);
    assert!(!library.remove(&id).await.unwrap());
    let mut document = new_document("Plan", "# Monday\n\nMaths.\n\n# Tuesday\n\nArt. 🎈\n", None);
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Created);
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Unchanged);
    let info = library.stat(&id).await.unwrap().unwrap();
    assert_eq!((info.id.as_str(), info.title.as_str(), info.passages), ("plan", "Plan", 2));
    assert_eq!(info.bytes, document.content.len() as u64);
    assert_eq!(info.version, sha256_hex(&document.content));
    assert_eq!((info.owner, info.source_url), (None, None));

    // Each of the four parts of a document makes it a changed one.
    document.title = "The plan".into();
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Replaced);
    document.content.push_str("\nLate.");
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Replaced);
    document.source_url = Some("https://school.example/plan".into());
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Replaced);
    let found = find(&*documents, &reader, "Maths on Monday?", &[], None).await;
    assert_eq!(found[0].source_url, document.source_url);
    document.owner = Some(Principal::parse("jwt:issuer#ben").unwrap());
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Replaced);
    assert_eq!(library.put(&id, &document).await.unwrap(), PutResult::Unchanged);
    assert_eq!(find(&*documents, &reader, "Maths on Monday?", &[], None).await, []);
    assert_eq!(documents.fetch(&id, &reader).await.unwrap(), None);
    let info = library.stat(&id).await.unwrap().unwrap();
    assert_eq!((info.owner, info.source_url), (document.owner, document.source_url));

    for name in ["zoo", "air", "Bee"] {
        put(&*library, name, name, "", None).await;
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = library.list(after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.id.clone());
        listed.extend(page.into_iter().map(|info| (info.id.to_string(), info.passages)));
    }
    let expected = [("Bee", 0), ("air", 0), ("plan", 2), ("zoo", 0)];
    assert_eq!(listed, expected.map(|(id, passages)| (id.to_owned(), passages)));
    assert!(library.remove(&id).await.unwrap());
    assert_eq!(library.stat(&id).await.unwrap(), None);
}

async fn find(
    documents: &dyn Documents,
    reader: &Principal,
    text: &str,
    previous: &[&str],
    within: Option<&str>,
) -> Vec<Passage> {
    let within = within.map(|id| DocumentId::parse(id).unwrap());
    let query = SearchQuery { text, previous, reader, within: within.as_ref(), limit: 5 };
    documents.search(query).await.unwrap()
}

async fn put(
    library: &dyn Library,
    id: &str,
    title: &str,
    content: &str,
    owner: Option<&Principal>,
) {
    let id = DocumentId::parse(id).unwrap();
    library.put(&id, &new_document(title, content, owner)).await.unwrap();
}

fn new_document(title: &str, content: &str, owner: Option<&Principal>) -> NewDocument {
    NewDocument {
        title: title.to_owned(),
        content: content.to_owned(),
        owner: owner.cloned(),
        source_url: None,
    }
}

async fn list(documents: &dyn Documents, reader: &Principal) -> Vec<String> {
    documents
        .list(reader)
        .await
        .unwrap()
        .into_iter()
        .map(|summary| summary.id.to_string())
        .collect()
}

fn document(id: &str, title: &str, owner: Option<&Principal>) -> OwnedDocument {
    let id = DocumentId::parse(id).unwrap();
    let content = Arc::from(format!("What {title} says: é🎈\nand a second line."));
    let document = Document { id, title: title.to_owned(), content, public: owner.is_none() };
    OwnedDocument { document, owner: owner.cloned() }
}
