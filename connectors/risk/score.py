"""How much an object asks for attention: the sum of what its alerts weigh, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

POINTS: Mapping[str, int] = {
    "seal_broken_in_transit": 70,
    "on_a_watch_list": 60,
    "mass_differs": 40,
    "gate_in_without_filing": 30,
    "unknown_consignor": 20,
    "departed_before_cut_off": 10,
}
"""What an alert of each rule weighs; 100 and more is what an officer looks at first. Administrations differ."""
POINTS_OTHERWISE = 10


class Reason(Struct, frozen=True):
    points: int
    rule: str
    why: str
    """The alert's sentence; of one that counts for nothing, why not."""


class Score(Struct, frozen=True):
    object: str
    points: int
    reasons: tuple[Reason, ...]
    """The heaviest first."""

    def line(self) -> str:
        sum_ = " + ".join(f"{reason.points} {reason.rule}" for reason in self.reasons)
        return f"SCORE {self.object}: {self.points}" + (f" = {sum_}" if sum_ else "")


def scored(object_: str, standing: Iterable[tuple[str, str, bool]], points: Mapping[str, int] = POINTS) -> Score:
    """`standing`: rule, sentence and suspicion of each alert that stands. What rests on events that may be forged
    is told and weighs nothing."""
    reasons = [
        Reason(0, rule, f"Not counted, for it rests on events under suspicion: {sentence}")
        if is_suspect
        else Reason(points.get(rule, POINTS_OTHERWISE), rule, sentence)
        for rule, sentence, is_suspect in standing
    ]
    reasons.sort(key=lambda reason: (-reason.points, reason.rule))
    return Score(object_, sum(reason.points for reason in reasons), tuple(reasons))
