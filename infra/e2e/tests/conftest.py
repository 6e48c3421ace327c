"""One moto for all tests; each test deploys its own stack."""

import sys
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.deployment import Deployment, Moto  # noqa: E402
from harness.postgres import Postgres  # noqa: E402


@pytest.fixture(scope="session")
def moto():
    server = Moto()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    with psycopg.connect(server.admin) as connection:
        row = "INSERT INTO documents (id, title, content, owner, version) VALUES (%s, %s, %s, %s, '1')"
        connection.execute(row, ("class-7b", "Class 7B", "Tuesday, period 3: Science in room 4", None))
        connection.execute(row, ("somebody-elses", "Private", "nobody may read this", "anon:somebody"))
    yield server
    server.stop()


@pytest.fixture
def deploy(moto):
    """Returns a function that deploys a stack; `provider` is the URL of both providers."""

    def make(provider=None, parameters=None, variables=None, **more) -> Deployment:
        parameters = {"AnthropicApiKey": "key-of-claude", "OpenAiApiKey": "key-of-openai", **(parameters or {})}
        if provider is not None:
            parameters |= {"AnthropicBaseUrl": provider.url, "OpenAiBaseUrl": provider.url + "/v1"}
        return Deployment(moto, parameters, variables, **more)

    return make
