//! Tests run on paused time, or wait for what they wait for.

use super::Offence;
use super::house::House;
use super::rust::{Source, Token};

const BLOCKING: &[&str] = &["thread", "::", "sleep"];
const ASYNC_TEST: &[&str] = &["tokio", "::", "test"];
const ASYNC: [&str; 3] = ["sleep", "sleep_until", "interval"];

/// Finds tests that sleep: on a thread anywhere, on tokio where time is not paused.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let mend = "pause time (`#[tokio::test(start_paused = true)]`), or wait for the event itself";
    let mut found = Vec::new();
    for source in &house.sources {
        let asleep = source.find(BLOCKING).chain(running_clock(house, source));
        for token in asleep.filter(|token| source.tests(token)) {
            let what = "a test sleeps on the wall clock";
            found.push(Offence::new(&source.path, token.line, what, mend));
        }
    }
    found
}

/// Returns calls that wait on tokio's clock, unless it is paused.
fn running_clock<'a>(house: &House, source: &'a Source) -> impl Iterator<Item = &'a Token> {
    let paused =
        pauses(source) || is_paused_support(house, source) || is_paused_part(house, source);
    let rows = source.tokens.windows(4);
    let calls = rows.filter(|row| {
        let [way, before, name, after] = row else {
            return false;
        };
        // Methods and definitions of that name are something else; threads are found above.
        let other = [".", "fn"].contains(&before.text.as_str()) || way.text == "thread";
        ASYNC.contains(&name.text.as_str()) && after.text == "(" && !other
    });
    calls.map(|row| &row[2]).filter(move |_| !paused)
}

fn pauses(source: &Source) -> bool {
    source.names("start_paused") || source.names("pause")
}

/// Tells whether a file only supports tests that pause the clock: every test file that names
/// `support` does.
fn is_paused_support(house: &House, source: &Source) -> bool {
    let Some((binary, _)) = source.path.split_once("/support/") else { return false };
    let folder = format!("{binary}/");
    let users = house
        .sources
        .iter()
        .filter(|user| user.path.starts_with(&folder) && !user.path.contains("/support/"));
    let mut users = users
        .filter(|user| user.names("support") && user.find(ASYNC_TEST).next().is_some())
        .peekable();
    users.peek().is_some() && users.all(pauses)
}

/// Tells whether a file has no async test of its own, in a binary whose async tests all pause the
/// clock.
fn is_paused_part(house: &House, source: &Source) -> bool {
    const BINARY: &str = "/tests/it/";
    let Some((krate, _)) = source.path.split_once(BINARY) else { return false };
    let folder = format!("{krate}{BINARY}");
    let is_async = |source: &&Source| source.find(ASYNC_TEST).next().is_some();
    let mut users = house
        .sources
        .iter()
        .filter(|user| user.path.starts_with(&folder))
        .filter(is_async)
        .peekable();
    !is_async(&source) && users.peek().is_some() && users.all(pauses)
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house};
    use super::*;

    #[test]
    fn a_test_that_blocks_is_reported_even_on_paused_time() {
        let text =
            "#[tokio::test(start_paused = true)]\nasync fn a() {\n std::thread::sleep(b);\n}";
        check_finds(&check(&house(&[("a/src/b.rs", text)])), &[("a/src/b.rs", 3)]);
    }

    #[test]
    fn an_async_sleep_needs_paused_time() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = format!("{sleep}\n#[tokio::test(start_paused = true)]\nasync fn c() {{}}");
        let files =
            [("a/tests/b.rs", sleep), ("a/tests/it/c.rs", paused.as_str()), ("a/src/d.rs", sleep)];
        check_finds(&check(&house(&files)), &[("a/tests/b.rs", 1)]);
    }

    #[test]
    fn an_imported_sleep_is_one_too_and_a_method_is_not() {
        let imported = "use tokio::time::sleep;\nasync fn a() { sleep(b).await; }";
        let method = "async fn a() { clock.sleep(b); std::thread::yield_now(); }";
        let found = check(&house(&[("a/tests/b.rs", imported), ("a/tests/c.rs", method)]));
        check_finds(&found, &[("a/tests/b.rs", 2)]);
    }

    #[test]
    fn any_part_of_a_binary_may_sleep_where_all_its_tests_pause_the_clock() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = "#[tokio::test(start_paused = true)]\nasync fn c() {}";
        let running = "#[tokio::test]\nasync fn c() {}";
        let part = ("a/tests/it/stories/s.rs", sleep);
        check_finds(&check(&house(&[part, ("a/tests/it/c.rs", paused)])), &[]);
        let found =
            check(&house(&[part, ("a/tests/it/c.rs", paused), ("a/tests/it/d.rs", running)]));
        check_finds(&found, &[("a/tests/it/stories/s.rs", 1)]);
    }

    #[test]
    fn support_may_sleep_where_all_who_use_it_pause_the_clock() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = "use crate::support;\n#[tokio::test(start_paused = true)]\nasync fn c() {}";
        let running = "use crate::support;\n#[tokio::test]\nasync fn c() {}";
        let support = ("a/tests/it/support/s.rs", sleep);
        check_finds(&check(&house(&[support, ("a/tests/it/c.rs", paused)])), &[]);
        let found =
            check(&house(&[support, ("a/tests/it/c.rs", paused), ("a/tests/it/d.rs", running)]));
        check_finds(&found, &[("a/tests/it/support/s.rs", 1)]);
    }
}
