"""The receipt book: a directory of JSON lines, one verified receipt a line, one file a day of the hub's time.

A receipt counts as kept once it is on disk. A line that a crash tore is cut off when its file is next written: its
event is still in the outbox, is sent again, and gets its receipt again. `keys.json` beside them is the hub's key
history, with which they verify without the hub.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from schemas.identity import instant_us


class ReceiptBook:
    """Receipts in `directory`, which is made if it is not there."""

    KEYS = "keys.json"
    SUSPECT = "suspect.jsonl"
    """Receipts that did not verify: evidence for a talk with the administration, and nothing more."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._whole: set[Path] = set()

    def keep(self, receipts: Sequence[dict[str, Any]]) -> None:
        """Append receipts (alone) that were verified; on disk when this returns. Raises `OSError`."""
        by_day: dict[Path, list[bytes]] = {}
        for receipt in receipts:
            by_day.setdefault(self._file_of(receipt), []).append(orjson.dumps(receipt))
        for path, lines in by_day.items():
            self._append(path, lines)

    def keep_suspect(self, receipt: object, fault: str) -> None:
        self._append(self.directory / self.SUSPECT, [orjson.dumps({"fault": fault, "receipt": receipt})])

    def keep_keys(self, document: bytes) -> None:
        """Replace the key history beside the receipts."""
        new = self.directory / f"{self.KEYS}.new"
        new.write_bytes(document)
        new.replace(self.directory / self.KEYS)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All receipts, oldest day first."""
        for path in sorted(self.directory.glob("receipts-*.jsonl")):
            with path.open("rb") as file:
                yield from (orjson.loads(line) for line in file if line.endswith(b"\n"))

    def find(self, source: str, id: str) -> list[dict[str, Any]]:  # noqa: A002
        """The receipts of one identity; reads the whole book."""
        return [r for r in self if (r["statement"]["source"], r["statement"]["id"]) == (source, id)]

    def _file_of(self, receipt: dict[str, Any]) -> Path:
        received_us = instant_us(receipt["statement"]["received"]) or 0
        return self.directory / f"receipts-{datetime.fromtimestamp(received_us / 1e6, UTC):%Y-%m-%d}.jsonl"

    def _append(self, path: Path, lines: Sequence[bytes]) -> None:
        if path not in self._whole:
            _cut_torn_line(path)
            self._whole.add(path)
        with path.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - (1 << 16))
        file.seek(start)
        tail = file.read()
        file.truncate(start + tail.rfind(b"\n") + 1)
