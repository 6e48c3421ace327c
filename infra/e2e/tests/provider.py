"""A model provider with Claude's and OpenAI's protocols, controlled by the test."""

import asyncio
import json

from aiohttp import web


class Provider:
    """Answers word by word, and records the requests."""

    def __init__(self, reply: str = "Period 3 is maths in room 12.", delay: float = 0.0):
        self.reply, self.delay = reply, delay
        self.calls: list[tuple[str, dict]] = []
        self.keys: list[str] = []
        self.broken: dict[str, int] = {}
        self.dies_after: int | None = None

    async def __aenter__(self) -> "Provider":
        app = web.Application()
        app.router.add_post("/v1/messages", self._claude)
        app.router.add_post("/v1/chat/completions", self._openai)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_) -> None:
        await self.runner.cleanup()

    async def _begin(self, name: str, key: str | None, request: web.Request):
        self.calls.append((name, await request.json()))
        self.keys.append(key or "")
        if status := self.broken.get(name):
            kind = "overloaded_error" if status == 529 else "api_error"
            return web.json_response({"type": "error", "error": {"type": kind, "message": "no"}}, status=status)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        return stream

    async def _words(self, stream: web.StreamResponse, write):
        for number, word in enumerate(self.reply.split(" ")):
            if self.dies_after is not None and number == self.dies_after:
                self.dies_after = None
                stream._req.transport.abort()
                return False
            await asyncio.sleep(self.delay)
            await write(word if number == 0 else " " + word)
        return True

    async def _claude(self, request: web.Request):
        stream = await self._begin("claude", request.headers.get("x-api-key"), request)
        if not isinstance(stream, web.StreamResponse) or isinstance(stream, web.Response):
            return stream

        async def event(kind: str, **data):
            await stream.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode())

        usage = {"input_tokens": 30, "output_tokens": 1}
        await event("message_start", message={"id": "m", "model": "claude-haiku-5-5", "usage": usage})
        await event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        write = lambda text: event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
        if await self._words(stream, write):
            await event("content_block_stop", index=0)
            await event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
            await event("message_stop")
        return stream

    async def _openai(self, request: web.Request):
        stream = await self._begin("openai", request.headers.get("Authorization"), request)
        if not isinstance(stream, web.StreamResponse) or isinstance(stream, web.Response):
            return stream

        async def chunk(**data):
            await stream.write(f"data: {json.dumps({'model': 'gpt-6-luna', **data})}\n\n".encode())

        write = lambda text: chunk(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}])
        if await self._words(stream, write):
            await chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
            await chunk(choices=[], usage={"prompt_tokens": 30, "completion_tokens": 9})
            await stream.write(b"data: [DONE]\n\n")
        return stream
