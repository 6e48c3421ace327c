"""Shared fixtures: the project's files, and the template's models."""

from pathlib import Path

import pytest

from cases import CASES, FULL, PLAIN
from descriptions import sam, serverless, terraform
from descriptions.model import Model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def template() -> str:
    """The text of `template.yaml`."""
    return (ROOT / "template.yaml").read_text()


@pytest.fixture(scope="session")
def plain(template: str) -> Model:
    """The template's model for a first deployment."""
    return sam.parse(template, PLAIN)


@pytest.fixture(scope="session")
def full(template: str) -> Model:
    """The template's model with every option enabled."""
    return sam.parse(template, FULL)


@pytest.fixture(scope="session", params=CASES)
def either(request: pytest.FixtureRequest, template: str) -> Model:
    """The template's model in each of the cases."""
    return sam.parse(template, CASES[request.param])


@pytest.fixture(scope="session")
def osls() -> Path:
    """The service for `osls`, with its packages installed."""
    folder = ROOT / "infra/serverless"
    if not (folder / "node_modules/.bin/osls").exists():
        pytest.fail("osls is not installed: run `npm ci` in infra/serverless")
    return folder


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Terraform module, initialised."""
    folder = terraform.copy(ROOT, tmp_path_factory.mktemp("module"))
    try:
        terraform.initialise(folder)
    except terraform.Missing as missing:
        pytest.skip(str(missing))
    return folder


@pytest.fixture(scope="session")
def service(osls: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the service for `osls`."""
    return serverless.copy(osls, tmp_path_factory.mktemp("service"))
