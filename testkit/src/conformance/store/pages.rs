//! Ranges and pages.

use serde_json::{Value, json};

use super::{Case, Key, Query, Write, sorts, text};
use shared::ports::Durability;
use shared::ports::store::{Attributes, Item, MAX_PAGE_BYTES};

async fn fill(case: &Case, names: &[&str], attributes: Value) {
    for name in names {
        case.put(name, attributes.clone()).await;
    }
}

pub(super) async fn a_query_stays_in_its_partition_and_range(case: Case) {
    fill(&case, &["a", "b", "b1", "c", "d"], json!({"n": 1})).await;
    for partition in ["o", "p ", "pp", ""] {
        let key = Key::new(format!("{partition}x"), "b");
        let write = Write::put(Item { key, attributes: Attributes::new() }, Vec::new());
        case.store.write(write, Durability::Synced).await.unwrap();
    }
    let page = case.query("b", "c", |_| ()).await;
    assert_eq!((sorts(&page), page.more), (vec!["b", "b1", "c"], false));
    assert_eq!(page.items[0], super::item("b", json!({"n": 1})));
}

pub(super) async fn a_prefix_is_a_range(case: Case) {
    fill(&case, &["M", "M#", "M#a", "M#\u{10FFFF}", "M$", "N#"], json!({})).await;
    let page = case.store.query(&Query::prefix("p", "M#", 10)).await.unwrap();
    assert_eq!(sorts(&page), ["M#", "M#a", "M#\u{10FFFF}"]);
    assert_eq!(case.store.query(&Query::prefix("p", "", 10)).await.unwrap().items.len(), 6);
}

pub(super) async fn a_query_descends(case: Case) {
    fill(&case, &["T#0000000002", "T#0000000010", "T#0000000001"], json!({})).await;
    let page = case.query("T#0000000001", "T#0000000002", |query| query.descending = true).await;
    assert_eq!(sorts(&page), ["T#0000000002", "T#0000000001"]);
    let page = case.query("T", "U", |query| (query.descending, query.limit) = (true, 1)).await;
    assert_eq!((sorts(&page), page.more), (vec!["T#0000000010"], true));
}

pub(super) async fn a_limit_leaves_more(case: Case) {
    fill(&case, &["a", "b", "c"], json!({})).await;
    let page = case.query("", "z", |query| query.limit = 2).await;
    assert_eq!((sorts(&page), page.more), (vec!["a", "b"], true));
    let page = case.query("b\u{0}", "z", |query| query.limit = 2).await;
    assert_eq!((sorts(&page), page.more), (vec!["c"], false));
}

pub(super) async fn a_page_ends_at_its_size(case: Case) {
    fill(&case, &["a", "b", "c"], json!({"text": text(390_000)})).await;
    let page = case.query("", "z", |_| ()).await;
    assert_eq!((sorts(&page), page.more), (vec!["a", "b"], true));
    let page = case.query("b\u{0}", "z", |_| ()).await;
    assert_eq!(sorts(&page), ["c"]);
}

pub(super) async fn going_on_behind_the_last_item_reads_everything_once(case: Case) {
    let names: Vec<String> = (0..57).map(|n| format!("{n:03}")).collect();
    for name in &names {
        case.put(name, json!({"text": text(40_000)})).await;
    }
    let mut read = Vec::new();
    let mut from = String::new();
    loop {
        let page = case.query(&from, "z", |query| query.limit = 25).await;
        let bytes: usize =
            page.items.iter().map(|item| json!(item.attributes).to_string().len()).sum();
        assert!(!page.items.is_empty() && page.items.len() <= 25 && bytes <= MAX_PAGE_BYTES);
        read.extend(page.items.into_iter().map(|item| item.key.sort));
        if !page.more {
            break;
        }
        from = format!("{}\u{0}", read.last().unwrap());
    }
    assert_eq!(read, names);
}

pub(super) async fn an_empty_range_is_an_empty_page(case: Case) {
    fill(&case, &["a", "b"], json!({})).await;
    for (from, to) in [("c", "d"), ("b", "a"), ("aa", "ab")] {
        let page = case.query(from, to, |_| ()).await;
        assert_eq!((sorts(&page), page.more), (Vec::new(), false));
    }
}

pub(super) async fn expired_items_fill_no_page(case: Case) {
    fill(&case, &["a", "b", "c"], json!({"text": text(390_000), "expires_at": case.second(10)}))
        .await;
    fill(&case, &["d", "e"], json!({})).await;
    case.advance(11);
    let page = case.query("", "z", |query| query.limit = 1).await;
    assert_eq!((sorts(&page), page.more), (vec!["d"], true));
    let page = case.query("", "z", |query| query.limit = 2).await;
    assert_eq!(sorts(&page), ["d", "e"]);
}
