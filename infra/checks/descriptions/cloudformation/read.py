"""Converts the resources of a template to the model."""

from collections.abc import Collection, Iterable

from ..model import Model
from . import apis, compute, data, event_store, events, watching
from .intrinsics import Resolver, Resource

#: The reader of every type that descriptions may use.
READERS = {
    **compute.READERS, **data.READERS, **events.READERS, **event_store.READERS, **apis.READERS, **watching.READERS,
}


class Stack:
    """The resources of one template."""

    def __init__(self, resources: Iterable[Resource]):
        self.resources = list(resources)

    def of(self, kind: str) -> list[Resource]:
        """Returns all resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def named(self, logical: str) -> Resource:
        """Returns the resource with a logical id."""
        return next(resource for resource in self.resources if resource.logical == logical)


def model(template: dict, parameters: dict[str, str], leave_out: Collection[str] = ()) -> Model:
    """Reads a template, except the resources with the given logical IDs.

    A type of resource that nobody reads is an error, lest it be compared with nothing.
    """
    resources = Resolver(template, parameters).resources()
    stack = Stack(resource for resource in resources if resource.logical not in leave_out)
    unknown = sorted({resource.kind for resource in stack.resources} - READERS.keys())
    if unknown:
        raise ValueError(f"nobody reads {unknown}; add a reader to descriptions/cloudformation")
    made = Model()
    for resource in stack.resources:
        READERS[resource.kind](made, resource, stack)
    return made
