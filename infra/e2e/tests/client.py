"""A user of the deployed APIs, who relies on the contract alone: HTTP, WebSocket, the client rule."""

import asyncio
import json

from aiohttp import ClientSession, WSServerHandshakeError

PATIENCE = 30
ORIGIN = "https://app.example.com"


class Person:
    """A principal with one session and one connection."""

    def __init__(self, deployment, session_id: str | None = None):
        self.deployment, self.session_id, self.token, self.socket = deployment, session_id, None, None
        self.events: list[dict] = []

    async def __aenter__(self) -> "Person":
        self.http = ClientSession()
        return self

    async def __aexit__(self, *_) -> None:
        if self.socket is not None:
            await self.leave()
        await self.http.close()

    async def call(self, method: str, path: str, body=None, **headers):
        """Makes a call; returns status, headers and parsed body."""
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        async with self.http.request(method, self.deployment.url + path, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, answer.headers, json.loads(text) if text else None

    async def begin(self) -> None:
        """Opens a session and its connection."""
        status, _, body = await self.call("POST", "/sessions", {"session_id": self.session_id} if self.session_id else {})
        assert status == 201, body
        self.session_id, self.token = body["session_id"], body["session_token"]
        await self.connect(body["websocket"])

    async def connect(self, websocket: dict | None = None, after: int = 0) -> None:
        """Opens a connection with the given or a new ticket, and resumes."""
        if websocket is None:
            status, _, body = await self.call("POST", f"/sessions/{self.session_id}/tickets")
            assert status == 201, body
            websocket = body["websocket"] if "websocket" in body else body
        self.socket = await self.http.ws_connect(f"{websocket['url']}?ticket={websocket['ticket']}", origin=ORIGIN)
        self.reading = asyncio.create_task(self._read())
        await self.socket.send_json({"type": "resume", "after": after})
        await self.until(lambda event: event.get("name") == "chat.resumed")

    async def leave(self) -> None:
        """Closes the socket."""
        await self.socket.close()
        await self.reading
        self.socket = None

    async def _read(self) -> None:
        async for message in self.socket:
            self.events.append(json.loads(message.data))

    async def say(self, message: str, message_id: str | None = None, **more) -> str:
        """Sends a message; returns its id."""
        body = {"message": message, "session_id": self.session_id, **more}
        if message_id:
            body["message_id"] = message_id
        status, headers, body = await self.call("POST", "/chat", body)
        assert status == 202, body
        assert headers["Location"] == f"sessions/{self.session_id}/turns"
        return body["message_id"]

    async def final(self, message_id: str) -> dict:
        """Waits for the final of a message."""
        def is_final(event: dict) -> bool:
            run = event.get("runId") or event.get("metadata", {}).get("messageId")
            return event["type"] in ("RUN_FINISHED", "RUN_ERROR") and run == message_id

        return await self.until(is_final)

    async def ask(self, message: str, **more) -> dict:
        """Sends a message and waits for its final."""
        return await self.final(await self.say(message, **more))

    async def until(self, wanted) -> dict:
        """Waits for an event."""
        seen = 0

        async def wait() -> dict:
            nonlocal seen
            while True:
                for event in self.events[seen:]:
                    seen += 1
                    if wanted(event):
                        return event
                await asyncio.sleep(0.01)

        return await asyncio.wait_for(wait(), PATIENCE)

    async def turns(self) -> list[dict]:
        """Returns the history."""
        status, _, body = await self.call("GET", f"/sessions/{self.session_id}/turns?after=0")
        assert status == 200, body
        return body["turns"]

    def text(self, message_id: str) -> str:
        """Returns the provisional text of a message's last generation, by the client rule."""
        text, generation = "", 0
        for event in self.events:
            if event["type"] != "TEXT_MESSAGE_CONTENT" or not event["messageId"].startswith(message_id + "."):
                continue
            gen, offset = event["metadata"]["gen"], event["metadata"]["offset"]
            if gen > generation:
                text, generation = "", gen
            if gen == generation and offset == len(text):
                text += event["delta"]
        return text


async def refused(person: Person, url: str, **options) -> int:
    """Returns the status with which a connection is rejected."""
    try:
        await person.http.ws_connect(url, **options)
    except WSServerHandshakeError as error:
        return error.status
    raise AssertionError("the socket was let in")
