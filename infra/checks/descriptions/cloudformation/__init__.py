"""Reads CloudFormation, which both SAM and the Serverless Framework produce."""

from .read import model

__all__ = ["model"]
