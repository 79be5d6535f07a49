"""When and where the kill harness kills: a function of its seed."""

from __future__ import annotations

import random

from msgspec import Struct

from tests.faults.points import COMMON_POINTS, RARE_POINTS, WEBHOOK_POINTS

BROKER_TURN, FROZEN_TURN = 3, 6
"""Of every ten lives one ends after the broker's own end, and one after it was frozen."""
OFTEN = (*COMMON_POINTS, *WEBHOOK_POINTS)


class Kill(Struct, frozen=True):
    """At a passage of a point; or, without a point, so many seconds after the hub is ready, or was started.

    With `broker`, its Kafka dies and is away for so many seconds; the hub is killed when it has recovered by itself.
    `frozen`: stopped (SIGSTOP) past its leases, and killed after it has gone on. Of several workers one dies at the
    point or the moment, or is frozen; when another has taken its place, all are killed with their parent.
    """

    point: str = ""
    passage: int = 0
    seconds: float = 0.0
    while_starting: bool = False
    broker: bool = False
    frozen: bool = False

    def __str__(self) -> str:
        if self.point:
            return f"{self.point}:{self.passage}"
        if self.broker:
            return f"after its Kafka was away for {self.seconds:.2f} s"
        if self.frozen:
            return f"frozen {self.seconds:.2f} s after it was ready"
        return f"{self.seconds:.2f} s after it {'was started' if self.while_starting else 'was ready'}"


def plan(kills: int, seed: int, *, brokers: bool = False) -> list[Kill]:
    """Each common point in turn, random times between them, now and then a rare point, or a broker that dies too."""
    chance = random.Random(f"{seed}/kills")
    points = list(OFTEN)
    planned: list[Kill] = []
    while len(planned) < kills:
        if not points:
            points = list(OFTEN)
        turn, draw = len(planned) % 10, chance.random()
        if brokers and turn == BROKER_TURN:
            planned.append(Kill(seconds=chance.uniform(0, 5), broker=True))
        elif turn == FROZEN_TURN:
            planned.append(Kill(seconds=chance.uniform(0, 1), frozen=True))
        elif draw < 0.25:
            planned.append(Kill(seconds=chance.uniform(0, 1.5)))
        elif draw < 0.35:
            planned.append(Kill(seconds=chance.uniform(0.2, 2.0), while_starting=True))
        elif draw < 0.42:
            planned.append(Kill(chance.choice(RARE_POINTS), 1))
        else:
            point = points.pop(chance.randrange(len(points)))
            planned.append(Kill(point, round(10 ** chance.uniform(0, 1 if point in WEBHOOK_POINTS else 2))))
    return planned
