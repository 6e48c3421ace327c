"""Runs the real function programs: the Lambda Runtime API, and one process for each execution environment."""

import asyncio
import json
import logging
import os
import signal
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from .deploy import Function
from .template import ACCOUNT, REGION

log = logging.getLogger("functions")
VERSION = "/2018-06-01/runtime"
#: How long Lambda waits for a function to start.
INIT_SECONDS = 10
#: The maximum size of a function's response, and of an event.
MAX_PAYLOAD = 6 * 1024 * 1024


@dataclass
class Result:
    """The result of an invocation."""

    payload: object = None
    error: dict | None = None


class Environment:
    """One execution environment: a process that asks for events, frozen while it has none."""

    def __init__(self, function: Function, program: Path, variables: dict[str, str], output: list[str]):
        self.function, self.program, self.variables, self.output = function, program, variables, output
        self.idle = asyncio.Event()
        self.jobs: asyncio.Queue = asyncio.Queue()
        self.answer: asyncio.Future | None = None
        self.init_error: dict | None = None
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=MAX_PAYLOAD + 1)
        app.router.add_get(VERSION + "/invocation/next", self._next)
        app.router.add_post(VERSION + "/invocation/{id}/response", self._response)
        app.router.add_post(VERSION + "/invocation/{id}/error", self._error)
        app.router.add_post(VERSION + "/init/error", self._init_error)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        variables = {**self.variables, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        self.process = await asyncio.create_subprocess_exec(
            str(self.program), env=variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        self.reading = asyncio.create_task(self._read())
        ready = asyncio.create_task(self.idle.wait())
        ended = asyncio.create_task(self.process.wait())
        await asyncio.wait({ready, ended}, timeout=INIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self.idle.is_set():
            await self.stop()
            raise StartFailed(self.init_error or {"errorType": "Runtime.ExitError", "errorMessage": "it did not start"})

    async def _read(self) -> None:
        async for line in self.process.stdout:
            self.output.append(line.decode(errors="replace").rstrip("\n"))

    async def _next(self, _: web.Request) -> web.Response:
        self.idle.set()
        self._signal(signal.SIGSTOP)
        event, deadline, trace = await self.jobs.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function.name}:live",
            "Lambda-Runtime-Trace-Id": trace,
        }
        return web.json_response(event, headers=headers)

    async def _response(self, request: web.Request) -> web.Response:
        self._finish(Result(payload=json.loads(await request.read() or b"null")))
        return web.Response(status=202)

    async def _error(self, request: web.Request) -> web.Response:
        self._finish(Result(error=json.loads(await request.read())))
        return web.Response(status=202)

    async def _init_error(self, request: web.Request) -> web.Response:
        self.init_error = json.loads(await request.read())
        return web.Response(status=202)

    def _finish(self, result: Result) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_result(result)

    def _signal(self, number: signal.Signals) -> None:
        if self.process and self.process.returncode is None:
            os.kill(self.process.pid, number)

    async def invoke(self, event: object, trace: str) -> Result:
        """Passes one event to the process, and kills it if it does not respond in time, as Lambda does."""
        self.idle.clear()
        self.answer = asyncio.get_running_loop().create_future()
        self._signal(signal.SIGCONT)
        await self.jobs.put((event, time.time() + self.function.timeout, trace))
        ended = asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait({self.answer, ended}, timeout=self.function.timeout, return_when=asyncio.FIRST_COMPLETED)
            if self.answer.done():
                return self.answer.result()
            what = "Runtime.ExitError" if ended.done() else "Sandbox.Timedout"
            await self.stop()
            return Result(error={"errorType": what, "errorMessage": what})
        finally:
            ended.cancel()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def stop(self) -> None:
        if self.alive:
            self.process.kill()
            await self.process.wait()
        await self.runner.cleanup()


class StartFailed(Exception):
    """A function did not start; contains what it reported to the Runtime API."""


@dataclass
class Functions:
    """The functions of a stack."""

    functions: dict[str, Function]
    programs: Path
    variables: dict[str, str]
    limit: int = 20
    output: dict[str, list[str]] = field(default_factory=dict)
    _free: dict[str, list[Environment]] = field(default_factory=dict)
    _all: dict[str, list[Environment]] = field(default_factory=dict)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def invoke(self, name: str, event: object, trace: str | None = None) -> Result:
        """Invokes a function in an environment that is free, or in a new one."""
        trace = trace or f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=1"
        async with self._slots.setdefault(name, asyncio.Semaphore(self.limit)):
            try:
                environment = await self._take(name)
            except StartFailed as failed:
                return Result(error=failed.args[0])
            result = await environment.invoke(event, trace)
            if environment.alive:
                self._free[name].append(environment)
            else:
                self._all[name].remove(environment)
            return result

    async def _take(self, name: str) -> Environment:
        free = self._free.setdefault(name, [])
        while free:
            environment = free.pop()
            if environment.alive:
                await environment.idle.wait()
                return environment
        function = self.functions[name]
        environment = Environment(function, self.programs / name.rsplit("-", 1)[1], self._environment(function), self.output.setdefault(name, []))
        await environment.start()
        self._all.setdefault(name, []).append(environment)
        return environment

    def _environment(self, function: Function) -> dict[str, str]:
        return {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # The proxy in front of moto identifies the role of a call by its key.
            "AWS_ACCESS_KEY_ID": function.name,
            "AWS_SECRET_ACCESS_KEY": "secret-of-" + function.name,
            "AWS_SESSION_TOKEN": "token-of-" + function.name,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            **function.environment,
            **self.variables,
        }

    def kill(self, name: str) -> int:
        """Kills every environment of a function, as a crash of the host would; returns how many there were."""
        alive = [environment for environment in self._all.get(name, []) if environment.alive]
        for environment in alive:
            environment.process.kill()
        return len(alive)

    async def stop(self) -> None:
        for environments in self._all.values():
            for environment in list(environments):
                await environment.stop()
