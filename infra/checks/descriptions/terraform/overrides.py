"""Writes test files for Terraform, with a mock provider."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .. import names

#: The values of data sources without a name: the account of the checks.
DATA = {
    "aws_caller_identity": {"account_id": names.ACCOUNT},
    "aws_iam_policy_document": {"json": "{}"},
    "aws_partition": {"partition": names.PARTITION, "dns_suffix": names.SUFFIX},
    "aws_region": {"name": names.REGION, "id": names.REGION},
}


def run_file(command: str, variables: Mapping[str, Any], overrides: Iterable[tuple[str, str, dict[str, str]]]) -> str:
    """Returns a test file with one run; an override is an address, `resource` or `data`, and the values."""
    lines = ['mock_provider "aws" {']
    for kind, values in DATA.items():
        lines += [f'  mock_data "{kind}" {{', f"    defaults = {_object(values)}", "  }"]
    for address, kind, values in overrides:
        lines += [f"  override_{kind} {{", f"    target = {address}", f"    values = {_object(values)}", "  }"]
    lines += ["}", 'run "it" {', f"  command = {command}", f"  variables {{"]
    lines += [f"    {name} = {_value(value)}" for name, value in variables.items()]
    return "\n".join([*lines, "  }", "}", ""])


def _object(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {_value(value)}" for name, value in values.items()) + " }"


def _value(value: Any) -> str:
    """JSON is valid HCL, except for template markers in strings."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
