"""Converts the resources of an evaluated module to the model."""

from typing import Any

from ..model import Model
from . import apis, compute, data, event_store, events, firewall, watching
from .state import State

#: The reader of every type that the module may use.
READERS = {
    **compute.READERS, **data.READERS, **events.READERS, **event_store.READERS, **apis.READERS, **firewall.READERS,
    **watching.READERS,
}


def model(evaluated: dict[str, Any]) -> Model:
    """Reads a state; a resource type without a reader is an error, because it would not be compared."""
    state = State(evaluated["root_module"])
    unknown = sorted({resource.kind for resource in state.resources} - READERS.keys())
    if unknown:
        raise ValueError(f"nobody reads {unknown}; add a reader to descriptions/terraform")
    made = Model()
    for resource in state.resources:
        READERS[resource.kind](made, resource, state)
    return made
