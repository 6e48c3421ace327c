"""The event source mapping: receives from a FIFO queue on moto, invokes the function, and deletes the messages that did not fail.

moto hands out no other message of a group while one is in flight, as SQS does. After a batch of several messages of
one group times out it loses their order; the stories let no such batch time out.
"""

import asyncio
import json
import logging

from aiohttp import ClientSession

from .deploy import Mapping
from .template import REGION

log = logging.getLogger("mapping")
#: The longest pause after an empty receive. A function's call to a queue ends it, and so does a finished message.
#: Lambda uses long polling instead, which would block moto's threads.
EMPTY = 0.25
#: The message attributes in Lambda's event.
ATTRIBUTES = ["All"]


class Sqs:
    """A minimal client of moto's queues."""

    def __init__(self, moto: str):
        self.moto = moto
        self.session = ClientSession()

    async def call(self, operation: str, **request):
        headers = {
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=mapping/20261127/{REGION}/sqs/aws4_request",
        }
        async with self.session.post(self.moto, data=json.dumps(request), headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"{operation}: {text}")
            return json.loads(text or "{}")

    async def stop(self) -> None:
        await self.session.close()


class EventSource:
    """A running event source mapping."""

    def __init__(self, mapping: Mapping, sqs: Sqs, functions):
        self.mapping, self.sqs, self.functions = mapping, sqs, functions
        self.slots = asyncio.Semaphore(mapping.concurrency)
        self.busy: set[asyncio.Task] = set()
        self.in_flight: list[dict] = []
        self.failed: list[dict] = []
        self.traces: list[str] = []
        self.news = asyncio.Event()

    def start(self) -> None:
        self.polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        self.polling.cancel()
        for task in list(self.busy):
            task.cancel()
        await asyncio.gather(self.polling, *self.busy, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            await self.slots.acquire()
            # Before the call, so that changes during the call are not missed.
            self.news.clear()
            try:
                received = await self.sqs.call(
                    "ReceiveMessage",
                    QueueUrl=self.mapping.queue_url,
                    MaxNumberOfMessages=self.mapping.batch_size,
                    AttributeNames=ATTRIBUTES,
                    MessageSystemAttributeNames=ATTRIBUTES,
                )
            except BaseException:
                self.slots.release()
                raise
            messages = received.get("Messages", [])
            if not messages:
                self.slots.release()
                await self._pause()
                continue
            task = asyncio.create_task(self._work(messages))
            self.busy.add(task)
            task.add_done_callback(self._done)

    async def _pause(self) -> None:
        news = asyncio.create_task(self.news.wait())
        try:
            # Not `wait_for`, which may swallow a cancellation that arrives at the same time.
            await asyncio.wait({news}, timeout=EMPTY)
        finally:
            news.cancel()

    def _done(self, task: asyncio.Task) -> None:
        self.busy.discard(task)
        self.slots.release()
        if not task.cancelled() and task.exception():
            log.error("a batch failed", exc_info=task.exception())

    async def _work(self, messages: list[dict]) -> None:
        event = {"Records": [record(message, self.mapping.queue_arn) for message in messages]}
        self.in_flight += messages
        self.traces += [header for message in messages if (header := message["Attributes"].get("AWSTraceHeader"))]
        result = await self.functions.invoke(self.mapping.function, event)
        if result.error is not None:
            log.info("%s failed: %s", self.mapping.function, result.error.get("errorType"))
            self.failed += messages
            return
        failed = set()
        if self.mapping.partial:
            failed = {failure["itemIdentifier"] for failure in (result.payload or {}).get("batchItemFailures", [])}
        for message in messages:
            if message["MessageId"] in failed:
                self.failed.append(message)
            else:
                self.in_flight.remove(message)
                await self.sqs.call("DeleteMessage", QueueUrl=self.mapping.queue_url, ReceiptHandle=message["ReceiptHandle"])
                self.news.set()


def record(message: dict, arn: str) -> dict:
    """Converts a message to Lambda's format."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }
