"""Reads the Terraform module: Terraform itself evaluates it, with a mock provider."""

from collections.abc import Mapping
from pathlib import Path

from ..model import Model
from . import run
from .read import model
from .run import Missing, copy, initialise, terraform
from .variables import variables

__all__ = ["Missing", "copy", "initialise", "plans", "read", "terraform"]

#: Named sets of the template's parameters.
Cases = Mapping[str, Mapping[str, str]]


def plans(folder: Path, cases: Cases) -> dict[str, run.Plan]:
    """Plans a copied, initialised module for each of the named sets of parameters."""
    return run.plans(folder, {name: variables(parameters) for name, parameters in cases.items()})


def read(folder: Path, cases: Cases, planned: Mapping[str, run.Plan]) -> dict[str, Model]:
    """Reads the models of a module that was planned for these sets of parameters."""
    evaluated = run.states(folder, {name: variables(parameters) for name, parameters in cases.items()}, planned)
    return {name: model(state) for name, state in evaluated.items()}
