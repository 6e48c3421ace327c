"""Checks the golden questions: quotes stand in their documents, and nothing is asked twice."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENTS = HERE.parent / "documents"
FIELDS = {
    "paraphrases": {"document", "question", "sentence"},
    "follow-ups": {"document", "first", "follow_up", "question", "sentence"},
    "foreign": {"reader", "owner", "document", "question", "sentence"},
    "unanswerable": {"question"},
}
COUNTS = {"paraphrases": 93, "follow-ups": 60, "foreign": 40, "unanswerable": 80}


def main() -> int:
    errors = []
    seen = {}
    for name, fields in FIELDS.items():
        lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            entry = json.loads(line)
            place = f"{name}.jsonl:{number}"
            if set(entry) != fields:
                errors.append(f"{place}: expected the fields {sorted(fields)}")
                continue
            first = seen.setdefault(entry["question"].casefold(), place)
            if first != place:
                errors.append(f"{place}: the question is already in {first}")
            if "sentence" in fields:
                content = (DOCUMENTS / entry["document"]).read_bytes()
                if content.count(entry["sentence"].encode()) != 1:
                    errors.append(f"{place}: the sentence must stand once in {entry['document']}")
            if "owner" in fields and entry["owner"] == entry["reader"]:
                errors.append(f"{place}: the reader owns the document")
        if len(lines) != COUNTS[name]:
            errors.append(f"{name}.jsonl: {len(lines)} questions, expected {COUNTS[name]}")
        print(f"{name}: {len(lines)}")
    print("\n".join(errors), file=sys.stderr, end="")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
