"""API Gateway: the REST API and the WebSocket API of the stack, as the template defines them, within AWS's limits."""

import asyncio
import base64
import json
import re
import secrets
import time

from aiohttp import WSCloseCode, WSMsgType, web

from .callers import PREFIX, Callers
from .deploy import Stack
from .template import ACCOUNT, REGION

#: Source: "Amazon API Gateway quotas": a REST request 10 MB, a WebSocket message 128 KB, a frame 32 KB.
REST_BODY = 10 * 1024 * 1024
MESSAGE = 128 * 1024
FRAME = 32 * 1024
INTEGRATION_SECONDS = 29
#: A connection with this much unread data is too slow. A write would block at 64 KB; a push must not.
UNREAD = 32 * 1024
FUNCTION = re.compile(r"function:([^:/]+):live/invocations")
GATEWAY_RESPONSE = {404: "MISSING_AUTHENTICATION_TOKEN", 401: "UNAUTHORIZED", 403: "ACCESS_DENIED", 413: "REQUEST_TOO_LARGE", 502: "DEFAULT_5XX", 504: "INTEGRATION_TIMEOUT"}


class Front:
    """Both APIs of one stack, on one port: the REST API under its stage, the WebSocket API under `/socket/<stage>`."""

    def __init__(self, stack: Stack, functions, idle_seconds: float = 600, life_seconds: float = 7200):
        self.stack, self.functions = stack, functions
        self.idle_seconds, self.life_seconds = idle_seconds, life_seconds
        self.stage = stack.resolver.values["Stage"]
        api, = stack.of_type("AWS::ApiGateway::RestApi").values()
        self.paths = api["Body"]["paths"]
        responses = stack.of_type("AWS::ApiGateway::GatewayResponse").values()
        self.gateway_responses = {r["ResponseType"]: r for r in responses} or api["Body"].get("x-amazon-apigateway-gateway-responses", {})
        routes = stack.of_type("AWS::ApiGatewayV2::Route").values()
        self.routes = {route["RouteKey"]: route for route in routes}
        integrations = stack.resolver.template["Resources"]
        self.mock = {name.lower() for name, r in integrations.items() if r["Type"] == "AWS::ApiGatewayV2::Integration" and r["Properties"]["IntegrationType"] == "MOCK"}
        authorizer, = stack.of_type("AWS::ApiGatewayV2::Authorizer").values()
        self.authorizer = function_of(authorizer["AuthorizerUri"])
        self.identity = authorizer["IdentitySource"]
        proxies = [i for i in stack.of_type("AWS::ApiGatewayV2::Integration").values() if i["IntegrationType"] == "AWS_PROXY"]
        self.socket_function = function_of(proxies[0]["IntegrationUri"])
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.slow: set[str] = set()
        self.callers = Callers()
        self.frames = 0

    async def start(self) -> None:
        app = web.Application(client_max_size=REST_BODY + 1)
        app.router.add_get(f"/socket/{self.stage}", self._socket)
        app.router.add_route("*", f"/{self.stage}/{{path:.*}}", self._rest)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host = f"127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self.url, self.socket_url = f"http://{host}/{self.stage}", f"ws://{host}/socket/{self.stage}"

    async def stop(self) -> None:
        for socket in list(self.sockets.values()):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        await self.runner.cleanup()

    # The REST API

    async def _rest(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        resource, parameters = self._match(request.rel_url.raw_path[len(self.stage) + 1:])
        operation = self.paths.get(resource, {}).get(request.method.lower())
        if operation is None:
            return self._gateway_response(404)
        security = operation.get("security")
        signed = request.headers.get("Authorization", "").startswith(PREFIX)
        if security and not signed:
            # A call without a signature has the response of an unknown path.
            return self._gateway_response(404 if "Authorization" not in request.headers else 403)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._gateway_response(413)
        caller = self.callers.who(request, body) if security else {}
        if caller is None:
            return self._gateway_response(403)
        event = self._proxy_event(request, resource, path, parameters, body, caller)
        name = function_of(operation["x-amazon-apigateway-integration"]["uri"])
        try:
            result = await asyncio.wait_for(self.functions.invoke(name, event), INTEGRATION_SECONDS)
        except TimeoutError:
            return self._gateway_response(504)
        if result.error is not None or not isinstance(result.payload, dict) or "statusCode" not in result.payload:
            return self._gateway_response(502)
        return proxy_answer(result.payload)

    def _match(self, raw_path: str) -> tuple[str | None, dict[str, str]]:
        given = raw_path.strip("/").split("/")
        for resource in self.paths:
            wanted = resource.strip("/").split("/")
            if len(wanted) == len(given) and all(w == g or w.startswith("{") for w, g in zip(wanted, given)):
                return resource, {w[1:-1]: g for w, g in zip(wanted, given) if w.startswith("{")}
        return None, {}

    def _proxy_event(self, request, resource, path, parameters, body, caller) -> dict:
        headers, query = multiple(request.headers), multiple(request.query)
        try:
            text, encoded = body.decode(), False
        except UnicodeDecodeError:
            text, encoded = base64.b64encode(body).decode(), True
        identity = {"sourceIp": request.remote, "userAgent": request.headers.get("User-Agent"), "userArn": None, "user": None, "cognitoIdentityId": None}
        identity |= caller
        return {
            "resource": resource,
            "path": path,
            "httpMethod": request.method,
            "headers": last(headers),
            "multiValueHeaders": headers,
            "queryStringParameters": last(query) or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": {
                "resourcePath": resource, "httpMethod": request.method, "path": f"/{self.stage}{path}", "accountId": ACCOUNT,
                "stage": self.stage, "requestId": secrets.token_hex(16), "identity": identity, "apiId": "restapi",
                "requestTimeEpoch": now(), "protocol": "HTTP/1.1", "domainName": request.host,
            },
            "body": text if body else None,
            "isBase64Encoded": encoded,
        }

    def _gateway_response(self, status: int) -> web.Response:
        """Sends one of API Gateway's own responses, as defined by the template."""
        response = self.gateway_responses.get(GATEWAY_RESPONSE[status]) or self.gateway_responses["DEFAULT_5XX"]
        parameters = response.get("ResponseParameters") or response.get("responseParameters") or {}
        headers = {name.split("header.")[1]: value.strip("'") for name, value in parameters.items()}
        templates = response.get("ResponseTemplates") or response.get("responseTemplates")
        status = int(response.get("StatusCode") or response.get("statusCode") or status)
        body = templates["application/problem+json"].encode()
        return web.Response(status=status, body=body, headers={**headers, "Content-Type": "application/problem+json"})

    # The WebSocket API

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if "ticket" not in request.query:
            return web.Response(status=401)
        connection = secrets.token_urlsafe(12) + "="
        context = {"connectionId": connection, "stage": self.stage, "apiId": "websocketapi", "domainName": request.host, "connectedAt": now(), "identity": {"sourceIp": request.remote}}
        verdict = await self._authorize(request, context)
        if isinstance(verdict, int):
            return web.Response(status=verdict)
        assert self.routes["$connect"]["Target"].split("/")[1] in self.mock
        socket = web.WebSocketResponse(max_msg_size=MESSAGE)
        await socket.prepare(request)
        # Only now can data be pushed to it: an earlier push is a 410.
        self.sockets[connection] = socket
        context["authorizer"] = verdict
        try:
            await self._serve(socket, context)
        finally:
            del self.sockets[connection]
            if "$disconnect" in self.routes:
                await self.functions.invoke(self.socket_function, {"requestContext": facts("$disconnect", "DISCONNECT", context), "isBase64Encoded": False})
        return socket

    async def _authorize(self, request: web.Request, context: dict) -> dict | int:
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:websocketapi/{self.stage}/$connect"
        headers, query = multiple(request.headers), multiple(request.query)
        event = {
            "type": "REQUEST", "methodArn": arn, "headers": last(headers), "multiValueHeaders": headers,
            "queryStringParameters": last(query), "multiValueQueryStringParameters": query,
            "stageVariables": {}, "requestContext": facts("$connect", "CONNECT", context),
        }
        result = await self.functions.invoke(self.authorizer, event)
        if result.error is not None:
            return 401 if result.error.get("errorMessage") == "Unauthorized" else 500
        statement, = result.payload["policyDocument"]["Statement"]
        if statement["Effect"] != "Allow" or statement["Resource"] != arn:
            return 403
        stated = result.payload["context"]
        assert all(isinstance(value, (str, int, bool)) for value in stated.values()), "a context holds plain values only"
        return {**stated, "principalId": result.payload["principalId"], "integrationLatency": 1}

    async def _serve(self, socket: web.WebSocketResponse, context: dict) -> None:
        born = asyncio.get_running_loop().time()
        working: set[asyncio.Task] = set()
        while True:
            left = born + self.life_seconds - asyncio.get_running_loop().time()
            try:
                message = await socket.receive(timeout=min(self.idle_seconds, max(left, 0.001)))
            except TimeoutError:
                await socket.close(code=WSCloseCode.GOING_AWAY)
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if len(message.data) > FRAME:
                await socket.close(code=WSCloseCode.MESSAGE_TOO_BIG)
                return
            task = asyncio.create_task(self._message(message, context))
            working.add(task)
            task.add_done_callback(working.discard)

    async def _message(self, message, context: dict) -> None:
        binary = message.type == WSMsgType.BINARY
        route = "$default" if binary else self._route(message.data)
        body = base64.b64encode(message.data).decode() if binary else message.data
        context = {**facts(route, "MESSAGE", context), "messageId": secrets.token_hex(8)}
        await self.functions.invoke(self.socket_function, {"requestContext": context, "body": body, "isBase64Encoded": binary})

    def _route(self, text: str) -> str:
        try:
            kind = json.loads(text).get("type")
        except (ValueError, AttributeError):
            return "$default"
        return kind if kind in self.routes and not str(kind).startswith("$") else "$default"

    async def connections(self, request: web.Request, body: bytes) -> web.Response:
        """Serves `@connections`."""
        _, stage, _, connection = request.path.split("/", 3)
        connection = connection.replace("%3D", "=")
        socket = self.sockets.get(connection)
        if stage != self.stage:
            return _error(403, "ForbiddenException")
        if socket is None or socket.closed:
            return _error(410, "GoneException")
        if request.method == "DELETE":
            asyncio.create_task(socket.close(code=WSCloseCode.OK))
            return web.Response(status=204)
        if len(body) > MESSAGE:
            return _error(413, "PayloadTooLargeException")
        transport = socket._req.transport
        if connection in self.slow or (transport and transport.get_write_buffer_size() > UNREAD):
            return _error(429, "LimitExceededException")
        self.frames += 1
        await socket.send_str(body.decode())
        return web.Response(status=200)


