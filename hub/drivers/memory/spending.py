"""`Spending` and `Uptime` of one worker alone: nobody else serves, and nothing is remembered after it."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ports.spending import Spent


class MemorySpending:
    """Keeps the `Spending` port. Workers of one process, as tests have them, share `rows`."""

    def __init__(self, worker: int = 0, rows: dict[int, dict[str, Spent]] | None = None) -> None:
        self._worker = worker
        self._rows = {} if rows is None else rows
        self._rows[worker] = {}

    def tell(self, account: str, spent: Spent) -> None:
        if len(self._rows) > 1:
            self._rows[self._worker][account] = spent

    def others(self, account: str) -> Sequence[tuple[int, Spent]]:
        if len(self._rows) == 1:
            return ()
        rows = self._rows.items()
        return [(worker, row[account]) for worker, row in rows if worker != self._worker and account in row]


class MemoryUptime:
    """Keeps the `Uptime` port."""

    def __init__(self) -> None:
        self._accepting_at = self._catch_up_until = 0

    def accepting_at(self) -> int:
        return self._accepting_at

    def accepts(self, now: int) -> None:
        self._accepting_at = now

    def catch_up_until(self) -> int:
        return self._catch_up_until

    def let_catch_up(self, until: int) -> None:
        self._catch_up_until = until
