"""Evaluates a module with Terraform, without an account.

`terraform test` replaces the provider by a mock. A first run plans, and so tells which resources there are and what
they are called; a second one applies, with the ARNs that these names would have, so that the state holds every
expression in full, policies included.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .identities import identity
from .overrides import run_file
from .variables import FUNCTIONS

#: Values of variables, as Terraform reads them.
Variables = Mapping[str, Any]
Plan = dict[str, Any]
State = dict[str, Any]


class Missing(Exception):
    """The provider is not available."""


def initialise(folder: Path) -> None:
    """Runs `terraform init` in a folder; `TF_PLUGIN_DIR` names a folder of providers for machines without access to a registry."""
    command = ["init", "-input=false", "-no-color", "-backend=false"]
    if plugins := os.environ.get("TF_PLUGIN_DIR"):
        command.append(f"-plugin-dir={plugins}")
    done = terraform(folder, *command)
    if done.returncode == 0:
        return
    if re.search(r"Failed to (query available provider packages|install provider)|Could not retrieve", done.stderr):
        raise Missing("no provider for Terraform can be had here; TF_PLUGIN_DIR can name a folder of providers")
    raise RuntimeError(done.stderr)


def terraform(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs Terraform without the machine's AWS configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Terraform fails for a configuration file that does not exist.
    if not Path(environment.get("TF_CLI_CONFIG_FILE", "")).is_file():
        environment.pop("TF_CLI_CONFIG_FILE", None)
    environment |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", **more}
    return subprocess.run(
        ["terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def copy(root: Path, work: Path) -> Path:
    """Copies the project's module, with the files that it reads and empty archives for the functions."""
    made = work / "infra/terraform"
    shutil.copytree(root / "infra/terraform", made, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "example"))
    (work / "contracts").symlink_to(root / "contracts")
    (work / "infra/athena").symlink_to(root / "infra/athena")
    for function in FUNCTIONS:
        (made / f"{function}.zip").write_bytes(b"")
    return made


def plans(folder: Path, cases: Mapping[str, Variables]) -> dict[str, Plan]:
    """Plans a copied, initialised module for each of the named sets of variables."""
    return _run(folder, {name: run_file("plan", variables, []) for name, variables in cases.items()}, "test_plan")


def states(folder: Path, cases: Mapping[str, Variables], planned: Mapping[str, Plan]) -> dict[str, State]:
    """Evaluates a module that was planned for each of the named sets of variables."""
    sources = _sources(folder)
    files = {
        name: run_file("apply", variables, _overrides(planned[name], sources)) for name, variables in cases.items()
    }
    return _run(folder, files, "test_state")


def _sources(folder: Path) -> set[tuple[str, str]]:
    """Returns type and address of the data sources with generated values; a plan lists only those still unknown."""
    text = "\n".join(file.read_text() for file in folder.glob("*.tf"))
    kinds = "aws_iam_policy_document|aws_secretsmanager_random_password"
    found = re.findall(rf'^data "({kinds})" "(\w+)"', text, re.MULTILINE)
    return {(kind, f"data.{kind}.{name}") for kind, name in found}


def _overrides(plan: Plan, sources: set[tuple[str, str]]) -> list[tuple[str, str, dict[str, str]]]:
    """Returns the address of each resource and data source with the values that a provider would generate."""
    found, listed = [], set()
    for change in plan["resource_changes"]:
        address, kind = change["address"], "data" if change["mode"] == "data" else "resource"
        if values := identity(change["type"], address, change["change"]["after"] or {}):
            found.append((address, kind, values))
        listed.add(address.split("[")[0])
    known = sorted((kind, address) for kind, address in sources if address not in listed)
    return found + [(address, "data", identity(kind, address, {})) for kind, address in known]


def _run(folder: Path, files: Mapping[str, str], wanted: str) -> dict[str, dict[str, Any]]:
    """Runs each test file, and returns its plan or state."""
    tests = folder / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    tests.mkdir()
    for name, text in files.items():
        (tests / f"{name}.tftest.hcl").write_text(text)
    done = terraform(folder, "test", "-json", "-verbose")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    found = {Path(m["@testfile"]).name.removesuffix(".tftest.hcl"): m[wanted] for m in messages if m["type"] == wanted}
    wrong = [m["diagnostic"] for m in messages if m["type"] == "diagnostic" and m["@level"] == "error"]
    if wrong or found.keys() != files.keys():
        raise RuntimeError("\n".join([*map(_told, wrong), done.stderr]))
    return found


def _told(diagnostic: dict[str, Any]) -> str:
    place = diagnostic.get("range", {})
    line = place.get("start", {}).get("line", "")
    return f"{place.get('filename', '')}:{line}: {diagnostic['summary']}: {diagnostic.get('detail', '')}"
