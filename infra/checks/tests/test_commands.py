"""Every command of the deployment pages is one that its tool accepts.

Each block is run by a shell in which the tools only write down how they were called. Then the real tools parse the
calls, without an account: `aws` checks the parameters of an operation, `osls` packages with the parameters that are
printed, `cargo lambda` and `sam` parse their options.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from awscli.clidriver import create_clidriver
from conftest import ROOT
from samcli.cli.context import Context
from samcli.cli.main import cli as sam_cli

from descriptions import serverless

PAGES = ("docs/DEPLOY.md", "infra/terraform/README.md", "infra/serverless/README.md")
TOOLS = ("aws", "cargo", "curl", "npm", "npx", "sam", "terraform", "yogi", "infra/aurora/setup.sh")
#: Outputs of the stack, which a reader copies into variables.
OUTPUTS = {"CHATBOT_API_URL": "https://api.example.com/prod", "OPERATOR_POLICY_ARN": "arn:aws:iam::123456789012:policy/operator"}
#: Commands of version 2 of the AWS CLI, which no registry that CI uses has.
ONLY_IN_VERSION_2 = {("logs", "tail")}
#: An address at which nobody listens.
NOBODY = "http://127.0.0.1:9/"
#: A tool that writes down its arguments, each with a byte that no argument contains behind it.
RECORDER = """#!/bin/sh
printf '%s\\036' {tool} "$@" >> "$CALLS"
printf '\\035' >> "$CALLS"
echo made
"""


def blocks() -> dict[str, str]:
    """Returns the blocks of shell commands by page and number, with placeholders filled in."""
    found = {}
    for page in PAGES:
        texts = re.findall(r"^ *```sh\n(.*?)^ *```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
        found |= {f"{page} {number}": re.sub(r"<[a-zA-Z][^<>\n]*>", "given", text) for number, text in enumerate(texts, 1)}
    return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A copy of what the commands read, with recording tools."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("node_modules", "checks", "e2e"))
    for file in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / file, folder)
    for tool in TOOLS:
        path = folder / (tool if "/" in tool else f"bin/{tool}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(RECORDER.format(tool=tool))
        path.chmod(0o755)
    return folder


def called(folder: Path, block: str) -> list[list[str]]:
    """Runs a block, and returns the calls of its tools."""
    log = folder / "calls"
    log.write_text("")
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(log), **OUTPUTS}
    command = ["bash", "-euo", "pipefail", "-c", block]
    done = subprocess.run(command, cwd=folder, env=environment, input="{}", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [call.split("\x1e")[:-1] for call in log.read_text().split("\x1d")[:-1]]


def aws(arguments: list[str], _: Path) -> None:
    """Lets the AWS CLI check the parameters, which it does before it finds out that nobody answers."""
    if tuple(arguments[:2]) in ONLY_IN_VERSION_2:
        return
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        create_clidriver().main([*arguments, "--endpoint-url", NOBODY])
    assert f'Could not connect to the endpoint URL: "{NOBODY}' in said.getvalue(), said.getvalue()


def sam(arguments: list[str], _: Path) -> None:
    """Lets the SAM CLI parse the options."""
    command, rest = sam_cli, list(arguments)
    context = click.Context(sam_cli, obj=Context())  # without an object, all commands are empty
    while isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0))
        assert command, arguments
    command.make_context(command.name, rest, parent=context)


def cargo(arguments: list[str], _: Path) -> None:
    """Lets `cargo lambda` parse the options."""
    assert arguments[0] == "lambda"
    program = Path(sys.executable).with_name("cargo-lambda")
    done = subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    packages = [arguments[at + 1] for at, word in enumerate(arguments) if word == "-p"]
    assert all((ROOT / package / "Cargo.toml").exists() for package in packages)


def terraform(arguments: list[str], folder: Path) -> None:
    """The folder and the command exist, and the variables are those of the example."""
    if arguments[0].startswith("-chdir="):
        assert list((folder / arguments.pop(0).removeprefix("-chdir=")).glob("*.tf"))
    command, *rest = arguments
    assert command in ("init", "apply", "destroy", "state")
    variables = [rest[at + 1].split("=")[0] for at, word in enumerate(rest) if word == "-var"]
    declared = re.findall(r'^variable "(\w+)"', (ROOT / "infra/terraform/example/main.tf").read_text(), re.MULTILINE)
    assert set(variables) <= set(declared)


def yogi(arguments: list[str], _: Path) -> None:
    """The command is described in the page for operators."""
    words = [word for word in arguments if not word.startswith("-") and word != "prod"]
    assert f"yogi {' '.join(words[:2])}" in (ROOT / "docs/OPERATIONS.md").read_text()


def npx(arguments: list[str], folder: Path) -> None:
    """Lets `osls` package with the parameters that are printed; a load test must at least be readable."""
    program, command, *rest = arguments
    if program == "artillery":
        assert yaml.safe_load((folder / rest[-1]).read_text())["scenarios"]
        return
    assert program == "osls" and command in ("deploy", "remove")
    service = serverless.copy(ROOT / "infra/serverless", folder / command)
    run = [service / "node_modules/.bin/osls", "package", *rest]
    environment = {**os.environ, "SLS_NOTIFICATIONS_MODE": "off"}
    done = subprocess.run(run, cwd=service, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


CHECKS = {"aws": aws, "sam": sam, "cargo": cargo, "terraform": terraform, "npx": npx, "yogi": yogi}


@pytest.mark.parametrize("block", blocks())
def test_every_command_is_one_that_its_tool_accepts(block, desk, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "example")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.chdir(desk)
    shutil.copytree(desk / "infra", tmp_path / "infra")
    calls = called(desk, blocks()[block])
    (desk / "keys.json").write_text("{}")  # the block that writes it removes it at its end
    for tool, *arguments in calls:
        if tool in CHECKS:
            CHECKS[tool](arguments, tmp_path)
