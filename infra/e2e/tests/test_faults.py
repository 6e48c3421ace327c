"""Faults in the deployed system."""

import asyncio
import base64
import hashlib
import hmac
import json

import boto3
from client import ORIGIN, Person, refused
from provider import Provider


def aws(deployment, service):
    keys = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator"}
    return boto3.client(service, endpoint_url=deployment.moto.url, region_name="us-east-1", **keys)


async def eventually(wanted, seconds: float = 20):
    """Waits until a condition is true, and returns its value."""
    for _ in range(int(seconds * 20)):
        if found := await asyncio.to_thread(wanted):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def received(sqs, url: str) -> list[dict]:
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])


async def test_a_worker_that_is_killed_is_followed_by_another(deploy):
    async with Provider(reply="word " * 30, delay=0.1) as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        message = await ann.say("Hello")
        await ann.until(lambda event: event["type"] == "TEXT_MESSAGE_CONTENT")
        sqs, queue = aws(deployment, "sqs"), deployment.ref("RequestsQueue")
        assert deployment.functions.kill(deployment.function("worker")) == 1
        # The queue would make the message visible again after its timeout; the test does not wait for that.
        await eventually(lambda: shown_again(deployment, sqs, queue))
        final = await ann.final(message)
        assert final["metadata"]["gen"] == 2 and final["result"]["text"] == provider.reply
        assert len(await ann.turns()) == 1


def shown_again(deployment, sqs, queue: str) -> bool:
    receipts = [message["ReceiptHandle"] for source in deployment.sources for message in source.in_flight]
    for receipt in receipts:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    return bool(receipts)


async def test_a_poison_message_ends_in_the_dead_letters_and_its_redrive_is_absorbed(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        sqs = aws(deployment, "sqs")
        queue, dead = deployment.ref("RequestsQueue"), deployment.ref("RequestsDeadLetters")
        for _ in range(11):
            # Each receive is one of ten; the worker's own delays between them would take minutes.
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "900"})
        sqs.send_message(QueueUrl=queue, MessageGroupId="g", MessageDeduplicationId="d", MessageBody="not json")
        await eventually(lambda: hurry(deployment, sqs, queue) or letters(sqs, dead), 60)
        await ann.begin()
        await ann.ask("Others are answered meanwhile")
        letter, = letters(sqs, dead)
        assert letter["Body"] == "not json"
        assert not any("not json" in line for line in deployment.output())


def letters(sqs, url: str) -> list[dict]:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return found


def hurry(deployment, sqs, queue: str) -> None:
    for source in deployment.sources:
        for message in list(source.failed):
            source.failed.remove(message)
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


