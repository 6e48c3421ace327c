//! The suite of [`Documents`].

use std::sync::Arc;

use shared::domain::{DocumentId, Principal};
use shared::memory::OwnedDocument;
use shared::ports::{Document, Documents};

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
