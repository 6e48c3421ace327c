"""Callers with an external identity: an issuer of JWTs, and IAM users."""

import base64
import json
import time

from aiohttp import web
from client import Person
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from harness.callers import sign

AUDIENCE = "timetable"
KEY = "key-1"


class Issuer:
    """Signs tokens with ES256, and serves its keys."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())

    async def __aenter__(self) -> "Issuer":
        app = web.Application()
        app.router.add_get("/keys", self._keys)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self.name = self.url + "/"
        return self

    async def __aexit__(self, *_) -> None:
        await self.runner.cleanup()

    @property
    def parameters(self) -> dict[str, str]:
        return {"AuthMode": "JWT", "AllowAnonymous": "false", "JwtIssuer": self.name, "JwtAudience": AUDIENCE, "JwksUrl": self.url + "/keys"}

    async def _keys(self, _) -> web.Response:
        return web.json_response({"keys": [public(self.key)]})

    def token(self, subject: str, **claims) -> str:
        """Signs a token that is valid for an hour, unless the claims say otherwise."""
        header = {"alg": "ES256", "typ": "JWT", "kid": KEY}
        claims = {"iss": self.name, "aud": AUDIENCE, "sub": subject, "exp": int(time.time()) + 3600, **claims}
        signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


class Known(Person):
    """A user with a token of the issuer."""

    def __init__(self, deployment, token: str):
        super().__init__(deployment)
        self.token = token


class Signer(Person):
    """An IAM user, who signs each request."""

    def __init__(self, deployment, credentials=None):
        super().__init__(deployment)
        self.credentials = credentials or deployment.front.callers.add()

    async def call(self, method: str, path: str, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        signed = sign(self.credentials, method, self.deployment.url + path, data)
        async with self.http.request(method, self.deployment.url + path, data=data, headers={**signed, **headers}) as answer:
            text = await answer.text()
            return answer.status, answer.headers, json.loads(text) if text else None


def public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    point = {"x": encoded(numbers.x.to_bytes(32)), "y": encoded(numbers.y.to_bytes(32))}
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY, **point}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
