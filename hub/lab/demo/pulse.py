"""How fast counters grow: a rate and a small curve of each, from looking at them a few times a second."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

BUCKET_SECONDS = 0.5
BUCKETS = 16
RATE_BUCKETS = 4
_BARS = "▁▂▃▄▅▆▇█"


class Pulse:
    """Counters by name, cut into buckets of half a second."""

    def __init__(self) -> None:
        self._until = 0.0
        self._before: Mapping[str, int] = {}
        self._buckets: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=BUCKETS))

    def look(self, seconds: float, counters: Mapping[str, int]) -> None:
        """What the counters are at `seconds`; between two buckets nothing happens."""
        if seconds < self._until:
            return
        self._until = seconds + BUCKET_SECONDS
        for name, count in counters.items():
            self._buckets[name].append(count - self._before.get(name, 0))
        self._before = dict(counters)

    def rate(self, name: str) -> float:
        """Per second, over the last two seconds."""
        recent = list(self._buckets[name])[-RATE_BUCKETS:]
        return sum(recent) / (len(recent) * BUCKET_SECONDS) if recent else 0.0

    def curve(self, name: str) -> str:
        """The last eight seconds, the newest at the right."""
        counts = self._buckets[name]
        top = max(counts, default=0)
        bars = [_BARS[count * (len(_BARS) - 1) // top] if count else " " for count in counts]
        return "".join(bars).rjust(BUCKETS)
