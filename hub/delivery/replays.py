"""The open replays of each recipient: few, small, and kept together, so that any worker reads, lists and ends them.

Theory of operation. What is kept is one value under one lease of the recipient's (`Positions.keep`): who changes it
takes the lease, reads, writes, and gives it back; who lost it meanwhile wrote nothing, and begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.core.errors import LeaseLost, Refusal, StorageUnavailable
from hub.core.replay import Replay, read_sessions, write_sessions
from hub.ports.positions import Positions
from hub.ports.system import Clock, Entropy

LEASE_SECONDS = 5.0
TRIES, TRY_SECONDS = 110, 0.05
"""Others hold it for milliseconds; somebody who was killed, for the time of the lease."""

Change = Callable[[Sequence[Replay]], Sequence[Replay] | Refusal]


class Replays:
    def __init__(self, positions: Positions, *, clock: Clock, entropy: Entropy, sessions_max: int) -> None:
        self._positions = positions
        self._clock = clock
        self._entropy = entropy
        self._sessions_max = sessions_max

    def new_id(self) -> str:
        return self._entropy.bytes(16).hex()

    async def of(self, recipient: str) -> Sequence[Replay]:
        """Its open ones, oldest first. Raises `StorageUnavailable`."""
        content = await self._positions.kept(_name(recipient))
        now = self._clock.now_us() // 1_000_000
        return [each for each in read_sessions(content) if now < each.expires] if content is not None else []

    async def find(self, recipient: str, replay_id: str) -> Replay | None:
        return next((each for each in await self.of(recipient) if each.id == replay_id), None)

    async def add(self, replay: Replay) -> Refusal | None:
        """`TOO_MANY_REQUESTS` where the recipient has as many as it may."""

        def added(sessions: Sequence[Replay]) -> Sequence[Replay] | Refusal:
            if len(sessions) >= self._sessions_max:
                return Refusal("TOO_MANY_REQUESTS", f"at most {self._sessions_max} open replays")
            return [*sessions, replay]

        return await self._change(replay.recipient, added)

    async def end(self, recipient: str, replay_id: str) -> Refusal | None:
        """`NOT_FOUND` where there is none."""

        def ended(sessions: Sequence[Replay]) -> Sequence[Replay] | Refusal:
            left = [each for each in sessions if each.id != replay_id]
            return left if len(left) < len(sessions) else Refusal("NOT_FOUND")

        return await self._change(recipient, ended)

    async def _change(self, recipient: str, change: Change) -> Refusal | None:
        holder = self._entropy.bytes(8).hex()  # Of this change alone: whoever comes second waits.
        for _ in range(TRIES):
            lease = await self._positions.acquire(_name(recipient), holder, LEASE_SECONDS)
            if lease is None:
                await self._clock.sleep(TRY_SECONDS)
                continue
            try:
                changed = change(await self.of(recipient))
                if not isinstance(changed, Refusal):
                    await self._positions.keep(lease, write_sessions(changed))
                await self._positions.release(lease)
            except LeaseLost:
                continue
            return changed if isinstance(changed, Refusal) else None
        raise StorageUnavailable(f"the replays of {recipient} are being changed")


def _name(recipient: str) -> str:
    return f"replays/{recipient}"
