//! Tests run on paused time, or wait for what they wait for.

use super::Offence;
use super::house::House;
use super::rust::{Source, Token};

const BLOCKING: &[&str] = &["thread", "::", "sleep"];
const ASYNC: [&str; 3] = ["sleep", "sleep_until", "interval"];

/// Finds tests that sleep: on a thread anywhere, on tokio where time is not paused.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let mend = "pause time (`#[tokio::test(start_paused = true)]`), or wait for the event itself";
    let mut found = Vec::new();
    for source in &house.sources {
        let asleep = source.find(BLOCKING).chain(running_clock(source));
        for token in asleep.filter(|token| source.tests(token)) {
            let what = "a test sleeps on the wall clock";
            found.push(Offence::new(&source.path, token.line, what, mend));
        }
    }
    found
}

/// Returns calls that wait on tokio's clock, unless the file pauses it.
fn running_clock(source: &Source) -> impl Iterator<Item = &Token> {
    let paused = source.names("start_paused") || source.names("pause");
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

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house};
    use super::*;

    #[test]
    fn a_test_that_blocks_is_reported_even_on_paused_time() {
        let text = "#[tokio::test(start_paused = true)]\nasync fn a() {\n std::thread::sleep(b);\n}";
        check_finds(&check(&house(&[("a/src/b.rs", text)])), &[("a/src/b.rs", 3)]);
    }

    #[test]
    fn an_async_sleep_needs_paused_time() {
        let sleep = "async fn a() { tokio::time::sleep(b).await; }";
        let paused = format!("{sleep}\n#[tokio::test(start_paused = true)]\nasync fn c() {{}}");
        let found =
            check(&house(&[("a/tests/it/b.rs", sleep), ("a/tests/it/c.rs", paused.as_str()), ("a/src/d.rs", sleep)]));
        check_finds(&found, &[("a/tests/it/b.rs", 1)]);
    }

    #[test]
    fn an_imported_sleep_is_one_too_and_a_method_is_not() {
        let imported = "use tokio::time::sleep;\nasync fn a() { sleep(b).await; }";
        let method = "async fn a() { clock.sleep(b); std::thread::yield_now(); }";
        let found = check(&house(&[("a/tests/b.rs", imported), ("a/tests/c.rs", method)]));
        check_finds(&found, &[("a/tests/b.rs", 2)]);
    }
}
