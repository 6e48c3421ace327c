"""Operating the deployed system: the same commands as on one machine, with no more than the stack's policy."""

import json

import pytest
from client import Person
from provider import Provider
from test_faults import aws, eventually
from yogi import Yogi


@pytest.fixture
def questions(tmp_path):
    """Twelve messages in three sessions."""
    file = tmp_path / "questions.jsonl"
    lines = [{"message": f"Question {n}", "session_id": f"s{n % 3}", "message_id": f"m{n}"} for n in range(12)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


async def test_a_batch_is_answered_once_and_its_answers_are_compared(deploy, tmp_path, questions):
    async with Provider() as provider, deploy(provider) as deployment:
        yogi = Yogi(deployment, tmp_path)
        await yogi("batch", "run", str(questions), "--out", "answers.jsonl")
        answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
        assert sorted(answer["message_id"] for answer in answers) == sorted(f"m{n}" for n in range(12))
        assert {(answer["kind"], answer["text"]) for answer in answers} == {("reply", provider.reply)}
        await yogi("batch", "run", str(questions), "--out", "answers.jsonl")
        assert len(provider.calls) == 12, "the same command again sends nothing twice"

        provider.reply = "Room 12, period 3."
        await yogi("replay", "--from", "answers.jsonl", "--provider", "openai", "--out", "compared")
        report = (tmp_path / "compared" / "report.html").read_text()
        assert "Room 12, period 3." in report and "Period 3 is maths in room 12." in report
        assert {name for name, _ in provider.calls[12:]} == {"openai"}


async def test_questions_are_scored_and_a_months_cost_is_told(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment:
        yogi = Yogi(deployment, tmp_path)
        asked = [{"question": "Where is maths?", "facts": ["room 12"]}, {"question": "And history?", "facts": ["room 7"]}]
        (tmp_path / "known.json").write_text(json.dumps({"answered": asked}))
        score, = await yogi.objects("eval", "known.json")
        assert (score["right"], score["of"], len(provider.calls)) == (1, 2, 2)
        cost, = await yogi.objects("cost", "--chats-per-day", "1000", "--model", "claude-haiku-5-5")
        assert cost["total_usd_per_month"] > 1


async def test_sessions_are_found_read_and_deleted(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        yogi = Yogi(deployment, tmp_path)
        await ann.begin()
        await ann.ask("Where is maths?")
        session, = await yogi.objects("session", "list")
        key = session["session_key"]
        assert (session["session_id"], session["turns"]) == (ann.session_id, 1)
        printed, _ = await yogi("turns", key)
        assert "claude" in printed
        printed, _ = await yogi("session", "export", key)
        assert json.loads(printed.splitlines()[-1])["message"] == "Where is maths?"
        await yogi("session", "delete", key, "--yes")
        assert await yogi.objects("session", "list") == []
        status, _, _ = await ann.call("GET", f"/sessions/{ann.session_id}/turns")
        assert status == 404


async def test_dead_letters_are_explained_redriven_and_dropped(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment, Person(deployment) as ann:
        yogi = Yogi(deployment, tmp_path)
        await ann.begin()
        message = await ann.say("Hello")
        await ann.final(message)
        session, = await yogi.objects("session", "list")
        key = session["session_key"]
        sqs, dead = aws(deployment, "sqs"), deployment.ref("RequestsDeadLetters")
        answered = {"v": 1, "type": "message", "session_key": key, "message_id": message, "accepted_at": 1}
        for number, body in enumerate(["not json", json.dumps(answered), json.dumps({**answered, "v": 99})]):
            group = "g" if number == 0 else key
            sqs.send_message(QueueUrl=dead, MessageGroupId=group, MessageDeduplicationId=str(number), MessageBody=body)

        letters = {letter["body"]: letter for letter in await yogi.objects("dlq", "list")}
        reasons = [letters[body]["reason"] for body in sorted(letters, key=len)]
        assert "cannot be read" in reasons[0] and "has its final" in reasons[1] and "version 99" in reasons[2]
        _, told = await yogi("dlq", "redrive", "--all", "--dry-run")
        assert len(await yogi.objects("dlq", "list")) == 3, told
        await yogi("dlq", "redrive", letters[json.dumps(answered)]["id"])
        left = await yogi.objects("dlq", "list")
        assert json.dumps(answered) not in {letter["body"] for letter in left} and len(left) == 2
        await ann.ask("And now?")
        assert [turn["message_id"] for turn in await ann.turns()].count(message) == 1, "it was absorbed"
        await yogi("dlq", "drop", "--all", "--yes")
        assert await yogi.objects("dlq", "list") == []


async def test_doctor_sends_a_message_through_everything(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment:
        yogi = Yogi(deployment, tmp_path)
        checks = {check["name"]: check for check in await yogi.objects("doctor")}
        assert {check["state"] for check in checks.values()} == {"ok"}, checks
        assert "claude" in checks["test message"]["detail"]
        assert await yogi.objects("session", "list") == [], "it leaves nothing behind"


async def test_a_chat_in_the_terminal_is_seen_in_events_and_figures(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment:
        yogi = Yogi(deployment, tmp_path)
        for question in ("Where is maths?", "And history?"):
            printed, _ = await yogi("chat", question, "--session", "s1")
            assert printed.strip() == provider.reply
        assert len(provider.calls[1][1]["messages"]) == 3, "the second turn knows the first"

        log = aws(deployment, "logs")
        group = deployment.ref("EventLogGroup")
        await eventually(lambda: log.filter_log_events(logGroupName=group)["events"][1:])
        events = await yogi.objects("tail", "--no-follow")
        assert [event["detail_type"] for event in events] == ["Chat Message"] * 2
        assert all(event["detail"]["synthetic"] and event["detail"]["session_id"] == "s1" for event in events)
        stats, = await yogi.objects("stats", "--from", "1h")
        assert (stats["totals"]["turns"], stats["totals"]["synthetic"]) == (2, 2)
        assert stats["groups"][0]["provider"] == "claude"


async def test_what_is_missing_is_named(deploy, tmp_path):
    async with Provider() as provider, deploy(provider) as deployment:
        yogi = Yogi(deployment, tmp_path)
        stage = deployment.parameters["Stage"]
        assert await yogi.objects("dlq", "list", stack=stage) == [], "a stage is found by its name"
        _, told = await yogi("dlq", "list", stack=stage, who="Stranger", code=4)
        assert "ssm:GetParameter" in told
        _, told = await yogi("dlq", "list", who="Stranger", code=4)
        assert "sqs:ReceiveMessage" in told
        _, told = await yogi("session", "list", who="Stranger", code=4)
        assert "dynamodb:Scan" in told
        _, told = await yogi("dlq", "list", stack="nowhere", code=4)
        assert "/learning-yogi/chatbot/nowhere/operator" in told
