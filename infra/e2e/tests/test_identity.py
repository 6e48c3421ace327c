"""Ownership of sessions with external identity: JWT and IAM."""

import time

from botocore.credentials import Credentials
from client import Person
from identities import Issuer, Known, Signer
from provider import Provider

IAM = {"AuthMode": "AWS_IAM", "AllowAnonymous": "false"}


async def test_a_jwt_is_its_subjects_and_nobody_elses_sessions_can_be_reached(deploy):
    async with Issuer() as issuer, Provider() as provider, deploy(provider, issuer.parameters) as deployment:
        async with Known(deployment, issuer.token("ann")) as ann, Known(deployment, issuer.token("bob")) as bob:
            await begin(ann)
            assert (await ann.ask("What is in period 3?"))["result"]["text"] == provider.reply
            bob.session_id = ann.session_id
            await check_absent(bob)
            # Another token of the same subject is the same principal.
            async with Known(deployment, issuer.token("ann", jti="another")) as later:
                later.session_id = ann.session_id
                assert [turn["text"] for turn in await later.turns()] == [provider.reply]


async def test_a_token_that_proves_nothing_is_refused(deploy):
    async with Issuer() as issuer, Issuer() as stranger, deploy(None, issuer.parameters) as deployment:
        past, soon = int(time.time()) - 3600, int(time.time()) + 3600
        signed = issuer.token("ann")
        for token in (
            None,
            "nonsense",
            issuer.token("ann", exp=past),
            issuer.token("ann", nbf=soon),
            issuer.token("ann", aud="another"),
            issuer.token("ann", iss="https://elsewhere.example/"),
            stranger.token("ann", iss=issuer.name),
            signed[:-8] + "AAAAAAAA",
        ):
            async with Known(deployment, token) as caller:
                status, headers, problem = await caller.call("POST", "/chat", {"message": "Hello"})
                assert status == 401 and headers["Content-Type"] == "application/problem+json", (token, problem)
        assert not any(signed in line for line in deployment.output()), "no token is in a log"


async def test_a_user_of_iam_is_known_by_the_signature(deploy):
    async with Provider() as provider, deploy(provider, IAM) as deployment:
        async with Signer(deployment) as ann, Signer(deployment) as bob:
            await begin(ann)
            assert (await ann.ask("What is in period 3?"))["result"]["text"] == provider.reply
            bob.session_id = ann.session_id
            await check_absent(bob)
        forged = Credentials(ann.credentials.access_key, "another secret")
        async with Signer(deployment, forged) as thief:
            status, headers, _ = await thief.call("GET", f"/sessions/{ann.session_id}/turns")
            assert status == 403 and headers["Content-Type"] == "application/problem+json"
        async with Person(deployment) as nobody:
            status, _, problem = await nobody.call("POST", "/chat", {"message": "Hello"})
            assert (status, problem["status"]) == (403, 403)
        assert len(provider.calls) == 1


async def begin(person: Person) -> None:
    """Opens a session and its connection: no session token is issued, the ticket alone opens the connection."""
    status, _, body = await person.call("POST", "/sessions", {})
    assert status == 201 and "session_token" not in body, body
    person.session_id = body["session_id"]
    await person.connect(body["websocket"])


async def check_absent(stranger: Person) -> None:
    """For every call, somebody else's session does not exist."""
    base = f"/sessions/{stranger.session_id}"
    for method, path, body in (
        ("GET", f"{base}/turns", None),
        ("POST", f"{base}/tickets", None),
        ("POST", f"{base}/turns/1/feedback", {"rating": "up"}),
        ("DELETE", base, None),
    ):
        status, _, problem = await stranger.call(method, path, body)
        absent, _, none = await stranger.call(method, path.replace(stranger.session_id, "no-such"), body)
        assert (status, problem) == (absent, none), path
