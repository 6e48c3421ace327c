"""Users chat through the deployed system."""

import asyncio
import json

from client import Person
from provider import Provider


async def test_an_answer_is_streamed_and_then_final(deploy):
    async with Provider(delay=0.15) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        message = await ann.say("What is in period 3?")
        final = await ann.final(message)
        assert final["result"]["text"] == provider.reply
        assert provider.reply.startswith(ann.text(message)) and ann.text(message)
        assert final["metadata"]["finishReason"] == "stop"
        assert [turn["text"] for turn in await ann.turns()] == [provider.reply]
        assert provider.keys == ["key-of-claude"]


async def test_the_second_turn_knows_the_first(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.ask("My name is Ann.")
        await ann.ask("What is my name?")
        _, asked = provider.calls[-1]
        # The block up to which the provider caches the conversation is a list with one element.
        said = [content if isinstance(content := message["content"], str) else content[0]["text"] for message in asked["messages"]]
        assert said == ["My name is Ann.", provider.reply, "What is my name?"]


async def test_a_lost_connection_loses_nothing(deploy):
    async with Provider(delay=0.2) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        message = await ann.say("What is in period 3?")
        await ann.until(lambda event: event["type"] == "TEXT_MESSAGE_CONTENT")
        await ann.leave()
        ann.events.clear()
        await ann.connect(after=0)
        final = await ann.final(message)
        assert final["result"]["text"] == provider.reply
        await ann.leave()
        ann.events.clear()
        await ann.connect(after=0)
        assert (await ann.final(message))["result"] == final["result"], "a later resume shows the same final"


async def test_a_stop_keeps_the_text_so_far(deploy):
    async with Provider(reply="word " * 200, delay=0.1) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        message = await ann.say("Never stop")
        await ann.until(lambda event: event["type"] == "TEXT_MESSAGE_CONTENT")
        status, _, _ = await ann.call("POST", f"/sessions/{ann.session_id}/stop", {"message_id": message})
        assert status == 202
        final = await ann.final(message)
        assert final["metadata"]["finishReason"] == "cancelled"
        turn, = await ann.turns()
        assert turn["kind"] == "cancelled" and turn["text"].startswith("word word")
        assert len(turn["text"]) < len(provider.reply)


async def test_a_repeated_post_is_one_turn_and_another_body_a_conflict(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.say("Hello", "m-1")
        await ann.say("Hello", "m-1")
        await ann.final("m-1")
        status, headers, problem = await ann.call("POST", "/chat", {"message": "Other", "message_id": "m-1", "session_id": ann.session_id})
        assert (status, problem["field"]) == (409, "message_id")
        assert headers["Content-Type"] == "application/problem+json"
        assert len(await ann.turns()) == 1 and len(provider.calls) == 1


async def test_messages_sent_at_once_are_answered_in_order(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        for number in range(5):
            await ann.say(f"Message {number}", f"m-{number}")
        await asyncio.gather(*(ann.final(f"m-{number}") for number in range(5)))
        assert [turn["message_id"] for turn in await ann.turns()] == [f"m-{number}" for number in range(5)]


async def test_another_provider_answers_when_one_is_away(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        provider.broken["claude"] = 529
        await ann.begin()
        await ann.ask("Hello")
        turn, = await ann.turns()
        assert (turn["provider"], turn["text"]) == ("openai", provider.reply)


async def test_a_provider_that_dies_in_the_middle_is_never_spliced(deploy):
    async with Provider(delay=0.1) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        provider.dies_after = 3
        await ann.begin()
        final = await ann.ask("Hello")
        assert final["result"]["text"] == provider.reply and final["metadata"]["gen"] == 2


async def test_the_document_comes_from_the_database_for_its_owner_only(deploy, postgres):
    cluster = {"AuroraMode": "existing", "AuroraClusterArn": CLUSTER, "AuroraSecretArn": SECRET}
    async with Provider() as provider, deploy(provider, cluster, dsn=postgres.dsn) as deployment, Person(deployment) as ann:
        deployment.data_api.resuming = 1  # it was paused, and is tried again
        await ann.begin()
        await ann.ask("What is in period 3?", context={"document_id": "class-7b"})
        assert "Science in room 4" in json.dumps(provider.calls[-1][1]["system"])
        await ann.ask("And this?", context={"document_id": "somebody-elses"})
        assert "nobody may read this" not in json.dumps(provider.calls[-1][1])
        assert [turn["context"] for turn in await ann.turns()] == ["used", "unavailable"]


CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:documents"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:documents-reader"


async def test_a_deleted_session_leaves_nothing_but_a_marker(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.ask("Hello")
        status, _, _ = await ann.call("DELETE", f"/sessions/{ann.session_id}")
        assert status == 204
        status, _, _ = await ann.call("GET", f"/sessions/{ann.session_id}/turns")
        assert status == 404
