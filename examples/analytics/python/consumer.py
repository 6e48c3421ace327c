"""Reads analytics events from the given files, or from standard input, and prints their figures.

The README defines the input and the output; `events.py` has the types to copy.
Needs Python 3.11 or later, and no packages.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TypeVar

from events import Event, Feedback, RejectedLine, Turn, millis, read_event

#: The key for events without a provider or document.
NONE = "none"
#: The dimensions of the rows, in the order of the output.
BY = ("day", "provider", "document")


@dataclass(slots=True)
class Counts:
    """The sums, in the order of the output; the README defines each."""

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
    """The running figures of one day, provider or document."""

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

    def add_rating(self, rating: str) -> None:
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
    """Returns a percentile by the nearest-rank method, or None if there are no values."""
    rank = (len(times) * percent + 99) // 100
    return times[rank - 1] if times else None


class Fold:
    """The events so far. The ids of all events and the times of all turns are kept."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        #: By session key and message id: a rating finds its document here,
        #: and a later rating the one it replaces.
        self.turns: dict[tuple[str, str], Turn] = {}
        self.ratings: dict[tuple[str, str], Feedback] = {}

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
                self.count_in(keys, lambda tally: tally.add_turn(detail, failed))
                keep_latest(self.turns, detail)
            case Feedback():
                keep_latest(self.ratings, detail)
            case _:
                expired = event.type == "Session Expired"
                keys = (day(detail.timestamp), None, None)
                self.count_in(keys, lambda tally: tally.add_session(expired))

    def rows(self) -> list[dict[str, object]]:
        """Returns the rows: days, providers, documents, each ordered by key."""
        for message, rating in self.ratings.items():
            turn = self.turns.get(message)
            keys = (day(rating.timestamp), rating.provider, turn and turn.document_id)
            self.count_in(keys, lambda tally, rating=rating.rating: tally.add_rating(rating))
        self.ratings = {}
        order = sorted(self.tallies, key=lambda place: (BY.index(place[0]), place[1]))
        return [self.tallies[place].row(*place) for place in order]

    def count_in(self, keys: tuple[str | None, ...], count: Callable[[Tally], None]) -> None:
        for by, key in zip(BY, keys, strict=True):
            count(self.tallies[by, NONE if key is None else key])


T = TypeVar("T", Turn, Feedback)


def keep_latest(kept: dict[tuple[str, str], T], detail: T) -> None:
    """Keeps the latest detail of each message."""
    message = (detail.session_key, detail.message_id)
    other = kept.get(message)
    if other is None or order(other) < order(detail):
        kept[message] = detail


def order(detail: Turn | Feedback) -> tuple[int, str]:
    return (millis(detail.timestamp), detail.metadata.id)


def day(time: datetime) -> str:
    return time.date().isoformat()


def fold_lines(name: str, lines: Iterable[bytes], fold: Fold) -> bool:
    """Adds the events of a file; returns whether a line was rejected."""
    rejected = False
    for number, line in enumerate(lines, start=1):
        try:
            event = read_event(line) if line.strip() else None
        except RejectedLine as rejection:
            print(f"{name}:{number}: {rejection}", file=sys.stderr)
            rejected = True
            continue
        if event is not None:
            fold.add(event)
    return rejected


def main(names: list[str]) -> int:
    """Returns the exit code: 0, 1 if a line was rejected, or 2 if a file could not be read."""
    fold = Fold()
    rejected = False
    try:
        for name in names:
            with open(name, "rb") as file:
                rejected |= fold_lines(name, file, fold)
        if not names:
            rejected = fold_lines("stdin", sys.stdin.buffer, fold)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for row in fold.rows():
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(text.encode() + b"\n")
    return int(rejected)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
