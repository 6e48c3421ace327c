"""Reads `infra/serverless`, after `osls package`."""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import cloudformation, names
from .model import Model

#: Parameters that come from environment variables.
FROM_ENVIRONMENT = {"VpcSubnetIds": ("PRIVATE_SUBNET_1", "PRIVATE_SUBNET_2"), "VpcSecurityGroupIds": ("DB_SECURITY_GROUP",)}
#: The deployment bucket of `osls`, which is not part of the system.
DEPLOYMENT_BUCKET = ("ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy")
FUNCTIONS = ("ingress", "worker", "notifier")


def copy(folder: Path, work: Path) -> Path:
    """Copies the service, with the queries that it reads and empty archives where `cargo lambda build` would put the functions."""
    made = work / "infra/serverless"
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns("node_modules", ".serverless"))
    (made / "node_modules").symlink_to(folder / "node_modules")
    (made.parent / "athena").symlink_to(folder.parent / "athena")
    for function in FUNCTIONS:
        archive = work / "target/lambda" / function / "bootstrap.zip"
        archive.parent.mkdir(parents=True)
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "")
    return made


def read(folder: Path, parameters: Mapping[str, str]) -> Model:
    """Packages a copied service, and reads the model from the template that `osls` would deploy."""
    return cloudformation.model(*package(folder, parameters), leave_out=DEPLOYMENT_BUCKET)


def package(folder: Path, parameters: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Runs `osls package`; returns the template and its parameters."""
    stage = parameters.get("Stage", "prod")
    given = [f"--param={_camel(name)}={value}" for name, value in parameters.items() if name not in ("Stage", *FROM_ENVIRONMENT)]
    output = folder / "packaged"
    command = ["node_modules/.bin/osls", "package", "--stage", stage, "--package", output, *given]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"AWS_REGION": names.REGION, "SLS_NOTIFICATIONS_MODE": "off"}
    for name, variables in FROM_ENVIRONMENT.items():
        values = parameters.get(name, "").split(",") if parameters.get(name) else []
        environment |= dict(zip(variables, values, strict=False))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"osls package failed:\n{done.stdout}{done.stderr}")
    template = json.loads((output / "cloudformation-template-update-stack.json").read_text())
    state = json.loads((output / "serverless-state.json").read_text())
    return template, _stack_parameters(state["service"]["provider"].get("stackParameters", []))


def _stack_parameters(told: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {row["ParameterKey"]: str(row["ParameterValue"]) for row in told}


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
