"""What the tests share: the project's files, and the template's models."""

from pathlib import Path

import pytest

from cases import CASES, FULL, PLAIN
from descriptions import sam
from descriptions.model import Model

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def template() -> str:
    """The text of `template.yaml`."""
    return (ROOT / "template.yaml").read_text()


@pytest.fixture(scope="session")
def plain(template: str) -> Model:
    """The template's model as a first deployment makes it."""
    return sam.parse(template, PLAIN)


@pytest.fixture(scope="session")
def full(template: str) -> Model:
    """The template's model with everything optional switched on."""
    return sam.parse(template, FULL)


@pytest.fixture(scope="session", params=CASES)
def either(request: pytest.FixtureRequest, template: str) -> Model:
    """The template's model, once plain and once full."""
    return sam.parse(template, CASES[request.param])
