"""The analytics events, version 1 of `contracts/events`, and the parser of a line.

Enumerations (`provider`, `finish_reason`, `rating`, …) are read as strings, because newer versions
may add values.
"""

import json
import re
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_type_hints

SOURCE = "learning-yogi.chatbot"
SCHEMA_VERSION = "1"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T([0-9]{2}:){2}[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
#: Integers that may be negative.
SIGNED = {"cost_micro_usd"}


class RejectedLine(Exception):
    """Why a line was rejected. It never quotes a value, which might be something a user wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata of every detail. Consumers deduplicate by the id."""

    id: str
    specversion: str
    schema_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The detail of `Session Expired` and `Session Deleted`, and common fields of the others."""

    session_id: str
    session_key: str
    timestamp: datetime
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Session):
    """The detail of `Chat Message` and `Chat Failed`."""

    message_id: str
    turn: int
    message_length: int
    response_length: int
    document_id: str | None
    provider: str | None
    model: str | None
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cached: bool = False
    #: In millionths of a US dollar; None if the price is unknown or no model was called.
    cost_micro_usd: int | None
    queue_ms: int
    context_ms: int
    first_token_ms: int | None
    total_ms: int
    finish_reason: str
    error_code: str | None
    generations: int
    context: str
    #: What the reply stands on; None if the documents were not searched for it.
    grounding: str | None = None
    #: How many places of the reply cite a passage.
    citations: int = 0
    cited_document_ids: list[str] | None = None
    #: Sent by an operator.
    synthetic: bool
    #: Present only if the operator has enabled texts in events; so is `response`.
    user_message: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Session):
    """The detail of `Chat Feedback`."""

    message_id: str
    turn: int
    rating: str
    comment_length: int
    provider: str | None
    model: str | None
    synthetic: bool
    comment: str | None = None


Detail = Turn | Feedback | Session
DETAILS: dict[str, type[Detail]] = {
    "Chat Message": Turn,
    "Chat Failed": Turn,
    "Chat Feedback": Feedback,
    "Session Expired": Session,
    "Session Deleted": Session,
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event: the detail type, and the detail of that type."""

    type: str
    detail: Detail


def read_event(line: bytes) -> Event | None:
    """Parses a line; None for other sources and detail types, and for notices of `yogi tail`."""
    envelope = parse(line)
    # EventBridge writes `detail-type`, yogi `detail_type`.
    if "detail-type" in envelope:
        envelope["detail_type"] = envelope["detail-type"]
    if "detail_type" not in envelope and "type" in envelope:
        return None
    kind = field_of(envelope, "detail_type", str)
    source = field_of({"source": None} | envelope, "source", str | None)
    detail = field_of(envelope, "detail", dict)
    if source not in (None, SOURCE) or kind not in DETAILS:
        return None
    # Checked first, because another version may have other fields.
    if field_of(detail, "metadata", Metadata).schema_version != SCHEMA_VERSION:
        raise RejectedLine(f'schema_version is not "{SCHEMA_VERSION}"')
    return Event(kind, read_object(detail, DETAILS[kind]))


def parse(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), parse_constant=reject_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RejectedLine("not a JSON object")
    return value


def reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON, although Python accepts it")


def read_object(value: dict[str, Any], shape: type) -> Any:
    """Converts a JSON object to a dataclass, ignoring unknown fields."""
    given = {}
    for name, (hint, required) in field_types(shape).items():
        if required or name in value:
            given[name] = field_of(value, name, hint)
    return shape(**given)


@cache
def field_types(shape: type) -> dict[str, tuple[Any, bool]]:
    """Returns the type of each field, and whether the field is required."""
    types = get_type_hints(shape)
    return {field.name: (types[field.name], field.default is MISSING) for field in fields(shape)}


def field_of(value: dict[str, Any], name: str, hint: Any) -> Any:
    """Returns a field of a JSON object; raises `RejectedLine` if it has the wrong type."""
    if name not in value:
        raise RejectedLine(f"missing field `{name}`")
    found = value[name]
    try:
        if hint is datetime:
            return timestamp_of(found)
        if hint is Metadata and isinstance(found, dict):
            return read_object(found, Metadata)
        if has_type(found, name, hint):
            return found
    except (OverflowError, TypeError, ValueError):
        pass
    raise RejectedLine("a field does not match its schema")


def has_type(found: Any, name: str, hint: Any) -> bool:
    """Returns whether a value has a type.

    In Python `True` is an integer, and a string may contain lone surrogates; neither is valid here.
    """
    if isinstance(found, bool):
        return hint is bool
    if isinstance(found, str):
        found.encode()
    elif isinstance(found, int) and found < 0 and name not in SIGNED:
        return False
    elif isinstance(found, list):
        texts = all(isinstance(item, str) and item.encode() is not None for item in found)
        return texts and hint == list[str] | None
    return isinstance(found, hint)


def timestamp_of(text: str) -> datetime:
    """Parses RFC 3339. Python accepts more than that."""
    if not RFC_3339.fullmatch(text.upper() if isinstance(text, str) else ""):
        raise ValueError("not RFC 3339")
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def millis(time: datetime) -> int:
    """Returns milliseconds since the Unix epoch, the precision that all three languages share."""
    return (time - EPOCH) // timedelta(milliseconds=1)
