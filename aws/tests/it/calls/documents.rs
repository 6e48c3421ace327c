//! Documents through the Data API.

use aws::documents::{Database, DocumentSettings, DocumentSql, RdsDocuments};
use serde_json::{Value, json};
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, Documents as _, DocumentsError};

use crate::support::service::{Answer, CANARY, Service, check_clean};

const OWN: &str =
    "SELECT title, content FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)";

fn documents(service: &Service, sql: &str, public: bool) -> RdsDocuments {
    let settings = DocumentSettings {
        database: Database {
            cluster_arn: "arn:cluster".to_owned(),
            secret_arn: "arn:secret".to_owned(),
            name: "learningyogi".to_owned(),
        },
        sql: DocumentSql::parse(sql, public).unwrap(),
        search: None,
    };
    RdsDocuments::new(&service.sdk(), settings)
}

async fn fetch(service: &Service) -> Result<Option<Document>, DocumentsError> {
    let reader = Principal::parse("jwt:issuer#ada").unwrap();
    documents(service, OWN, false).fetch(&DocumentId::parse("doc-1").unwrap(), &reader).await
}

/// Returns rows under these columns.
fn rows(columns: &[&str], rows: &Value) -> Answer {
    let columns: Vec<Value> =
        columns.iter().map(|name| json!({"label": name, "name": "x"})).collect();
    Answer::ok(json!({"columnMetadata": columns, "records": rows}))
}

#[tokio::test]
async fn a_document_is_asked_for_by_id_and_on_behalf_of_the_principal() {
    let service = Service::new(|_, _| {
        rows(
            &["CONTENT", "Title"],
            &json!([[{"stringValue": "é🎈"}, {"stringValue": "The title"}]]),
        )
    });
    let found = fetch(&service).await.unwrap().unwrap();
    assert_eq!(
        (found.title.as_str(), &*found.content, found.id.as_str()),
        ("The title", "é🎈", "doc-1")
    );
    let call = &service.calls()[0];
    assert_eq!(call.operation, "POST /Execute");
    assert_eq!(
        call.body,
        json!({
            "resourceArn": "arn:cluster", "secretArn": "arn:secret", "database": "learningyogi",
            "sql": "SELECT title, content, owner IS NULL AS public FROM documents WHERE id = :id \
                AND (owner IS NULL OR owner = :principal)",
            "includeResultMetadata": true,
            "parameters": [
                {"name": "id", "value": {"stringValue": "doc-1"}},
                {"name": "principal", "value": {"stringValue": "jwt:issuer#ada"}},
            ],
        })
    );
}

#[tokio::test]
async fn a_query_of_public_documents_is_not_told_who_asks() {
    let service = Service::new(|_, _| rows(&["content"], &json!([[{"longValue": 7}]])));
    let public = documents(&service, "SELECT content FROM documents WHERE id = :id", true);
    let reader = Principal::parse("anon:secret-name").unwrap();
    let found = public.fetch(&DocumentId::parse("doc-1").unwrap(), &reader).await.unwrap().unwrap();
    assert_eq!((found.title.as_str(), &*found.content), ("", "7"));
    assert!(!service.calls()[0].text.contains("secret-name"));
    assert_eq!(public.list(&reader).await.unwrap(), []);
}

#[tokio::test]
async fn no_row_and_no_content_are_no_document() {
    let none = Service::new(|_, _| rows(&["title", "content"], &json!([])));
    assert_eq!(fetch(&none).await.unwrap(), None);
    let null = Service::new(|_, _| {
        rows(&["title", "content"], &json!([[{"stringValue": "t"}, {"isNull": true}]]))
    });
    assert_eq!(fetch(&null).await.unwrap(), None);
}

#[tokio::test]
async fn a_query_without_the_column_is_wrong() {
    let service = Service::new(|_, _| {
        rows(&["title", "text"], &json!([[{"stringValue": CANARY}, {"stringValue": CANARY}]]))
    });
    let error = fetch(&service).await.unwrap_err();
    assert!(matches!(error, DocumentsError::Permanent(_)));
    check_clean(&error);
}

/// Checks whether a failure passes, and that it keeps its words to itself.
async fn check(answer: impl Fn() -> Answer + Send + Sync + 'static, passes: bool, why: &str) {
    let service = Service::new(move |_, _| answer());
    let error = fetch(&service).await.unwrap_err();
    assert_eq!(matches!(error, DocumentsError::Unavailable(_)), passes, "{why}");
    check_clean(&error);
    assert_eq!(service.calls().len(), 1, "the worker decides about another try");
}

#[tokio::test]
async fn what_passes_is_told_from_what_does_not() {
    for (status, code, passes) in [
        (400, "DatabaseResumingException", true),
        (504, "DatabaseUnavailableException", true),
        (400, "StatementTimeoutException", true),
        (400, "ThrottlingException", true),
        (503, "ServiceUnavailableError", true),
        (500, "InternalServerErrorException", true),
        (400, "BadRequestException", false),
        (403, "ForbiddenException", false),
        (403, "AccessDeniedException", false),
        (404, "DatabaseNotFoundException", false),
        (400, "SecretsErrorException", false),
        (400, "UnsupportedResultException", false),
    ] {
        check(move || Answer::error(status, code), passes, code).await;
    }
    check(|| Answer::Breaks, true, "no connection").await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_is_away() {
    check(|| Answer::Hangs, true, "no answer").await;
}

#[tokio::test]
async fn an_sql_state_tells_a_broken_connection_from_a_broken_query() {
    for (state, passes) in
        [("42P01", false), ("42501", false), ("22P02", false), ("08006", true), ("57P01", true)]
    {
        let message = format!("ERROR: {CANARY}; Position: 8; SQLState: {state}");
        let body = json!({"__type": "DatabaseErrorException", "message": message});
        check(move || Answer::With(400, body.clone()), passes, state).await;
    }
}

#[tokio::test]
async fn an_error_names_its_sql_state() {
    let body = json!({"__type": "BadRequestException", "message": "ERROR: x; SQLState: 42P01"});
    let service = Service::new(move |_, _| Answer::With(400, body.clone()));
    let error = fetch(&service).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        "rds-data ExecuteStatement failed (BadRequestException, 400, request request-1, SQL state \
        42P01)"
    );
}
