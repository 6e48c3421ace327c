"""The analytics events, as `contracts/events` describes version 1 of them, and how a line becomes one.

Closed sets of values (`provider`, `finish_reason`, `rating`, …) are read as text: a newer chatbot may know more.
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
RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([0-9]{2}:){2}[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
#: Whole numbers that may be below zero.
SIGNED = {"cost_micro_usd"}


class Refusal(Exception):
    """Why a line is refused. It never quotes a value: details may hold what people wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What every detail says of itself; consumers drop repeats by the id."""

    id: str
    specversion: str
    schema_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The detail of `Session Expired` and `Session Deleted`; the beginning of the others."""

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
    #: Millionths of a US dollar; none where the price is not known, or no model was called.
    cost_micro_usd: int | None
    queue_ms: int
    context_ms: int
    first_token_ms: int | None
    total_ms: int
    finish_reason: str
    error_code: str | None
    generations: int
    context: str
    #: Sent by an operator.
    synthetic: bool
    #: Only where the operator chose to have texts, as the reply.
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
    """A detail type, and the detail that belongs to it."""

    type: str
    detail: Detail


def read(line: bytes) -> Event | None:
    """Reads a line; none for what is no event of ours: another source or detail type, a remark of yogi's."""
    envelope = parse(line)
    # EventBridge's name of it is another than yogi's.
    if "detail-type" in envelope:
        envelope["detail_type"] = envelope["detail-type"]
    if "detail_type" not in envelope and "type" in envelope:
        return None
    kind = checked(envelope, "detail_type", str)
    source = checked({"source": None} | envelope, "source", str | None)
    detail = checked(envelope, "detail", dict)
    if source not in (None, SOURCE) or kind not in DETAILS:
        return None
    # The version first: the fields of another one are not ours to judge.
    if checked(detail, "metadata", Metadata).schema_version != SCHEMA_VERSION:
        raise Refusal(f'schema_version is not "{SCHEMA_VERSION}"')
    return Event(kind, typed(detail, DETAILS[kind]))


def parse(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), parse_constant=no_number)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refusal("this is not a JSON object")
    return value


def no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON, though Python takes it")


def typed(value: dict[str, Any], shape: type) -> Any:
    """Makes a dataclass of a JSON object; fields that it does not know are left out."""
    given = {}
    for name, (hint, required) in hints(shape).items():
        if required or name in value:
            given[name] = checked(value, name, hint)
    return shape(**given)


@cache
def hints(shape: type) -> dict[str, tuple[Any, bool]]:
    """Returns each field's type, and whether it is required."""
    types = get_type_hints(shape)
    return {field.name: (types[field.name], field.default is MISSING) for field in fields(shape)}


def checked(value: dict[str, Any], name: str, hint: Any) -> Any:
    """Returns a field of a JSON object if it is of this type."""
    if name not in value:
        raise Refusal(f"missing field `{name}`")
    found = value[name]
    try:
        if hint is datetime:
            return moment(found)
        if hint is Metadata and isinstance(found, dict):
            return typed(found, Metadata)
        if is_a(found, name, hint):
            return found
    except (OverflowError, TypeError, ValueError):
        pass
    raise Refusal("a field is not as its schema says")


def is_a(found: Any, name: str, hint: Any) -> bool:
    """Tells whether a value is of a type. For Python `True` is a number too, and half a surrogate pair is text."""
    if isinstance(found, bool):
        return hint is bool
    if isinstance(found, str):
        found.encode()
    elif isinstance(found, int) and found < 0 and name not in SIGNED:
        return False
    return isinstance(found, hint)


def moment(text: str) -> datetime:
    """Reads RFC 3339, which is less than Python takes for it."""
    if not RFC_3339.fullmatch(text.upper() if isinstance(text, str) else ""):
        raise ValueError("not RFC 3339")
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def millis(time: datetime) -> int:
    """Returns the milliseconds since the Unix epoch: as exact as all languages have it."""
    return (time - EPOCH) // timedelta(milliseconds=1)
