"""One deployed stack: created on moto from the template, its functions running, its APIs open."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from .aws_gateway import AwsGateway
from .data_api import DataApi
from .deploy import Deployer
from .front import Front
from .mapping import EventSource, Sqs
from .runtime_api import Functions
from .template import expand

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "template.yaml"
PARAMETERS = {"AllowAnonymous": "true", "AllowedOrigins": "https://app.example.com"}


class Moto:
    """moto's server, a process of its own."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        program = Path(sys.executable).with_name("moto_server")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)], **quiet)
        for _ in range(300):
            try:
                urlopen(self.url + "/moto-api/data.json", timeout=2).read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("moto did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Deployment:
    """A running stack."""

    def __init__(self, moto: Moto, parameters: dict | None = None, variables: dict | None = None, dsn: str | None = None, **front):
        stage = "t" + secrets.token_hex(5)
        self.parameters = {**PARAMETERS, "Stage": stage, **(parameters or {})}
        self.variables, self.moto, self.dsn, self.front_settings = variables or {}, moto, dsn, front
        self.programs = Path(os.environ.get("CHATBOT_PROGRAMS", ROOT / "target" / "debug"))

    async def __aenter__(self) -> "Deployment":
        template = expand(TEMPLATE, self.parameters)
        self.stack = await asyncio.to_thread(Deployer(self.moto.url, template, self.parameters).create)
        self.data_api = DataApi(self.dsn)
        self.functions = Functions(self.stack.functions, self.programs, {})
        self.front = Front(self.stack, self.functions, **self.front_settings)
        self.aws = AwsGateway(self.stack, self.moto.url, self.data_api, self.front.connections)
        await self.aws.start()
        await self.front.start()
        stage = self.parameters["Stage"]
        # Names that DNS would resolve to AWS point at the harness; all other variables are the stack's.
        self.functions.variables = {
            "AWS_ENDPOINT_URL": self.aws.url,
            "CHATBOT_CONNECTIONS_URL": f"{self.aws.url}/{stage}",
            "CHATBOT_WEBSOCKET_URL": self.front.socket_url,
            **self.variables,
        }
        self.sqs = Sqs(self.moto.url)
        self.sources = [EventSource(mapping, self.sqs, self.functions) for mapping in self.stack.mappings]
        self.aws.sources = self.sources
        for source in self.sources:
            source.start()
        return self

    async def __aexit__(self, failure, *_) -> None:
        if failure is not None:
            print("\n".join(["what the functions wrote:", *self.output(), *self.aws.denied]), file=sys.stderr)
        for source in self.sources:
            await source.stop()
        await self.front.stop()
        await self.functions.stop()
        await self.aws.stop()
        await self.sqs.stop()

    @property
    def url(self) -> str:
        return self.front.url

    def function(self, role: str) -> str:
        """Returns the name of `ingress`, `worker` or `notifier` in this stack."""
        return next(name for name in self.stack.functions if name.endswith(role))

    def ref(self, logical_id: str) -> str:
        """Returns the name of a resource."""
        return self.stack.resolver.refs[logical_id]

    def output(self) -> list[str]:
        """Returns every line that the functions wrote."""
        return [line for lines in self.functions.output.values() for line in lines]
