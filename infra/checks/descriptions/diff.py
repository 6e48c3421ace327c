"""Compares models, and reports the differences."""

import json
from dataclasses import dataclass
from typing import Any

from .model import Model

ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """A fact that differs between the models."""

    path: str
    values: dict[str, Any]

    def __str__(self) -> str:
        width = max(map(len, self.values))
        lines = [f"    {name:<{width}}  {_shown(value)}" for name, value in self.values.items()]
        return "\n".join([self.path, *lines])


def differences(models: dict[str, Model]) -> list[Difference]:
    """Returns every fact that is missing or different in one of the named models, sorted by path."""
    facts = {name: model.facts() for name, model in models.items()}
    paths = sorted(set().union(*facts.values()))
    found = []
    for path in paths:
        values = {name: known.get(path, ABSENT) for name, known in facts.items()}
        if len({_shown(value) for value in values.values()}) > 1:
            found.append(Difference(path, values))
    return found


def report(found: list[Difference]) -> str:
    """Returns what a failed comparison prints."""
    return "\n".join([f"{len(found)} differences between the descriptions:", *map(str, found)])


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
