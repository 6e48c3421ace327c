"""Reads the Terraform module: Terraform itself evaluates it, before a provider that makes nothing."""

from .read import model
from .run import Missing, states

__all__ = ["Missing", "model", "states"]
