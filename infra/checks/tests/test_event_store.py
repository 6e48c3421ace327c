"""The event store: Athena's definitions match the contracts and the query files."""

import json

import pytest
from cases import SEEDED
from conftest import ROOT
from descriptions import sam

BASE = "learning-yogi-chatbot"
TYPES = {"string": "string", "integer": "bigint", "boolean": "boolean"}
ENVELOPE = ["version", "id", "detail_type", "source", "account", "time", "region", "resources", "detail"]


@pytest.fixture(scope="module")
def stored(template):
    """The template's model with the event store."""
    return sam.parse(template, SEEDED)


def hive(schema):
    """Returns the data catalog's type for a schema; an enumeration without a type is a string."""
    kinds = schema.get("type", "string")
    (kind,) = {kinds} if isinstance(kinds, str) else set(kinds) - {"null"}
    if kind == "object":
        return f"struct<{fields(schema)}>"
    if kind == "array":
        return f"array<{hive(schema['items'])}>"
    return TYPES[kind]


def fields(schema):
    return ",".join(f"{name}:{hive(inner)}" for name, inner in schema["properties"].items())


def test_the_columns_are_those_of_the_contracts(stored):
    """A field without a column would silently be missing from every query."""
    expected = {}
    for file in (ROOT / "contracts/events").glob("*.schema.json"):
        for name, schema in json.loads(file.read_text())["properties"].items():
            assert expected.setdefault(name, hive(schema)) == hive(schema), name
    columns = stored.catalogue["learning_yogi_chatbot.events"].columns
    assert list(columns) == ENVELOPE
    assert columns["detail"] == f"struct<{_in_order(columns['detail'], expected)}>"


def _in_order(told, expected):
    """Writes the expected fields in the order found, which does not matter."""
    names = sorted(expected, key=lambda name: told.find(f"{name}:{expected[name]}"))
    return ",".join(f"{name}:{expected[name]}" for name in names)


@pytest.mark.parametrize("query", ["chat_turns", "daily_figures"])
def test_the_template_holds_the_queries_as_their_files_do(stored, query):
    """CloudFormation cannot read files; the other two descriptions do."""
    kept = stored.queries[f"{BASE}-{query.replace('_', '-')}"]
    assert kept.sql == (ROOT / f"infra/athena/{query}.sql").read_text().strip()
    assert (kept.database, kept.work_group) == ("learning_yogi_chatbot", BASE)


def test_no_query_shows_what_users_wrote(stored):
    """Texts stay in the events, for queries that select them explicitly."""
    for query in stored.queries.values():
        assert not any(word in query.sql for word in ("user_message", "detail.response ", "comment"))


def test_nobody_reads_the_store_over_an_open_line_or_from_outside(stored):
    (bucket,) = stored.buckets.values()
    assert len(bucket.blocks_public) == 4 and bucket.ownership == "BucketOwnerEnforced"
    (denied,) = stored.bucket_policies.values()
    assert len(denied) == 2 and all(effect.startswith("Deny") and "SecureTransport" in effect for effect in denied.values())


def test_there_is_no_store_unless_it_is_asked_for(plain):
    found = (plain.buckets, plain.streams, plain.catalogue, plain.work_groups, plain.queries)
    assert not any(found) and f"{BASE}-store" not in plain.rules
