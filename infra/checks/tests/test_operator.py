"""The entry of a stage for yogi."""

from cases import FULL, OTHER
from descriptions import names, sam

FIELDS = {
    "api_url", "table", "requests_queue_url", "requests_dead_letters_url", "replies_queue_url",
    "replies_dead_letters_url", "signing_secret_arn", "auth_mode", "connections_url", "event_log_group",
    "documents_cluster_arn", "documents_secret_arn",
}


def operator(model, stage=""):
    """Returns the entry of a stage."""
    return model.parameters[f"/learning-yogi/chatbot{stage}/operator"]


def test_the_entry_has_these_fields_and_no_other(either):
    (name,) = (name for name in either.parameters if name.endswith("/operator"))
    entry = either.parameters[name]
    assert entry["type"] == "String" and entry["value"].keys() == FIELDS
    assert all(isinstance(value, str) for value in entry["value"].values())


def test_the_entry_says_what_the_functions_are_told(plain):
    told = operator(plain)["value"]
    own = {**plain.environment["learning-yogi-chatbot-worker"], **plain.environment["learning-yogi-chatbot-ingress"]}
    assert told["table"] == own["CHATBOT_TABLE"]
    assert told["requests_queue_url"] == own["CHATBOT_REQUESTS_QUEUE_URL"]
    assert told["replies_queue_url"] == own["CHATBOT_REPLIES_QUEUE_URL"]
    assert told["signing_secret_arn"] == own["CHATBOT_SIGNING_SECRET"]
    assert told["auth_mode"] == own["CHATBOT_AUTH_MODE"]
    assert told["connections_url"] == own["CHATBOT_CONNECTIONS_URL"]


def test_the_entry_follows_the_options(plain, full, template):
    assert operator(plain)["value"]["event_log_group"] == "/aws/events/learning-yogi-chatbot"
    assert operator(plain)["value"]["api_url"] == f"https://{names.REST_API}.execute-api.us-east-1.amazonaws.com/prod"
    blue = operator(full, "/blue")["value"]
    assert blue["auth_mode"] == "AWS_IAM"
    assert (blue["documents_cluster_arn"], blue["documents_secret_arn"]) == (FULL["AuroraClusterArn"], FULL["AuroraEditorSecretArn"])
    assert (operator(plain)["value"]["documents_cluster_arn"], operator(plain)["value"]["documents_secret_arn"]) == ("", "")
    other = operator(sam.parse(template, OTHER), "/green")["value"]
    assert (other["event_log_group"], other["api_url"]) == ("", "https://api.example.com")
