"""Runs the one-machine stories on AWS: deploys a stack for each of them, where they would start a server.

A story connects, sends one line of JSON, `{"variables": {…}, "documents": […] or null}`, and reads one line, `{"base": …}`.
The stack lives as long as the connection.
"""

import asyncio
import json

from .deployment import ROOT, TEMPLATE, Deployment, Moto
from .postgres import Postgres
from .template import read

SCHOOL = ROOT / "local" / "school" / "documents.json"
#: Keys are in a secret, not in variables.
KEYS = {"ANTHROPIC_API_KEY": "AnthropicApiKey", "OPENAI_API_KEY": "OpenAiApiKey"}
#: Defaults of a one-machine server that differ from those of a deployment.
VARIABLES = {
    # Clients may wait for an answer over HTTP; on AWS that is off, because waiting is billed.
    "CHATBOT_MAX_WAIT_SECONDS": "20",
}
DOCUMENTS = {
    "AuroraMode": "existing",
    "AuroraClusterArn": "arn:aws:rds:us-east-1:123456789012:cluster:documents",
    "AuroraSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:documents-reader",
}


class Home:
    """Listens for stories."""

    def __init__(self, moto: Moto, postgres: Postgres):
        self.moto, self.postgres = moto, postgres
        self.parameter_of = parameters_of_variables()
        self.deploying = asyncio.Lock()
        self.school: str | None = None
        self.stories: set[asyncio.Task] = set()

    async def __aenter__(self) -> "Home":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self.server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()
        await asyncio.gather(*self.stories)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        story = asyncio.current_task()
        self.stories.add(story)
        story.add_done_callback(self.stories.discard)
        try:
            asked = json.loads(await reader.readline())
            # One at a time: the clients that create a stack share a session that is not thread-safe.
            async with self.deploying:
                deployment = await asyncio.to_thread(self._deployment, asked)
                await deployment.__aenter__()
        except Exception as error:  # noqa: BLE001 - whatever it is, the story that waits for it has to be told
            await answer(writer, {"error": repr(error)})
            return
        try:
            await answer(writer, {"base": deployment.url})
            await reader.read()
        finally:
            await deployment.__aexit__(None)
            writer.close()

    def _deployment(self, asked: dict) -> Deployment:
        parameters, variables = self.split(asked["variables"])
        dsn = self._documents(asked["documents"])
        return Deployment(self.moto, {**DOCUMENTS, **parameters}, variables, dsn)

    def split(self, asked: dict[str, str]) -> tuple[dict, dict]:
        """Splits a server's settings into template parameters, and variables without a parameter."""
        known = {name: value for name, value in asked.items() if name in self.parameter_of}
        parameters = {self.parameter_of[name]: value for name, value in known.items()}
        return parameters, {**VARIABLES, **{name: value for name, value in asked.items() if name not in known}}

    def _documents(self, asked: list[dict] | None) -> str:
        if asked is not None:
            return self.postgres.database(asked)
        if self.school is None:
            self.school = self.postgres.database(json.loads(SCHOOL.read_text()))
        return self.school


def parameters_of_variables() -> dict[str, str]:
    """Maps each function variable to the template parameter that sets it."""
    template = json.loads(read(TEMPLATE))
    found = dict(KEYS)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            variables = resource["Properties"].get("Environment", {}).get("Variables", {})
            refs = {name: value["Ref"] for name, value in variables.items() if isinstance(value, dict) and "Ref" in value}
            found |= {name: ref for name, ref in refs.items() if ref in template["Parameters"]}
    return found


async def answer(writer: asyncio.StreamWriter, message: dict) -> None:
    """Writes one line."""
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()
    if "error" in message:
        writer.close()