async def test_an_event_reaches_a_queue_that_a_rule_names(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        sqs, events = aws(deployment, "sqs"), aws(deployment, "events")
        target = sqs.create_queue(QueueName=deployment.parameters["Stage"] + "-analytics")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=target, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = deployment.ref("EventBus")
        events.put_rule(Name="analytics", EventBusName=bus, EventPattern=json.dumps({"source": ["learning-yogi.chatbot"]}))
        events.put_targets(Rule="analytics", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
        await ann.begin()
        await ann.ask("Hello")
        message, = await eventually(lambda: received(sqs, target))
        event = json.loads(message["Body"])
        assert event["detail-type"] == "Chat Message" and event["source"] == "learning-yogi.chatbot"
        detail = event["detail"]
        assert (detail["message_length"], detail["response_length"]) == (5, len(provider.reply))
        assert "response" not in detail and detail["provider"] == "claude"


async def test_a_reply_is_on_time_while_the_bus_is_away(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        deployment.aws.outages.add("events")
        await ann.begin()
        assert (await ann.ask("Hello"))["result"]["text"] == provider.reply


async def test_a_ticket_lets_in_once_and_only_from_an_allowed_page(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        status, _, body = await ann.call("POST", f"/sessions/{ann.session_id}/tickets")
        websocket = body.get("websocket", body)
        url = f"{websocket['url']}?ticket={websocket['ticket']}"
        assert status == 201
        assert await refused(ann, url, origin="https://evil.example") == 403
        await (await ann.http.ws_connect(url, origin=ORIGIN)).close()
        assert await refused(ann, url, origin=ORIGIN) == 401, "it was used"
        assert await refused(ann, websocket["url"] + "?ticket=forged", origin=ORIGIN) == 401
        assert await refused(ann, websocket["url"], origin=ORIGIN) == 401


async def test_a_ticket_that_has_run_out_lets_nobody_in(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        _, _, body = await ann.call("POST", f"/sessions/{ann.session_id}/tickets")
        url, ticket = body["websocket"]["url"], body["websocket"]["ticket"]
        assert body["websocket"]["expires_in"] == 30
        assert await refused(ann, f"{url}?ticket={older(deployment, ticket, 31)}", origin=ORIGIN) == 401
        # The expiry is rejected, not the signature; and a rejection does not use up the ticket.
        await (await ann.http.ws_connect(f"{url}?ticket={older(deployment, ticket, 1)}", origin=ORIGIN)).close()


def older(deployment, ticket: str, seconds: int) -> str:
    """Returns the ticket as if issued that long ago, signed with the stack's own key."""
    secret = aws(deployment, "secretsmanager").get_secret_value(SecretId=deployment.ref("SigningSecret"))["SecretString"]
    kind, payload, _ = ticket.split(".")
    stated = json.loads(base64.urlsafe_b64decode(payload + "=="))
    stated["c"]["e"] -= seconds * 1000
    signed = f"{kind}.{unpadded(json.dumps(stated).encode())}"
    return f"{signed}.{unpadded(hmac.digest(json.loads(secret)['key'].encode(), signed.encode(), hashlib.sha256))}"


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def test_a_missing_permission_is_a_clear_failure_and_an_unavailable_service(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        role = deployment.stack.functions[deployment.function("ingress")].role
        statements = deployment.stack.policies[role]
        statements[:] = [statement for statement in statements if statement["Sid"] != "Enqueue"]
        status, headers, problem = await ann.call("POST", "/chat", {"message": "Hello"})
        assert (status, headers["Retry-After"]) == (503, "2")
        assert problem["type"] == "urn:learning-yogi:chatbot:error:unavailable"
        assert "sqs:SendMessage" in deployment.aws.denied[0]
        assert any("AccessDenied" in line and "ERROR" in line for line in deployment.output())


async def test_a_missing_variable_stops_the_function_and_is_named(deploy):
    async with Provider() as provider, deploy(provider, variables={"CHATBOT_TABLE": ""}) as deployment, Person(deployment) as ann:
        status, headers, _ = await ann.call("GET", "/health")
        assert status in (500, 502, 503) and headers["Content-Type"] == "application/problem+json"
        result = await deployment.functions.invoke(deployment.function("worker"), {"task": "warm"})
        assert "CHATBOT_TABLE" in result.error["errorMessage"]


async def test_schedules_are_answered_and_odd_events_refused(deploy):
    async with Provider() as provider, deploy(provider) as deployment:
        for role in ("ingress", "worker", "notifier"):
            assert (await deployment.functions.invoke(deployment.function(role), {"task": "warm"})).error is None
            odd = await deployment.functions.invoke(deployment.function(role), {"secret-canary": "kept apart"})
            assert odd.error is not None and "canary" not in json.dumps(odd.error)
        (alias, event), = deployment.stack.schedules
        assert "notifier" in alias and event == {"task": "cleanup"}
        assert (await deployment.functions.invoke(deployment.function("notifier"), event)).error is None
        assert not any("canary" in line for line in deployment.output())


async def test_one_line_of_metrics_a_turn_and_nobodys_words_in_any_log(deploy):
    async with Provider(reply="canary-reply of the model") as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.ask("canary-message of a person")
        await eventually(lambda: [line for line in deployment.output() if '"_aws"' in line])
        metrics, = [json.loads(line) for line in deployment.output() if '"_aws"' in line]
        stage = deployment.parameters["Stage"]
        assert (metrics["stage"], metrics["provider"], metrics["Turns"], metrics["Errors"]) == (stage, "claude", 1, 0)
        assert metrics["OutputTokens"] == 9 and metrics["CostMicroUsd"] > 0
        secrets = ["canary", "key-of-claude", "key-of-openai", "secret-of-", "token-of-", ann.token]
        for line in deployment.output():
            assert not [secret for secret in secrets if secret in line], line


async def test_the_same_trace_runs_through_the_queues(deploy):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        await ann.begin()
        await ann.ask("Hello")
        sent = deployment.sources[0].traces + deployment.sources[1].traces
        assert len(sent) >= 2 and all(header.startswith("Root=1-") for header in sent)
