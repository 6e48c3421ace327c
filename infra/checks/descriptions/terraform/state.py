"""The resources of an evaluated module."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource with its attributes."""

    address: str
    kind: str
    values: dict[str, Any]


class State:
    """Everything that a module would create."""

    def __init__(self, root_module: dict[str, Any]):
        found = list(_flat(root_module))
        self.resources = [_resource(told) for told in found if told["mode"] == "managed"]
        self._data = [_resource(told) for told in found if told["mode"] == "data"]
        self._documents = {r.address: r.values for r in self._data if r.kind == "aws_iam_policy_document"}

    def of(self, kind: str) -> list[Resource]:
        """Returns all resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def having(self, kind: str, **values: Any) -> list[Resource]:
        """Returns all resources of a type with these attributes."""
        return [r for r in self.of(kind) if all(r.values.get(key) == value for key, value in values.items())]

    def data(self, kind: str) -> list[dict[str, Any]]:
        """Returns the attributes of all data sources of a type."""
        return [source.values for source in self._data if source.kind == kind]

    def policy(self, text: str) -> dict[str, Any]:
        """Returns a policy; one from a data source is built from that source's statements."""
        told = json.loads(text)
        if told.get("Id") not in self._documents:
            return told
        return {"Statement": [_statement(s) for s in self._documents[told["Id"]]["statement"]]}


def _flat(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _flat(child)


def _resource(told: dict[str, Any]) -> Resource:
    return Resource(told["address"], told["type"], told["values"])


def _statement(told: dict[str, Any]) -> dict[str, Any]:
    """Writes a statement of a data source as IAM does."""
    made: dict[str, Any] = {"Effect": told["effect"] or "Allow", "Action": told["actions"]}
    if told["resources"]:
        made["Resource"] = told["resources"]
    if told["principals"]:
        made["Principal"] = {p["type"]: p["identifiers"] for p in told["principals"]}
    for condition in told["condition"]:
        made.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    return made
