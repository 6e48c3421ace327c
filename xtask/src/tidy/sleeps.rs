//! Tests do not sleep on the wall clock: they pause time, or wait for an event.

use super::Violation;
use super::rust::{Source, Token};
use super::workspace::Workspace;

const BLOCKING: &[&str] = &["thread", "::", "sleep"];
const ASYNC_TEST: &[&str] = &["tokio", "::", "test"];
const ASYNC: [&str; 3] = ["sleep", "sleep_until", "interval"];

/// Finds tests that put a thread to sleep, or a task while time is not paused.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let fix = "pause time (`#[tokio::test(start_paused = true)]`), or wait for the event itself";
    let mut found = Vec::new();
    for source in &workspace.sources {
        let asleep = source.find(BLOCKING).chain(running_clock(workspace, source));
        for token in asleep.filter(|token| source.tests(token)) {
            let what = "this test sleeps on the wall clock";
            found.push(Violation::new(&source.path, token.line, what, fix));
        }
    }
    found
}

/// Returns calls that wait on tokio's clock where it is not paused.
fn running_clock<'a>(workspace: &Workspace, source: &'a Source) -> impl Iterator<Item = &'a Token> {
    let paused =
        pauses(source) || is_paused_support(workspace, source) || is_paused_part(workspace, source);
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

/// Returns whether a support file is used only by tests that pause the clock.
fn is_paused_support(workspace: &Workspace, source: &Source) -> bool {
    let Some((binary, _)) = source.path.split_once("/support/") else { return false };
    let folder = format!("{binary}/");
    let users = workspace
        .sources
        .iter()
        .filter(|user| user.path.starts_with(&folder) && !user.path.contains("/support/"));
    let mut users = users
        .filter(|user| user.names("support") && user.find(ASYNC_TEST).next().is_some())
        .peekable();
    users.peek().is_some() && users.all(pauses)
}

/// Returns whether a file has no async test, and all async tests of its binary pause the clock.
fn is_paused_part(workspace: &Workspace, source: &Source) -> bool {
    const BINARY: &str = "/tests/it/";
    let Some((krate, _)) = source.path.split_once(BINARY) else { return false };
    let folder = format!("{krate}{BINARY}");
    let is_async = |source: &&Source| source.find(ASYNC_TEST).next().is_some();
    let mut users = workspace
        .sources
        .iter()
        .filter(|user| user.path.starts_with(&folder))
        .filter(is_async)
        .peekable();
    !is_async(&source) && users.peek().is_some() && users.all(pauses)
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[test]
    fn a_test_that_blocks_is_reported_even_on_paused_time() {
        let text =
            "#[tokio::test(start_paused = true)]\nasync fn a() {\n std::thread::sleep(b);\n}";
        check_finds(&check(&workspace(&[("a/src/b.rs", text)])), &[("a/src/b.rs", 3)]);
    }

    #[test]
    fn an_async_sleep_needs_paused_time() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = format!("{sleep}\n#[tokio::test(start_paused = true)]\nasync fn c() {{}}");
        let files =
            [("a/tests/b.rs", sleep), ("a/tests/it/c.rs", paused.as_str()), ("a/src/d.rs", sleep)];
        check_finds(&check(&workspace(&files)), &[("a/tests/b.rs", 1)]);
    }

    #[test]
    fn an_imported_sleep_is_one_too_and_a_method_is_not() {
        let imported = "use tokio::time::sleep;\nasync fn a() { sleep(b).await; }";
        let method = "async fn a() { clock.sleep(b); std::thread::yield_now(); }";
        let found = check(&workspace(&[("a/tests/b.rs", imported), ("a/tests/c.rs", method)]));
        check_finds(&found, &[("a/tests/b.rs", 2)]);
    }

    #[test]
    fn any_part_of_a_binary_may_sleep_where_all_its_tests_pause_the_clock() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = "#[tokio::test(start_paused = true)]\nasync fn c() {}";
        let running = "#[tokio::test]\nasync fn c() {}";
        let part = ("a/tests/it/stories/s.rs", sleep);
        check_finds(&check(&workspace(&[part, ("a/tests/it/c.rs", paused)])), &[]);
        let found =
            check(&workspace(&[part, ("a/tests/it/c.rs", paused), ("a/tests/it/d.rs", running)]));
        check_finds(&found, &[("a/tests/it/stories/s.rs", 1)]);
    }

    #[test]
    fn support_may_sleep_where_all_who_use_it_pause_the_clock() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = "use crate::support;\n#[tokio::test(start_paused = true)]\nasync fn c() {}";
        let running = "use crate::support;\n#[tokio::test]\nasync fn c() {}";
        let support = ("a/tests/it/support/s.rs", sleep);
        check_finds(&check(&workspace(&[support, ("a/tests/it/c.rs", paused)])), &[]);
        let found = check(&workspace(&[
            support,
            ("a/tests/it/c.rs", paused),
            ("a/tests/it/d.rs", running),
        ]));
        check_finds(&found, &[("a/tests/it/support/s.rs", 1)]);
    }
}
