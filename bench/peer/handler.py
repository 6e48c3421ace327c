"""A chatbot as one synchronous Python function, for comparison in the benchmark of the functions.

It does the minimum with the official clients: it answers a message, stores nothing, and sends one analytics event.
"""

import json
import os

import boto3
import openai
from anthropic import Anthropic

events = boto3.client("events")
claude = Anthropic(api_key=os.environ["ANTHROPIC_API_KEY"], base_url=os.environ.get("ANTHROPIC_BASE_URL"))
gpt = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"], base_url=os.environ.get("OPENAI_BASE_URL"))


def handle(event, context):
    """Answers one request of a REST API."""
    body = json.loads(event["body"])
    text = reply(body)
    detail = {"session_id": body.get("session_id"), "message_length": len(body["message"]), "response_length": len(text)}
    entry = {"Source": "learning-yogi.chatbot", "DetailType": "Chat Message", "Detail": json.dumps(detail)}
    events.put_events(Entries=[entry])
    answer = {"response": text, "session_id": body.get("session_id") or context.aws_request_id}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(answer)}


def reply(body):
    """Streams one reply and returns it whole."""
    system = "You are a helpful assistant for timetables."
    messages = [{"role": "user", "content": body["message"]}]
    if body.get("provider") == "openai":
        chat = gpt.chat.completions.create(
            model=os.environ["CHATBOT_OPENAI_MODEL"],
            messages=[{"role": "system", "content": system}, *messages],
            stream=True,
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chat if chunk.choices)
    model = os.environ["CHATBOT_CLAUDE_MODEL"]
    with claude.messages.stream(model=model, max_tokens=1024, system=system, messages=messages) as stream:
        return "".join(stream.text_stream)
