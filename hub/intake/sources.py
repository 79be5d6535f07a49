"""How many series of ids one publisher may open: each costs order, memory and a place in readers' minds."""

from __future__ import annotations

from hub.core.errors import Refusal
from schemas.faults import fault


class SourceBook:
    """The sources seen from each publisher since this worker started."""

    def __init__(self, sources_max: int) -> None:
        self._sources_max = sources_max
        self._sources: dict[str, set[str]] = {}

    def enter(self, publisher: str, source: str) -> Refusal | None:
        """Note a source; a `Refusal` if the publisher has opened too many."""
        known = self._sources.setdefault(publisher, set())
        if source in known:
            return None
        if len(known) >= self._sources_max:
            expected = f"one of the {self._sources_max} sources in use"
            return Refusal("EVENT_INVALID", faults=[fault("TOO_MANY_SOURCES", "/source", source, expected)])
        known.add(source)
        return None
