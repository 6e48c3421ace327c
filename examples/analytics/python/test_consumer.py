"""The consumer against the fixture that all three languages share, and against the contracts."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

from events import Refusal, read

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
    """Returns the schemas, each with a detail of the fixture."""
    lines = [json.loads(line) for line in text("events.jsonl").split("\n") if line]
    details = {line.get("detail_type", line.get("detail-type")): line.get("detail") for line in reversed(lines)}
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CONTRACTS.glob("*.schema.json"))]
    return [(schema, details[schema["title"]]) for schema in schemas]


def refusal(schema: dict, detail: dict) -> str | None:
    """Tells why a detail is refused; none where it is read."""
    try:
        event = read(json.dumps({"detail_type": schema["title"], "detail": detail}).encode())
    except Refusal as why:
        return str(why)
    assert event is not None
    return None


class Program(unittest.TestCase):
    def test_a_named_file_gives_the_expected_figures(self):
        self.assertEqual(run("events.jsonl"), (0, text("figures.jsonl"), ""))

    def test_standard_input_gives_the_same(self):
        self.assertEqual(run(stdin=(FIXTURE / "events.jsonl").read_bytes()), (0, text("figures.jsonl"), ""))

    def test_what_two_files_repeat_is_counted_once(self):
        self.assertEqual(run("events.jsonl", "events.jsonl"), (0, text("figures.jsonl"), ""))

    def test_broken_lines_are_named_and_the_others_are_counted(self):
        self.assertEqual(run("broken.jsonl"), (1, text("broken.figures.jsonl"), text("broken.errors.txt")))

    def test_a_file_that_is_not_there_ends_it_without_figures(self):
        self.assertEqual(run("missing.jsonl"), (2, "", "missing.jsonl: No such file or directory\n"))


class Types(unittest.TestCase):
    def test_exactly_the_required_fields_are_required(self):
        for schema, detail in contracts():
            for name in schema["properties"]:
                without = {field: value for field, value in detail.items() if field != name}
                expected = f"missing field `{name}`" if name in schema["required"] else None
                self.assertEqual(refusal(schema, without), expected, f"{schema['title']} without {name}")

    def test_every_field_is_read_with_its_type(self):
        for schema, detail in contracts():
            for name in schema["properties"]:
                expected = "a field is not as its schema says"
                self.assertEqual(refusal(schema, detail | {name: []}), expected, f"{schema['title']}: {name}")


if __name__ == "__main__":
    unittest.main()