def multiple(pairs) -> dict[str, list[str]]:
    """Returns all values of each name, as API Gateway passes them."""
    return {name: pairs.getall(name) for name in dict.fromkeys(pairs)}


def last(values: dict[str, list[str]]) -> dict[str, str]:
    """Returns the last value of each name, which API Gateway passes as the single value."""
    return {name: all_of_it[-1] for name, all_of_it in values.items()}


def now() -> int:
    """Returns the time in milliseconds."""
    return int(time.time() * 1000)


def facts(route: str, kind: str, context: dict) -> dict:
    """Returns the context that API Gateway adds to every WebSocket event."""
    request = secrets.token_urlsafe(9)
    stated = {"requestId": request, "extendedRequestId": request, "messageDirection": "IN", "requestTimeEpoch": now()}
    return {**context, **stated, "routeKey": route, "eventType": kind}


def function_of(uri: str) -> str:
    """Returns the function that an integration invokes through its alias."""
    found = FUNCTION.search(uri)
    if not found:
        raise ValueError(f"{uri} does not call the alias of a function")
    return found.group(1)


def proxy_answer(payload: dict) -> web.Response:
    """Converts a function's response as API Gateway does."""
    body = payload.get("body") or ""
    data = base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode()
    response = web.Response(status=payload["statusCode"], body=data)
    for name, value in (payload.get("headers") or {}).items():
        response.headers[name] = value
    for name, values in (payload.get("multiValueHeaders") or {}).items():
        response.headers.popall(name, None)
        for value in values:
            response.headers.add(name, value)
    return response


def _error(status: int, kind: str) -> web.Response:
    return web.json_response({"message": kind}, status=status, headers={"x-amzn-ErrorType": kind})
