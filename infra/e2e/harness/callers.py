"""IAM users as callers: who signed a request, as API Gateway determines it."""

import secrets

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .template import ACCOUNT, REGION

PREFIX = "AWS4-HMAC-SHA256 "


class Callers:
    """The users' access keys."""

    def __init__(self):
        self.users: dict[str, Credentials] = {}

    def add(self) -> Credentials:
        """Creates a user with a key; the user's unique ID is derived from it."""
        credentials = Credentials("AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30))
        self.users[credentials.access_key] = credentials
        return credentials

    def who(self, request: web.Request, body: bytes) -> dict | None:
        """Returns the caller's identity; none if the signature is not that of a user."""
        given = request.headers["Authorization"]
        parts = dict(part.split("=", 1) for part in given.removeprefix(PREFIX).split(", "))
        key = parts["Credential"].split("/")[0]
        if key not in self.users or expected(self.users[key], request, body, parts) != parts["Signature"]:
            return None
        return {"userArn": f"arn:aws:iam::{ACCOUNT}:user/{key}", "user": f"AIDA{key}"}


def expected(credentials: Credentials, request: web.Request, body: bytes, parts: dict[str, str]) -> str:
    """Computes the signature that the caller should have sent."""
    headers = {name: request.headers.get(name, "") for name in parts["SignedHeaders"].split(";")}
    as_sent = AWSRequest(request.method, str(request.url), headers, body)
    as_sent.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = SigV4Auth(credentials, "execute-api", REGION)
    return signer.signature(signer.string_to_sign(as_sent, signer.canonical_request(as_sent)), as_sent)


def sign(credentials: Credentials, method: str, url: str, body: bytes) -> dict[str, str]:
    """Returns the headers of a signed request."""
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return dict(request.headers)
