"""The RDS Data API in front of a real PostgreSQL: `ExecuteStatement` with named parameters."""

import json
import re

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
            async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
                cursor = await connection.execute(sql, values)
                rows = await cursor.fetchall() if cursor.description else []
                names = [column.name for column in cursor.description or []]
        except (psycopg.Error, KeyError) as error:
            return _error("DatabaseErrorException", f"ERROR: {error}")
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
