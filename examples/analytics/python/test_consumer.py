"""Tests the consumer with the fixture shared by all languages, and with the contracts."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

from events import RejectedLine, read_event

HERE = Path(__file__).resolve().parent
FIXTURE = HERE.parent / "fixture"
CONTRACTS = HERE.parents[2] / "contracts/events"


def run(*names: str, stdin: bytes = b"") -> tuple[int, str, str]:
    command = [sys.executable, HERE / "consumer.py", *names]
    ended = subprocess.run(command, cwd=FIXTURE, input=stdin, capture_output=True, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def text(name: str) -> str:
    return (FIXTURE / name).read_text(encoding="utf-8")


def contracts() -> list[tuple[dict, dict]]:
    """Returns the schemas, each with a detail from the fixture."""
    lines = [json.loads(line) for line in text("events.jsonl").split("\n") if line]
    details = {
        line.get("detail_type", line.get("detail-type")): line.get("detail")
        for line in reversed(lines)
    }
    paths = sorted(CONTRACTS.glob("*.schema.json"))
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [(schema, details[schema["title"]]) for schema in schemas]


def rejection(schema: dict, detail: dict) -> str | None:
    """Returns why a detail is rejected, or None."""
    try:
        event = read_event(json.dumps({"detail_type": schema["title"], "detail": detail}).encode())
    except RejectedLine as why:
        return str(why)
    assert event is not None
    return None


class Program(unittest.TestCase):
    def test_a_file_gives_the_expected_figures(self):
        self.assertEqual(run("events.jsonl"), (0, text("figures.jsonl"), ""))

    def test_standard_input_gives_the_same(self):
        ended = run(stdin=(FIXTURE / "events.jsonl").read_bytes())
        self.assertEqual(ended, (0, text("figures.jsonl"), ""))

    def test_events_that_two_files_repeat_are_counted_once(self):
        self.assertEqual(run("events.jsonl", "events.jsonl"), (0, text("figures.jsonl"), ""))

    def test_broken_lines_are_reported_and_the_others_are_counted(self):
        expected = (1, text("broken.figures.jsonl"), text("broken.errors.txt"))
        self.assertEqual(run("broken.jsonl"), expected)

    def test_a_missing_file_ends_the_program_without_output(self):
        expected = (2, "", "missing.jsonl: No such file or directory\n")
        self.assertEqual(run("missing.jsonl"), expected)


class Types(unittest.TestCase):
    def test_exactly_the_required_fields_are_required(self):
        for schema, detail in contracts():
            for name in schema["properties"]:
                without = {field: value for field, value in detail.items() if field != name}
                expected = f"missing field `{name}`" if name in schema["required"] else None
                case = f"{schema['title']} without {name}"
                self.assertEqual(rejection(schema, without), expected, case)

    def test_every_field_is_read_with_its_type(self):
        for schema, detail in contracts():
            for name in schema["properties"]:
                expected = "a field does not match its schema"
                changed = detail | {name: [[]]}
                self.assertEqual(rejection(schema, changed), expected, f"{schema['title']}: {name}")


if __name__ == "__main__":
    unittest.main()
