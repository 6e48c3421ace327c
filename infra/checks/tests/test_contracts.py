"""The template matches the contracts: the calls of the REST API, and the schemas of the events."""

import json
import re

import yaml
from conftest import ROOT

#: The template's names of path parameters; the contract's are longer.
PLACES = {"session_id": "id", "turn": "n"}
METHODS = {"get", "post", "put", "patch", "delete"}


def contract():
    """Returns the REST API's contract."""
    return yaml.safe_load((ROOT / "contracts/openapi.yaml").read_text())


def test_the_rest_api_has_every_call_of_the_contract_and_no_other(plain):
    def place(found):
        return "{" + PLACES.get(found[1], found[1]) + "}"

    expected = set()
    for path, operations in contract()["paths"].items():
        path = re.sub(r"\{(\w+)\}", place, path)
        expected |= {f"{method.upper()} {path}" for method in METHODS & operations.keys()} | {f"OPTIONS {path}"}
    assert plain.routes.keys() == expected


def test_options_is_never_asked_for_credentials(full):
    """Browsers send preflight requests without credentials."""
    options = [route.authorization for key, route in full.routes.items() if key.startswith("OPTIONS")]
    assert options and set(options) == {"NONE"}


def test_calls_are_signed_where_callers_come_by_iam(full, plain):
    open_calls = {"GET /health"}
    signed = {key for key, route in full.routes.items() if route.authorization == "AWS_IAM"}
    assert signed == {key for key in full.routes if not key.startswith("OPTIONS")} - open_calls
    assert {route.authorization for route in plain.routes.values()} == {"NONE"}


def test_the_schemas_are_those_of_the_contracts(plain):
    files = (ROOT / "contracts/events").glob("*.schema.json")
    expected = {}
    for file in files:
        name = "".join(word.capitalize() for word in file.name.removesuffix(".schema.json").split("-"))
        key = f"learning-yogi-chatbot learning-yogi.chatbot@{name} JSONSchemaDraft4"
        expected[key] = json.loads(file.read_text())
    assert len(expected) == 5
    found = {key: schema for key, schema in plain.schemas.items() if schema != "registry"}
    assert found == expected


def test_gateway_responses_are_problems_that_pages_may_read(plain):
    kinds = {
        "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT",
        "MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "THROTTLED", "UNAUTHORIZED", "WAF_FILTERED",
    }
    assert kinds <= plain.gateway_responses.keys()
    for kind, told in plain.gateway_responses.items():
        assert told.headers["access-control-allow-origin"] == "'https://app.example.com'", kind
        problem = told.templates["application/problem+json"]
        assert problem.keys() == {"type", "title", "status", "detail"}, kind
        if told.status:
            assert str(problem["status"]) == told.status, kind
        if told.status in ("429", "503", "504") or kind == "DEFAULT_5XX":
            assert "retry-after" in told.headers, kind


#: Variables of access logs; `path` and `requestOverride.querystring`, for example, contain what a caller sent.
LOGGED = {
    f"$context.{name}"
    for name in (
        "authorizer.status", "connectionId", "error.responseType", "eventType", "httpMethod", "identity.sourceIp",
        "integrationStatus", "requestId", "requestTime", "resourcePath", "responseLatency", "responseLength", "routeKey",
        "status",
    )
}


def test_no_log_holds_what_stands_in_a_query(either):
    """Query strings contain tickets."""
    for stage in (*either.rest_stages.values(), *either.socket_stages.values()):
        assert stage.access_log_fields and not stage.data_trace and stage.logging_level == "OFF"
        assert set(stage.access_log_fields.values()) <= LOGGED
