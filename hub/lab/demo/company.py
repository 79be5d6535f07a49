"""A company at work: what its systems hand in goes to its `customs-connect push`; what cannot be sent now is kept."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque

import orjson

from hub.lab.demo.child import Child
from hub.lab.demo.day import Posting
from hub.lab.demo.tally import REFUSED, TAKEN, Sending, Tally

KEPT_COUNT_MAX = 2_000
"""A company that cannot send for so long stops trading: what it would have sent does not happen."""
KNOCK_SECONDS = 0.5
"""How often a company that keeps events tries the oldest one, to see whether it may send again."""


class Company:
    """The company `id`, with one process at a time. Its events reach the hub in the order of their times."""

    def __init__(self, id: str, tally: Tally) -> None:  # noqa: A002
        self.id, self._tally = id, tally
        self._child: Child | None = None
        """None: between two processes, or closed for the day."""
        self._leaving: Child | None = None
        self._under_way: deque[Posting] = deque()
        self._kept: list[Posting] = []
        self.opened = asyncio.Event()
        """Set once the hub has answered something."""

    @property
    def sending(self) -> Sending:
        return self._tally.companies[self.id]

    def employ(self, child: Child) -> None:
        """Send through this process from now on."""
        self._child = child
        self._send_kept()

    def hand_in(self, posting: Posting) -> None:
        """Send an event, behind everything that waits."""
        if self._child is not None and not self._kept:
            self._send(posting)
        elif len(self._kept) < KEPT_COUNT_MAX:
            self._keep(posting)

    async def follow(self, child: Child) -> None:
        """Read what a process answers, in the order in which it was asked, until it ends. Raises `ChildEnded`."""
        async for outcome in child.lines():
            posting = self._under_way.popleft()
            self._tally.answered(self.id, posting.event, outcome)
            self.opened.set()
            if outcome["verdict"] in TAKEN:
                self._send_kept()
            elif outcome["verdict"] not in REFUSED:
                self._keep(posting)

    async def knock(self) -> None:
        """While events are kept, try the oldest one now and then."""
        while True:
            await asyncio.sleep(KNOCK_SECONDS)
            if self._kept and self._child is not None and not self._under_way:
                self._send(self._kept.pop(0))
                self.sending.kept = len(self._kept)

    async def close(self) -> None:
        """Send nothing more through the present process, and wait until it has answered all and ended."""
        if self._child is not None:
            self._leaving, self._child = self._child, None
            self._leaving.close_input()
        if self._leaving is not None:
            await self._leaving.ended.wait()

    def _keep(self, posting: Posting) -> None:
        insort(self._kept, posting, key=lambda each: each.at)
        self.sending.kept = len(self._kept)

    def _send_kept(self) -> None:
        if self._child is not None:
            kept, self._kept = self._kept, []
            self.sending.kept = 0
            for posting in kept:
                self._send(posting)

    def _send(self, posting: Posting) -> None:
        assert self._child is not None
        self._under_way.append(posting)
        self._child.write(orjson.dumps(posting.event))
