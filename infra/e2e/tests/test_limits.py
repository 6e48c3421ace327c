"""The stand-ins enforce AWS's limits, so that nothing passes here that API Gateway would reject."""

import asyncio

from client import Person
from provider import Provider


async def push(deployment, person, connection: str, body: str = "{}", stage: str | None = None, method: str = "POST") -> int:
    """Calls `@connections` as the notifier does; returns the status."""
    name = deployment.function("notifier")
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={name}/20261127/us-east-1/execute-api/aws4_request"}
    url = f"{deployment.aws.url}/{stage or deployment.parameters['Stage']}/@connections/{connection}"
    async with person.http.request(method, url, data=body, headers=signed) as answer:
        return answer.status


async def test_a_push_is_refused_as_the_gateway_refuses_it(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        connection, = deployment.front.sockets
        assert await push(deployment, ann, connection) == 200
        assert await push(deployment, ann, "gone=") == 410
        assert await push(deployment, ann, connection, "x" * (128 * 1024 + 1)) == 413
        assert await push(deployment, ann, connection, stage="other") == 403, "the role names its own stage"
        deployment.front.slow.add(connection)
        assert await push(deployment, ann, connection) == 429
        assert await push(deployment, ann, connection, method="DELETE") == 204
        await asyncio.wait_for(ann.reading, 5)
        assert await push(deployment, ann, connection) == 410


async def test_a_frame_over_32_kb_ends_the_connection(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.socket.send_str("x" * (32 * 1024 + 1))
        await asyncio.wait_for(ann.reading, 5)
        assert ann.socket.close_code == 1009


async def test_a_silent_connection_and_an_old_one_are_cut(deploy):
    for limits in ({"idle_seconds": 0.5}, {"life_seconds": 0.5}):
        async with Provider() as provider, deploy(provider, **limits) as deployment, Person(deployment) as ann:
            await ann.begin()
            await asyncio.wait_for(ann.reading, 5)
            assert ann.socket.close_code == 1001


async def test_an_answer_is_whole_although_every_connection_is_slow(deploy):
    async with Provider(delay=0.05) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        deployment.front.slow.update(deployment.front.sockets)
        message = await ann.say("Hello")
        await asyncio.wait_for(ann.reading, 20)
        ann.events.clear()
        deployment.front.slow.clear()
        await ann.connect(after=0)
        assert (await ann.final(message))["result"]["text"] == provider.reply


async def test_what_no_function_answers_is_a_problem_with_cors(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        status, headers, problem = await ann.call("GET", "/nowhere")
        assert (status, problem["status"]) == (404, 404)
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        async with ann.http.post(deployment.url + "/chat", data=b"x" * (10 * 1024 * 1024 + 1)) as answer:
            assert answer.status == 413
        async with ann.http.post(deployment.url + "/chat", data=b"{" + b" " * 70_000 + b"}", headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 413, "ingress takes 64 KB"


async def test_a_binary_frame_is_answered_as_malformed(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.socket.send_bytes(b"\x00\x01")
        error = await ann.until(lambda event: event.get("name") == "chat.error")
        assert error["value"]["code"] == "malformed_frame"
        assert not ann.socket.closed
