"""A proxy between the functions and moto: enforces each role's policy, counts the calls, serves what moto lacks."""

import fnmatch
import json
import re
from collections import Counter

from aiohttp import ClientSession, web

from .deploy import Stack
from .template import ACCOUNT, REGION

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
#: moto's timestamps of log lines have a fraction, CloudWatch's are whole milliseconds.
FRACTION = re.compile(rb'("timestamp": \d+)\.\d+')
TRANSACT = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


class AwsGateway:
    """The proxy of one stack."""

    def __init__(self, stack: Stack, moto: str, data_api, connections):
        self.stack, self.moto, self.data_api, self.connections = stack, moto, data_api, connections
        self.calls: Counter = Counter()
        self.write_units = 0
        self.index_writes = 0
        self.denied: list[str] = []
        self.outages: set[str] = set()
        #: Called after each call to a queue.
        self.sources: list = []

    async def start(self) -> None:
        self.session = ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        await self.session.close()
        await self.runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        found = CREDENTIAL.search(request.headers.get("Authorization", ""))
        if not found:
            return _error(403, "MissingAuthenticationTokenException", "the call is not signed")
        caller, service = found.groups()
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").rsplit(".", 1)[-1] or request.path.strip("/")
        if service == "execute-api":
            operation = request.method
        self.calls[service, operation] += 1
        if f"{service}:{operation}" in self.outages or service in self.outages:
            return _error(500, "InternalServerError", "an outage of the test's own")
        for action, resource, context in needed(service, operation, request, body):
            if not allowed(self._statements(caller), action, resource, context):
                self.denied.append(f"{caller}: {action} on {resource}")
                return _error(403 if service == "execute-api" else 400, "AccessDeniedException", f"not authorized to perform: {action}")
        if service == "execute-api":
            return await self.connections(request, body)
        if service == "rds-data":
            return await self.data_api.handle(operation, json.loads(body))
        if service == "dynamodb":
            self._count_writes(operation, json.loads(body))
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        async with self.session.request(request.method, self.moto + request.path_qs, data=body, headers=headers) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() in ("content-type", "x-amzn-requestid", "x-amz-crc32")}
            if service == "sqs":
                for source in self.sources:
                    source.news.set()
            said = await answer.read()
            if service == "logs":
                said = FRACTION.sub(rb"\1", said)
            return web.Response(status=answer.status, body=said, headers=kept)

    def _statements(self, caller: str) -> list[dict]:
        """Returns the permissions of a function's role, or of the policy that a user is named after, if any."""
        function = self.stack.functions.get(caller)
        return self.stack.policies.get(function.role if function else caller, [])

    def _count_writes(self, operation: str, request: dict) -> None:
        if operation == "TransactWriteItems":
            self.write_units += 2 * len(request["TransactItems"])
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            self.write_units += 1


def needed(service: str, operation: str, request: web.Request, body: bytes):
    """Yields what a call requires: action, resource, and the keys for conditions."""
    if service == "execute-api":
        api = "websocketapi"
        yield "execute-api:ManageConnections", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}{stage_path(request)}", {}
        return
    asked = json.loads(body or b"{}")
    if service == "dynamodb":
        table = lambda name: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
        if operation == "TransactWriteItems":
            for item in asked["TransactItems"]:
                (kind, action), = item.items()
                yield f"dynamodb:{TRANSACT[kind]}", table(action["TableName"]), {}
        elif operation == "BatchWriteItem":
            for name in asked["RequestItems"]:
                yield "dynamodb:BatchWriteItem", table(name), {}
        else:
            index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
            yield f"dynamodb:{operation}", table(asked["TableName"]) + index, {}
    elif service == "sqs":
        yield f"sqs:{operation}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{asked['QueueUrl'].rsplit('/', 1)[1]}", {}
    elif service == "secretsmanager":
        yield f"secretsmanager:{operation}", asked["SecretId"], {}
    elif service == "ssm":
        yield f"ssm:{operation}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{asked['Name']}", {}
    elif service == "events":
        for entry in asked["Entries"]:
            bus = entry["EventBusName"].rsplit("/", 1)[-1]
            yield "events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{bus}", {"events:source": entry["Source"]}
    elif service == "logs":
        yield f"logs:{operation}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{asked['logGroupName']}:*", {}
    elif service == "rds-data":
        yield f"rds-data:{'ExecuteStatement' if operation == 'Execute' else operation}", asked["resourceArn"], {}
        yield "secretsmanager:GetSecretValue", asked["secretArn"], {}
    else:
        raise ValueError(f"a call of {service} was not expected")


def stage_path(request: web.Request) -> str:
    """Returns `/<stage>/<METHOD>/@connections/<id>`, as in the resource of a policy."""
    _, stage, rest = request.path.split("/", 2)
    return f"/{stage}/{request.method}/{rest}"


def allowed(statements: list[dict], action: str, resource: str, context: dict) -> bool:
    """Returns whether a statement allows the action on the resource."""
    for statement in statements:
        actions, resources = _list(statement["Action"]), _list(statement["Resource"])
        if action in actions and any(fnmatch.fnmatchcase(resource, pattern) for pattern in resources):
            wanted = statement.get("Condition", {}).get("StringEquals", {})
            if all(context.get(key) == value for key, value in wanted.items()):
                return statement["Effect"] == "Allow"
    return False


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def _error(status: int, kind: str, message: str) -> web.Response:
    headers = {"x-amzn-ErrorType": kind}
    return web.json_response({"__type": kind, "message": message}, status=status, headers=headers)
