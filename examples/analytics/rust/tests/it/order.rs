//! Events arrive in any order.

use analytics_consumer::figures::Row;
use analytics_consumer::fold::Fold;
use analytics_consumer::line;

use crate::fixture;

fn rows<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Row> {
    let mut fold = Fold::default();
    for line in lines.filter(|line| !line.is_empty()) {
        line::read(line.as_bytes()).unwrap().into_iter().for_each(|event| fold.add(event));
    }
    fold.rows()
}

#[test]
fn any_order_gives_the_same_figures() {
    let text = fixture("events.jsonl");
    let lines: Vec<_> = text.lines().collect();
    let expected = rows(lines.iter().copied());
    assert_eq!(rows(lines.iter().rev().copied()), expected);
    for cut in 1..lines.len() {
        let (before, after) = lines.split_at(cut);
        assert_eq!(rows(after.iter().chain(before).copied()), expected, "cut at {cut}");
    }
}
