"""One moto for all stories; each story deploys a stack of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.deployment import Deployment, Moto  # noqa: E402


@pytest.fixture(scope="session")
def moto():
    server = Moto()
    yield server
    server.stop()


@pytest.fixture
def deploy(moto):
    """Returns what makes a deployment; `provider` is where both providers are."""

    def make(provider=None, parameters=None, variables=None, **more) -> Deployment:
        parameters = {"AnthropicApiKey": "key-of-claude", "OpenAiApiKey": "key-of-openai", **(parameters or {})}
        if provider is not None:
            parameters |= {"AnthropicBaseUrl": provider.url, "OpenAiBaseUrl": provider.url + "/v1"}
        return Deployment(moto, parameters, variables, **more)

    return make
