"""Reads `template.yaml`, after SAM's own transform."""

import json
import os
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import loads
from samtranslator.translator.transform import transform

from . import cloudformation, names
from .model import Model


class _NoManagedPolicies:
    def load(self) -> dict:
        """Returns no policies: the template must not use SAM's policy names."""
        return {}


def expand(text: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Runs a template through the transform; needs neither an account nor a network."""
    os.environ.setdefault("AWS_DEFAULT_REGION", names.REGION)  # the transform asks for it and calls nobody
    template = json.loads(json.dumps(loads(text)))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"  # what `sam package` would fill in
    return transform(template, dict(parameters), _NoManagedPolicies())


def read(path: Path, parameters: dict[str, str]) -> Model:
    """Reads the model from the template."""
    return parse(path.read_text(), parameters)


def parse(text: str, parameters: dict[str, str]) -> Model:
    """Reads the model from a template's text."""
    return cloudformation.model(expand(text, parameters), parameters)
