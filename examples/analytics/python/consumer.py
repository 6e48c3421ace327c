"""Reads analytics events from the named files, or from standard input, and writes their figures.

`examples/analytics/README.md` defines the input and the output; `events.py` has the types to copy.
Python 3.11 or later, and nothing else.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TypeVar

from events import Event, Feedback, Refusal, Turn, millis, read

#: The key of what an event does not have.
NONE = "none"
#: What rows are made by, in the order of the output.
BY = ("day", "provider", "document")


@dataclass(slots=True)
class Counts:
    """Sums; the README says what each one counts, and the output has them in this order."""

    messages: int = 0
    failed: int = 0
    cancelled: int = 0
    cached: int = 0
    synthetic: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micro_usd: int = 0
    unpriced: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    sessions_expired: int = 0
    sessions_deleted: int = 0


@dataclass(slots=True)
class Tally:
    """What has been seen of one day, provider or document."""

    counts: Counts = field(default_factory=Counts)
    first_token_ms: list[int] = field(default_factory=list)
    total_ms: list[int] = field(default_factory=list)

    def add_turn(self, turn: Turn, failed: bool) -> None:
        counts = self.counts
        counts.messages += 1
        counts.failed += failed
        counts.cancelled += turn.finish_reason == "cancelled"
        counts.cached += turn.cached
        counts.synthetic += turn.synthetic
        counts.input_tokens += turn.input_tokens
        counts.output_tokens += turn.output_tokens
        counts.cost_micro_usd += turn.cost_micro_usd or 0
        counts.unpriced += turn.cost_micro_usd is None and turn.output_tokens > 0
        self.total_ms.append(turn.total_ms)
        if turn.first_token_ms is not None:
            self.first_token_ms.append(turn.first_token_ms)

    def add_verdict(self, rating: str) -> None:
        self.counts.thumbs_up += rating == "up"
        self.counts.thumbs_down += rating == "down"

    def add_session(self, expired: bool) -> None:
        self.counts.sessions_expired += expired
        self.counts.sessions_deleted += not expired

    def row(self, by: str, key: str) -> dict[str, object]:
        row: dict[str, object] = {"by": by, "key": key, **asdict(self.counts)}
        for name in ("first_token_ms", "total_ms"):
            times = sorted(getattr(self, name))
            row |= {f"{name}_p{percent}": percentile(times, percent) for percent in (50, 95)}
        return row


def percentile(times: list[int], percent: int) -> int | None:
    """Returns the nearest rank: the smallest value that so many of a hundred do not exceed."""
    rank = (len(times) * percent + 99) // 100
    return times[rank - 1] if times else None


class Fold:
    """Events folded so far, in whatever order they come; their ids are kept, and the times of turns."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        #: By session key and message id, so that a verdict finds its document, and a later verdict the one it replaces.
        self.turns: dict[tuple[str, str], Turn] = {}
        self.verdicts: dict[tuple[str, str], Feedback] = {}

    def add(self, event: Event) -> None:
        """Counts an event, unless it was counted before."""
        detail = event.detail
        if detail.metadata.id in self.seen:
            return
        self.seen.add(detail.metadata.id)
        match detail:
            case Turn():
                failed = event.type == "Chat Failed"
                keys = (day(detail.timestamp), detail.provider, detail.document_id)
                self.each(keys, lambda tally: tally.add_turn(detail, failed))
                keep_later(self.turns, detail)
            case Feedback():
                keep_later(self.verdicts, detail)
            case _:
                expired = event.type == "Session Expired"
                self.each((day(detail.timestamp), None, None), lambda tally: tally.add_session(expired))

    def rows(self) -> list[dict[str, object]]:
        """Returns the rows: days, providers, documents, each in the order of their keys."""
        for message, verdict in self.verdicts.items():
            turn = self.turns.get(message)
            keys = (day(verdict.timestamp), verdict.provider, turn and turn.document_id)
            self.each(keys, lambda tally, rating=verdict.rating: tally.add_verdict(rating))
        self.verdicts = {}
        order = sorted(self.tallies, key=lambda place: (BY.index(place[0]), place[1]))
        return [self.tallies[place].row(*place) for place in order]

    def each(self, keys: tuple[str | None, ...], count: Callable[[Tally], None]) -> None:
        for by, key in zip(BY, keys, strict=True):
            count(self.tallies[by, NONE if key is None else key])


T = TypeVar("T", Turn, Feedback)


def keep_later(kept: dict[tuple[str, str], T], detail: T) -> None:
    """Keeps the detail that is the later one of its message."""
    message = (detail.session_key, detail.message_id)
    other = kept.get(message)
    if other is None or order(other) < order(detail):
        kept[message] = detail


def order(detail: Turn | Feedback) -> tuple[int, str]:
    return (millis(detail.timestamp), detail.metadata.id)


def day(time: datetime) -> str:
    return time.date().isoformat()


def fold_lines(name: str, lines: Iterable[bytes], fold: Fold) -> bool:
    """Adds the events of a file to the fold, and tells whether it has lines that are refused."""
    refused = False
    for number, line in enumerate(lines, start=1):
        try:
            event = read(line) if line.strip() else None
        except Refusal as refusal:
            print(f"{name}:{number}: {refusal}", file=sys.stderr)
            refused = True
            continue
        if event is not None:
            fold.add(event)
    return refused


def main(names: list[str]) -> int:
    """Returns 0, or 1 where a line was refused, or 2 without figures where a file cannot be read."""
    fold, refused = Fold(), False
    try:
        for name in names:
            with open(name, "rb") as file:
                refused |= fold_lines(name, file, fold)
        if not names:
            refused = fold_lines("stdin", sys.stdin.buffer, fold)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for row in fold.rows():
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(text.encode() + b"\n")
    return int(refused)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
