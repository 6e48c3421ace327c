//! The real program: how it starts and ends, and what keeps it from starting, said in one line.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::Setup;

const PROGRAM: &str = env!("CARGO_BIN_EXE_learning-yogi-chatbot");

/// Runs the program in a directory of its own, with no variables but these.
fn run(directory: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(directory.path())
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments);
    command.output().unwrap()
}

/// Expects the program to end with one line that says all of `words`.
#[track_caller]
fn check_refused(output: &Output, words: &[&str]) {
    let [said, printed] =
        [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(!output.status.success(), "it ended well");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said:?}");
    assert!(!said.contains("panicked") && printed.is_empty(), "{said}{printed}");
}

#[test]
fn a_busy_port_is_named() {
    let directory = TempDir::new().unwrap();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    check_refused(
        &run(&directory, &["--port", &port], &[]),
        &[&format!("127.0.0.1:{port}"), "--port", "in use"],
    );
}

#[test]
fn an_unwritable_data_directory_is_named() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    for place in ["file", "file/data"] {
        check_refused(
            &run(&directory, &["--port", "0", "--data-dir", place], &[]),
            &["data directory", place],
        );
    }
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_is_refused() {
    let server = Setup::offline().start().await;
    let place = server.data_dir();
    let directory = TempDir::new().unwrap();
    let output = run(&directory, &["--port", "0", "--data-dir", place.to_str().unwrap()], &[]);
    check_refused(&output, &["another process", place.to_str().unwrap()]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let stopped = Setup::offline().start().await.stop().await;
    let file = stopped.data_dir().join("chatbot.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 9_999).unwrap();
    let before = std::fs::read(&file).unwrap();
    let directory = TempDir::new().unwrap();
    let place = stopped.data_dir();
    let output = run(&directory, &["--port", "0", "--data-dir", place.to_str().unwrap()], &[]);
    check_refused(&output, &["chatbot.db", "version 9999"]);
    assert!(std::fs::read(&file).unwrap() == before, "the file was changed");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("chatbot.db");
    let text = "somebody's notes, and quite a few of them, ".repeat(200);
    std::fs::write(&file, &text).unwrap();
    check_refused(
        &run(&directory, &["--port", "0", "--data-dir", "."], &[]),
        &["chatbot.db", "not a database"],
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_bad_variable_is_named_with_its_value() {
    let directory = TempDir::new().unwrap();
    for (variable, value) in [
        ("CHATBOT_PORT", "eighty"),
        ("CHATBOT_PORT", "99999"),
        ("CHATBOT_LOG", "info,=x=y"),
        ("CHATBOT_TRUSTED_PROXIES", "127.0.0.1,nginx"),
        ("CHATBOT_HOST", "everywhere"),
        ("CHATBOT_MAX_TOKENS", "0"),
        ("CHATBOT_ENABLE_CONTEXT", "yes"),
        ("CHATBOT_PROVIDER_PREFERENCE", "claude,hal"),
        ("CHATBOT_ALLOWED_ORIGINS", "*"),
        ("CHATBOT_AUTH_MODE", "AWS_IAM"),
        ("CHATBOT_LOG_FORMAT", "xml"),
        ("ANTHROPIC_BASE_URL", "api.example.com"),
    ] {
        check_refused(
            &run(&directory, &[], &[(variable, value)]),
            &[variable, value.rsplit(',').next().unwrap()],
        );
    }
    let port = run(&directory, &[], &[("CHATBOT_PORT", "99999")]);
    check_refused(&port, &["a whole number from 0 to 65535"]);
    let mistyped = run(&directory, &[], &[("CHATBOT_DAILY_BUDGET", "5")]);
    check_refused(&mistyped, &["CHATBOT_DAILY_BUDGET ", "did you mean CHATBOT_DAILY_BUDGET_USD?"]);
    // Started anyway, it gets as far as the next error.
    let allowed = [("CHATBOT_DAILY_BUDGET", "5"), ("CHATBOT_PORT", "eighty")];
    check_refused(&run(&directory, &["--allow-unknown-settings"], &allowed), &["CHATBOT_PORT"]);
    check_refused(&run(&directory, &[], &[("CHATBOT_AUTH_MODE", "JWT")]), &["CHATBOT_JWT_ISSUER"]);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_flag_goes_before_its_variable() {
    let directory = TempDir::new().unwrap();
    let output = run(&directory, &["--port", "eighty"], &[("CHATBOT_PORT", "0")]);
    check_refused(&output, &["CHATBOT_PORT", "eighty"]);
}

#[test]
fn a_bad_file_of_documents_is_named_with_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    check_refused(
        &run(&directory, &["--port", "0", "--documents", "none.json"], &[]),
        &["none.json", "cannot be read"],
    );
    for (text, words) in [
        ("{}", "array of documents"),
        ("[1", "array of documents"),
        (r#"[{"id":"a","title":"t"}]"#, "document 1: the field content is missing"),
    ] {
        std::fs::write(directory.path().join("bad.json"), text).unwrap();
        check_refused(
            &run(&directory, &["--port", "0", "--documents", "bad.json"], &[]),
            &["bad.json", words],
        );
    }
}

#[test]
fn an_unknown_flag_is_refused_and_help_is_not() {
    let directory = TempDir::new().unwrap();
    let output = run(&directory, &["--colour", "blue"], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("unexpected argument '--colour'"), "{said}");
    let help = run(&directory, &["--help"], &[]);
    let told = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for flag in ["--host", "--port", "--data-dir", "--documents"] {
        assert!(told.contains(flag), "{told}");
    }
}

#[test]
fn damaged_signing_keys_are_named_and_not_replaced() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("signing-keys.json");
    std::fs::write(&file, "[]").unwrap();
    check_refused(
        &run(&directory, &["--port", "0", "--data-dir", "."], &[]),
        &["signing-keys.json"],
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[]");
}

#[cfg(unix)]
#[test]
fn it_says_where_it_is_and_a_signal_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let directory = TempDir::new().unwrap();
        let mut command = Command::new(PROGRAM);
        command
            .current_dir(directory.path())
            .env_clear()
            .args(["--port", "0"])
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("data directory: ") {
            assert!(log.read_line(&mut said).unwrap() > 0, "{said}");
        }
        for words in ["chat at http://127.0.0.1:", "no AI provider is configured", ".chatbot"] {
            assert!(said.contains(words), "{words:?} in {said}");
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        log.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        assert!(!said.contains("ERROR") && !said.contains("WARN"), "{said}");
    }
}
