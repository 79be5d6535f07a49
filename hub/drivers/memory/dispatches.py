"""Dispatches in memory: what the port says, in the plainest code."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hub.core.dispatch import Dispatch, Sent, Step
from hub.ports.dispatches import Place


class MemoryDispatches:
    """A `Dispatches` that ends with its process."""

    def __init__(self) -> None:
        self._sent: dict[str, Sent] = {}

    async def add(self, dispatches: Sequence[Dispatch]) -> bool:
        if dispatches[0].id in self._sent:
            return False
        self._sent |= {dispatch.id: Sent(dispatch) for dispatch in dispatches}
        return True

    async def get(self, id: str) -> Sent | None:  # noqa: A002
        return self._sent.get(id)

    async def sent_as(self, sender: str, own: str) -> Sequence[Sent]:
        return [each for each in self._sent.values() if (each.dispatch.sender, each.dispatch.own) == (sender, own)]

    async def page(
        self, sender: str | None, *, step: Step | None = None, before: Place | None, limit: int
    ) -> Sequence[Sent]:
        found = [
            each
            for each in self._sent.values()
            if (sender is None or each.dispatch.sender == sender)
            and (step is None or getattr(each, f"{step}_us"))
            and (before is None or _place(each) < before)
        ]
        return sorted(found, key=_place, reverse=True)[:limit]

    async def waiting(self, limit: int) -> Sequence[Dispatch]:
        return [each.dispatch for each in sorted(self._sent.values(), key=_place) if not each.written_us][:limit]

    async def due(self, now_us: int, limit: int) -> Sequence[Dispatch]:
        late = [
            each.dispatch
            for each in self._sent.values()
            if 0 < each.dispatch.due_us <= now_us and not each.acknowledged_us and not each.overdue_us
        ]
        return sorted(late, key=lambda dispatch: (dispatch.due_us, dispatch.id))[:limit]

    async def mark(self, ids: Sequence[str], step: Step, time_us: int) -> None:
        name = f"{step}_us"
        for each in filter(None, map(self._sent.get, ids)):
            if not getattr(each, name):
                self._sent[each.dispatch.id] = replace(each, **{name: time_us})

    async def acknowledge(self, id: str, time_us: int, *, by: str, signature: str) -> None:  # noqa: A002
        each = self._sent.get(id)
        if each is not None and not each.acknowledged_us:
            self._sent[id] = replace(each, acknowledged_us=time_us, acknowledged_by=by, signature=signature)

    async def count(self, sender: str, since_us: int) -> int:
        return sum(each.dispatch.sender == sender and each.dispatch.sent_us >= since_us for each in self._sent.values())

    async def purge(self, before_us: int) -> int:
        gone = [name for name, each in self._sent.items() if each.dispatch.sent_us < before_us]
        for name in gone:
            del self._sent[name]
        return len(gone)


def _place(sent: Sent) -> Place:
    return sent.dispatch.sent_us, sent.dispatch.id
