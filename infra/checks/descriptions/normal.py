"""Normalizes values that differ in form only."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


def boolean(value: Any) -> bool:
    """Reads a boolean; absent is false."""
    if value is None or value == "":
        return False
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in ("true", "false"):
        raise ValueError(f"{value!r} is not a boolean")
    return word == "true"


def integer(value: Any, default: int = 0) -> int:
    """Reads an integer that may be written as text."""
    return default if value is None or value == "" else int(value)


def number(value: Any, default: float = 0) -> float:
    """Reads a number that may be written as text."""
    return default if value is None or value == "" else float(value)


def text(value: Any) -> str:
    """Writes a value as an environment variable; trailing zeros of a fraction are ignored."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    written = str(value)
    return written.rstrip("0").removesuffix(".") if re.fullmatch(r"\d+\.\d+", written) else written


def as_list(value: Any) -> list:
    """Returns a list from a single value, a list, or nothing."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def document(value: Any) -> Any:
    """Reads JSON that may be written as text."""
    return json.loads(value) if isinstance(value, str) else value


def any_document(value: Any) -> Any:
    """Parses a string as JSON if possible, and returns it unchanged otherwise."""
    try:
        return document(value)
    except json.JSONDecodeError:
        return value


def tried(target: str, seconds: Any, attempts: Any) -> str:
    """Describes a rule's target with the duration and number of its retries: a day and 185 by default."""
    return f"{target} for {integer(seconds, 86400)} s, {integer(attempts, 185)} times"


def statements(policy: Any) -> dict[str, str]:
    """Flattens a policy into `action on resource`, with effect and condition, because the grouping of statements does not matter."""
    found = {}
    for statement in as_list(document(policy)["Statement"]):
        principal = f" for {_compact(_principals(statement['Principal']))}" if statement.get("Principal") else ""
        condition = f" if {_compact(_condition(statement['Condition']))}" if statement.get("Condition") else ""
        for action in as_list(statement["Action"]):
            for resource in as_list(statement.get("Resource", "the principal")):
                found[f"{action} on {resource}"] = f"{statement['Effect']}{principal}{condition}"
    return found


def _principals(value: Any) -> Any:
    """Everybody is either `*` or an object that contains it."""
    if value == "*" or not isinstance(value, Mapping):
        return value
    kinds = {kind: sorted(as_list(names)) for kind, names in value.items()}
    return "*" if kinds == {"AWS": ["*"]} else kinds


def _condition(value: Mapping) -> dict:
    return {test: {key: sorted(map(text, as_list(right))) for key, right in keys.items()} for test, keys in value.items()}


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def metric(namespace: str, name: str, dimensions: Iterable[tuple[str, str]], statistic: str = "") -> str:
    """Describes a metric in one line."""
    where = " ".join(f"{key}={value}" for key, value in sorted(dimensions))
    return " ".join(part for part in (namespace, name, where, statistic) if part)


def dashboard(body: Any) -> dict[str, list[str]]:
    """Returns the metrics of each widget, by its title."""
    found = {}
    for widget in document(body)["widgets"]:
        properties = widget["properties"]
        title = properties.get("title") or properties.get("markdown", "")
        found[title] = sorted(_widget_metrics(properties))
    return found


def _widget_metrics(properties: Mapping) -> Iterable[str]:
    before: list[str] = []
    for row in properties.get("metrics", []):
        options = row[-1] if isinstance(row[-1], dict) else {}
        words = [word for word in row if not isinstance(word, dict)]
        words = _spelled_out(words, before)
        before = words
        if "expression" in options:
            yield f"expression {options['expression']}"
        if words:
            statistic = options.get("stat", properties.get("stat", "Average"))
            period = options.get("period", properties.get("period", 300))
            pairs = zip(words[2::2], words[3::2], strict=True)
            yield metric(words[0], words[1], pairs, f"{statistic} of {period} s")


def _spelled_out(words: list[str], before: list[str]) -> list[str]:
    """In a widget, `.` repeats the value above, and `...` all values but the last."""
    if words and words[0] == "...":
        return before[: len(before) - len(words) + 1] + words[1:]
    return [before[at] if word == "." else word for at, word in enumerate(words)]
