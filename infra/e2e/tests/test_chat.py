"""People who chat through the deployed system."""

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
