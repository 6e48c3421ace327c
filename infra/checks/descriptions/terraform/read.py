"""From the resources of an evaluated module to the model."""

from typing import Any

from ..model import Model
from . import apis, compute, data, event_store, events, firewall, watching
from .state import State

#: Every type that the module may use: what reads it.
READERS = {
    **compute.READERS, **data.READERS, **events.READERS, **event_store.READERS, **apis.READERS, **firewall.READERS,
    **watching.READERS,
}


def model(evaluated: dict[str, Any]) -> Model:
    """Reads a state; a type of resource that nobody reads is an error, lest it be compared with nothing."""
    state = State(evaluated["root_module"])
    unknown = sorted({resource.kind for resource in state.resources} - READERS.keys())
    if unknown:
        raise ValueError(f"nobody reads {unknown}; add a reader to descriptions/terraform")
    made = Model()
    for resource in state.resources:
        READERS[resource.kind](made, resource, state)
    return made
