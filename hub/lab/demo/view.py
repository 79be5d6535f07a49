"""What a view of the demo is told, and the one that shows nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hub.lab.demo.tally import Note, Tally


class Stage(Struct, frozen=True):
    """Where it all happens."""

    url: str
    directory: Path
    ground: str
    seconds: float | None
    """How long the demo takes; None: until it is stopped."""


class View(Protocol):
    """Told of everything as it happens; draws when it is asked to, a few times a second."""

    def begin(self, stage: Stage) -> None: ...

    def note(self, note: Note) -> None: ...

    def draw(self, tally: Tally) -> None: ...

    def end(self) -> None: ...


class Blind:
    """Shows nothing: for `--json`."""

    def begin(self, stage: Stage) -> None:
        """Nothing to show."""

    def note(self, note: Note) -> None:
        """Nothing to tell."""

    def draw(self, tally: Tally) -> None:
        """Nothing to draw."""

    def end(self) -> None:
        """Nothing to end."""
