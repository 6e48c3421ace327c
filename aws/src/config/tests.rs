use super::*;

fn environment() -> Environment {
    [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("CHATBOT_STAGE", "prod"),
        ("CHATBOT_TABLE", "chatbot-sessions"),
        (
            "CHATBOT_REQUESTS_QUEUE_URL",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/requests.fifo",
        ),
        (
            "CHATBOT_REPLIES_QUEUE_URL",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/replies.fifo",
        ),
        ("CHATBOT_CONNECTIONS_URL", "https://abc.execute-api.eu-central-1.amazonaws.com/prod"),
        (
            "CHATBOT_SIGNING_SECRET",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing",
        ),
        ("CHATBOT_API_KEYS_SECRET", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys"),
        ("CHATBOT_EVENT_BUS", "learning-yogi-chatbot"),
        ("CHATBOT_PROVIDER_PREFERENCE_PARAMETER", "/learning-yogi/chatbot/provider-preference"),
    ]
    .into_iter()
    .fold(Environment::default(), |environment, (name, value)| environment.with(name, value))
}

#[track_caller]
fn check_worker(variable: &str, value: &str, expected: &str) {
    let error = WorkerResources::from_env(&environment().with(variable, value)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn each_function_finds_what_it_uses() {
    let environment = environment();
    let ingress = IngressResources::from_env(&environment).unwrap();
    assert!(
        ingress.requests_queue.ends_with("/requests.fifo")
            && ingress.signing_secret.ends_with(":signing")
    );
    let worker = WorkerResources::from_env(&environment).unwrap();
    assert!(worker.api_keys_secret.ends_with(":keys") && worker.documents.is_none());
    assert_eq!(
        worker.preference_parameter.as_deref(),
        Some("/learning-yogi/chatbot/provider-preference")
    );
    let notifier = NotifierResources::from_env(&environment).unwrap();
    assert_eq!(
        (notifier.event_bus.as_str(), notifier.common.stage.as_str()),
        ("learning-yogi-chatbot", "prod")
    );
}

#[test]
fn a_missing_variable_is_named() {
    let error = NotifierResources::from_env(&Environment::default()).unwrap_err();
    assert_eq!(error.to_string(), "CHATBOT_STAGE is not set, and has no default here");
}

#[test]
fn a_bad_variable_is_named() {
    let problem = "must be a URL that begins with https:// or http://";
    check_worker(
        "CHATBOT_REQUESTS_QUEUE_URL",
        "requests.fifo",
        &format!("CHATBOT_REQUESTS_QUEUE_URL is \"requests.fifo\", but {problem}"),
    );
    check_worker(
        "CHATBOT_DOCUMENT_SQL",
        "SELECT 1",
        "CHATBOT_DOCUMENT_SQL is \"SELECT 1\", but must use :id",
    );
    check_worker(
        "AURORA_CLUSTER_ARN",
        "arn:aws:rds:eu-central-1:123456789012:cluster:school",
        "AURORA_SECRET_ARN is not set, and has no default here",
    );
}

#[test]
fn the_environment_goes_before_parameter_store() {
    let worker =
        WorkerResources::from_env(&environment().with("CHATBOT_PROVIDER_PREFERENCE", "openai"))
            .unwrap();
    assert_eq!(worker.preference_parameter, None);
}

#[test]
fn documents_are_where_both_arns_say() {
    let environment = environment()
        .with("AURORA_CLUSTER_ARN", "arn:aws:rds:eu-central-1:123456789012:cluster:school")
        .with(
            "AURORA_SECRET_ARN",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:reader",
        );
    let documents = WorkerResources::from_env(&environment).unwrap().documents.unwrap();
    assert_eq!(documents.database.name, "learningyogi");
}

#[test]
fn a_reply_cache_without_a_usable_url_stops_the_start_and_no_password_is_shown() {
    let of = |url: &str| reply_cache(&environment().with("CHATBOT_REPLY_CACHE_URL", url));
    assert!(of("rediss://replies.abc.cache.amazonaws.com:6379").is_ok());
    let missing = reply_cache(&environment()).unwrap_err().to_string();
    assert_eq!(missing, "CHATBOT_REPLY_CACHE_URL is not set, and has no default here");
    for (url, problem) in [
        ("rediss://bot:hunter2@host:6379", "must not contain a password, "),
        ("rediss://bot:hunter2", "must be redis://host:port or"),
        ("redis:/bot:hunter2@host", "must be redis://host:port or"),
    ] {
        let error = of(url).unwrap_err().to_string();
        assert!(
            error
                .starts_with(&format!("CHATBOT_REPLY_CACHE_URL is \"(not shown)\", but {problem}")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_passes_through_other_crates_is_never_logged() {
    let asked = Environment::default()
        .with("CHATBOT_LOG", "trace, lambda_runtime=trace,aws_sdk_sqs=debug,worker=debug");
    let filter = LogConfig::from_env(&asked).unwrap().filter;
    assert!(filter.starts_with("trace,worker=debug,lambda_runtime=warn,"), "{filter}");
    assert!(
        !filter.contains("lambda_runtime=trace") && !filter.contains("aws_sdk_sqs=debug"),
        "{filter}"
    );
}

#[test]
fn log_lines_are_json_unless_asked_otherwise() {
    let text = Environment::default().with("CHATBOT_LOG_FORMAT", "text");
    assert_eq!(LogConfig::from_env(&Environment::default()).unwrap(), LogConfig::default());
    assert_eq!(LogConfig::from_env(&text).unwrap().format, LogFormat::Text);
    let bad = Environment::default().with("CHATBOT_LOG_FORMAT", "xml");
    assert!(
        LogConfig::from_env(&bad)
            .unwrap_err()
            .to_string()
            .starts_with("CHATBOT_LOG_FORMAT is \"xml\"")
    );
}
