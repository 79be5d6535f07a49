"""Whether the kill harness finds what it is there to find: `python -m tests.faults.mutants` prints what it found.

A mutant is a copy of this tree, in a directory of its own, in which one promise of the hub is broken; the harness must
report it. What is guarded twice is broken twice.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from tests.faults.history import Kind

ROOT = Path(__file__).parents[2]
COPIED = ("hub", "connectors", "schemas", "tests", "deploy")


class Edit(Struct, frozen=True):
    """`old` must be there once."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        text = (root / self.path).read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} has changed: {self.old!r}")
        (root / self.path).write_text(text.replace(self.old, self.new))


class Mutant(Struct, frozen=True):
    broken: str
    edits: tuple[Edit, ...]
    shows: tuple[Kind, ...]
    """Of what at least one must be found."""
    ground: str = "sqlite"
    kills: int = 10


FEED, PAST, JUDGE = (f"hub/fanout/{name}.py" for name in ("feed", "past", "judge"))
OUTBOX, COURIER, PULL, MERGE = (f"hub/delivery/{name}.py" for name in ("outbox", "courier", "pull", "merge"))
TERMS, ACCEPT, REPLAY = "hub/core/terms.py", "hub/intake/accept.py", "hub/delivery/replay.py"
MUTANTS = {
    "place-first": Mutant(
        "a feed's place is stored before what lies below it is appended",
        (
            Edit(
                FEED,
                "        if records:\n            await self._append(records)\n",
                "        if records:\n"
                "            await self._means.positions.store(\n"
                "                self._tenure.lease, self.stream, self._means.log.generation, self._partition,\n"
                "                FeedPosition(end, self._end),\n"
                "            )\n"
                "            await self._append(records)\n",
            ),
        ),
        (Kind.LOST,),
    ),
    "repeated-batch": Mutant(
        "who takes over does not look at what lies in the feed, and readers do not drop what is below their mark",
        (
            Edit(FEED, "max(source, await self._highest_stamp(tail) + 1)", "source"),
            Edit(MERGE, " or not is_above(stamp, mark):", ":"),
        ),
        (Kind.REPEATED, Kind.REORDERED),
    ),
    "journal-last": Mutant(
        "a webhook is written down after its bytes have left",
        (
            Edit(COURIER, "await source.note(", "written = source.note("),
            Edit(
                COURIER,
                "        if reply.taken and stamps:\n",
                "        await written\n        if reply.taken and stamps:\n",
            ),
        ),
        (Kind.UNTOLD,),
    ),
    "replay-untold": Mutant(
        "pages of a replay are not written down",
        (Edit(REPLAY, "        await self._journal.add(_written(feed, leaving, reader))\n", ""),),
        (Kind.UNTOLD,),
        kills=2,
    ),
    "replay-repeats": Mutant(
        "a replay shows repeats of an event as well",
        (Edit(PAST, "            events = await firsts_of(self._index, place, events)\n", "            pass\n"),),
        (Kind.REPEATED, Kind.PHANTOM),
        kills=6,
    ),
    "webhook-place-first": Mutant(
        "an endpoint's place is kept before what lies below it was answered with 2xx",
        (Edit(OUTBOX, "tuple(self.messages.values()), self.failing", "(), self.failing"),),
        (Kind.LOST,),
    ),
    "webhook-overtakes": Mutant(
        "what failed holds back nothing of its source",
        (
            Edit(OUTBOX, "if message.behind == _NOWHERE and later is not None:", "if False:"),
            Edit(OUTBOX, "if (each.partition, each.source) not in waiting]", "]"),
        ),
        (Kind.REORDERED, Kind.REPEATED),
        kills=4,
    ),
    "ended-goes-on": Mutant(
        "a feed goes on after its agreement has ended",
        (
            Edit(PULL, '        if feed.ended:\n            return Refusal("FEED_GONE")\n', ""),
            Edit(PULL, "newest is not None and not newest.ended and not", "newest is not None and not"),
        ),
        (Kind.LEAKED,),
        kills=4,
    ),
    "suspended-shown": Mutant(
        "what came while an agreement was suspended is shown when it goes on",
        (Edit(TERMS, "not any(begins <= stamped < ends for begins, ends in self.suspended)", "True"),),
        (Kind.LEAKED,),
        kills=14,
    ),
    "answered-first": Mutant(
        "an event is answered as accepted before it is in the log",
        (
            Edit(
                ACCEPT,
                "first = await a.log.append(EVENTS, self._partition, batch.records)",
                "first = (await a.log.bounds(EVENTS, self._partition)).end\n"
                "                late = a.log.append(EVENTS, self._partition, batch.records)\n"
                "                asyncio.get_running_loop().call_later(0.02, asyncio.ensure_future, late)",
            ),
        ),
        (Kind.LOST, Kind.UNPROVED),
    ),
    "repeats-judged-new": Mutant(
        "neither intake nor the judge knows a repeat",
        (
            Edit(JUDGE, "if first.position == own.position:", "if first.digest == own.digest:"),
            Edit(ACCEPT, "position = self._a.recent.repeat_of(event)", "position = None"),
            Edit(ACCEPT, "        if asked:\n            try:", "        if False:\n            try:"),
        ),
        (Kind.REPEATED,),
        kills=4,
    ),
}


def found_of(mutant: Mutant, seed: int) -> str:
    """What the harness prints of it."""
    with TemporaryDirectory(prefix="customs-hub-mutant-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as a user of its own.
        root = Path(made) / "tree"
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for edit in mutant.edits:
            edit.apply(root)
        command = ("-m", "tests.faults.kill_harness", "--ground", mutant.ground, "--kills", str(mutant.kills))
        done = subprocess.run(
            (sys.executable, *command, "--seed", str(seed)),
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "TMPDIR": made},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


def shown(told: str) -> dict[Kind, int]:
    """How many findings of each kind a report tells."""
    return {Kind(kind): int(count) for count, kind in re.findall(rf"(\d+) ({'|'.join(Kind)})\b", told)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Break a promise of the hub, and see whether the kill harness tells.")
    parser.add_argument("name", nargs="*", choices=[*MUTANTS, []], help="without: all")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    missed = 0
    for name in given.name or MUTANTS:
        mutant = MUTANTS[name]
        told = found_of(mutant, given.seed)
        found = shown(told)
        is_caught = any(found.get(kind) for kind in mutant.shows)
        missed += not is_caught
        counts = ", ".join(f"{count} {kind}" for kind, count in found.items() if count)
        print(f"{'caught' if is_caught else 'MISSED':7} {name}: {mutant.broken}: {counts or told[-400:]}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
