"""Reads CloudFormation, which both SAM and the Serverless Framework come down to."""

from .read import model

__all__ = ["model"]
