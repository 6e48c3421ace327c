"""The RDS Data API in front of a real PostgreSQL: `ExecuteStatement` with named parameters."""

import asyncio
import json
import re
import secrets
import sys
from contextlib import asynccontextmanager

import psycopg
from aiohttp import web

#: The maximum response size. Source: "Using the Amazon RDS Data API".
LIMIT = 1024 * 1024
NAME = re.compile(r"('(?:[^']|'')*')|(::)|:([A-Za-z_][A-Za-z0-9_]*)")


class DataApi:
    """One database behind the Data API."""

    def __init__(self, dsn: str | None):
        self.dsn = dsn
        self.resuming = 0
        self.calls: list[dict] = []
        #: The connections of open transactions, by their IDs.
        self.transactions: dict[str, psycopg.AsyncConnection] = {}

    async def handle(self, operation: str, asked: dict) -> web.Response:
        """Answers a call by its operation, which is its path too."""
        if operation == "Execute":
            return await self.execute(asked)
        if operation == "BeginTransaction":
            if self.resuming > 0 or self.dsn is None:
                return await self.execute({"sql": "SELECT 1"})
            name = secrets.token_hex(8)
            self.transactions[name] = await psycopg.AsyncConnection.connect(self._dsn(asked))
            return web.json_response({"transactionId": name})
        connection = self.transactions.pop(asked.get("transactionId", ""), None)
        if connection is None:
            return _error("BadRequestException", "the transaction does not exist")
        async with connection:
            await (connection.commit() if operation == "CommitTransaction" else connection.rollback())
        return web.json_response({"transactionStatus": "done"})

    @asynccontextmanager
    async def connection(self, asked: dict):
        """Yields the connection that a statement runs on."""
        if "transactionId" in asked:
            yield self.transactions[asked["transactionId"]]
            return
        async with await psycopg.AsyncConnection.connect(self._dsn(asked), autocommit=True) as connection:
            yield connection

    def _dsn(self, asked: dict) -> str:
        """Returns the connection string for the login of a call's secret."""
        return self.dsn.replace("chatbot_reader", "chatbot_editor") if "editor" in asked["secretArn"] else self.dsn

    async def execute(self, asked: dict) -> web.Response:
        """Runs one statement."""
        self.calls.append({"sql": asked["sql"], "database": asked.get("database")})
        if self.resuming > 0:
            self.resuming -= 1
            return _error("DatabaseResumingException", "the database is resuming after being paused")
        if self.dsn is None:
            return _error("DatabaseNotFoundException", "there is no database")
        sql = NAME.sub(_placeholder, asked["sql"].replace("%", "%%"))
        values = {p["name"]: _value(p["value"]) for p in asked.get("parameters", [])}
        try:
            async with self.connection(asked) as connection:
                cursor = await connection.execute(sql, values)
                rows = await cursor.fetchall() if cursor.description else []
                names = [column.name for column in cursor.description or []]
        except (psycopg.Error, KeyError) as error:
            state = getattr(error, "sqlstate", None)
            return _error("DatabaseErrorException", f"ERROR: {error}; SQLState: {state}" if state else f"ERROR: {error}")
        answer = {"numberOfRecordsUpdated": 0, "generatedFields": []}
        if asked.get("formatRecordsAs") == "JSON":
            answer["formattedRecords"] = json.dumps([dict(zip(names, row)) for row in rows])
        else:
            answer["records"] = [[_field(value) for value in row] for row in rows]
            if asked.get("includeResultMetadata"):
                answer["columnMetadata"] = [{"name": name, "label": name} for name in names]
        if len(json.dumps(answer).encode()) > LIMIT:
            return _error("BadRequestException", "Database returned more than the allowed response size limit")
        return web.json_response(answer)


def _placeholder(found: re.Match) -> str:
    quoted, cast, name = found.groups()
    return quoted or cast or f"%({name})s"


def _value(value: dict):
    (kind, content), = value.items()
    return None if kind == "isNull" else content


def _field(value) -> dict:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    return {"longValue": value} if isinstance(value, int) else {"stringValue": str(value)}


def _error(kind: str, message: str) -> web.Response:
    return web.json_response({"message": message}, status=400, headers={"x-amzn-ErrorType": kind})


class Standalone(DataApi):
    """A server of its own with the schema of `infra/aurora`. The last part of a secret's ARN is the login."""

    def __init__(self, folder: str):
        super().__init__("")
        self.folder = folder
        self.idle: dict[str, list[psycopg.AsyncConnection]] = {}

    def _dsn(self, asked: dict) -> str:
        return f"host={self.folder} user={asked['secretArn'].rsplit(':', 1)[-1]} dbname={asked['database']}"

    @asynccontextmanager
    async def connection(self, asked: dict):
        if "transactionId" in asked:
            yield self.transactions[asked["transactionId"]]
            return
        # Connections are kept, as the Data API keeps its own.
        idle = self.idle.setdefault(self._dsn(asked), [])
        connection = idle.pop() if idle else await psycopg.AsyncConnection.connect(self._dsn(asked), autocommit=True)
        try:
            yield connection
        finally:
            idle.append(connection)


async def _serve(postgres) -> None:
    """Serves until standard input ends, which is when the program that started this one ends."""
    data_api = Standalone(postgres.folder)

    async def handle(request: web.Request) -> web.Response:
        return await data_api.handle(request.path.strip("/"), await request.json())

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/{operation}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"Running on http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Starts PostgreSQL and the Data API for the tests of `aws/`."""
    from .postgres import Postgres

    postgres = Postgres()
    try:
        asyncio.run(_serve(postgres))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
