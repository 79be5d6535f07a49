"""Sharing what is short: room for what is held at a time, turns for what waits, and a pace for what is in vain.

All are per account and cost the same however many accounts there are.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairRoom:
    """Room that accounts share: what one may hold is at most what is then still free.

    These are the dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6(2), 1998) with the
    factor 1. One account alone has half of the room, n that want all have 1/(n + 1) each, and the last share stays
    free: whoever holds little finds room at once, however much the others want. What an account holds beyond the
    threshold, when others come, is not taken from it: it gets nothing more until it holds less.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._holdings: dict[str, int] = {}
        self.held = 0

    def admits(self, account: str, amount: int) -> bool:
        """Whether the account may hold so much more."""
        return self._holdings.get(account, 0) + amount <= self._room - self.held

    def take(self, account: str, amount: int) -> None:
        self._holdings[account] = self._holdings.get(account, 0) + amount
        self.held += amount

    def give_back(self, account: str, amount: int) -> None:
        self.held -= amount
        self._holdings[account] = left = self._holdings.get(account, 0) - amount
        if not left:
            del self._holdings[account]


class FairQueue(Generic[T]):
    """First in, first out for each account, and one turn after another between them."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def __iter__(self) -> Iterator[T]:
        return (item for queue in self._queues.values() for item in queue)

    def append(self, account: str, item: T) -> None:
        self._queues.setdefault(account, deque()).append(item)

    def next(self) -> T:
        """What `pop` would return."""
        return next(iter(self._queues.values()))[0]

    def pop(self) -> T:
        """The first of the account whose turn it is; its next one has to wait for all others' turns."""
        account, queue = next(iter(self._queues.items()))
        item = queue.popleft()
        if queue:
            self._queues.move_to_end(account)
        else:
            del self._queues[account]
        return item

    def pop_first(self, condition: Callable[[T], bool]) -> Iterator[T]:
        """Take out of every account's queue what stands at its head and meets the condition."""
        for account, queue in list(self._queues.items()):
            while queue and condition(queue[0]):
                yield queue.popleft()
            if not queue:
                del self._queues[account]


class Pace:
    """How far ahead each account is of what it may do in a second: the generic cell rate algorithm (ITU-T I.371)."""

    def __init__(self, per_second: float, *, accounts_max: int) -> None:
        self._seconds_each = 1 / per_second
        self._accounts_max = accounts_max
        self._worked_off: OrderedDict[str, float] = OrderedDict()
        """By account: when what it did so far has had its time. The one that did something longest ago gives way."""

    def ahead(self, account: str, now: float) -> float:
        """In seconds; 0: it keeps the pace."""
        return max(0.0, self._worked_off.get(account, 0.0) - now)

    def step(self, account: str, now: float) -> float:
        """How far ahead it is once it did one thing more."""
        ahead = self.ahead(account, now) + self._seconds_each
        if account not in self._worked_off and len(self._worked_off) >= self._accounts_max:
            self._worked_off.popitem(last=False)
        self._worked_off[account] = now + ahead
        self._worked_off.move_to_end(account)
        return ahead
