"""What is written down of an answer about events of others: which of them it showed, by which agreements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hub.core.access import Access, Step, runs_of
from hub.core.evidence import Principal
from hub.views.sight import Shown, Sight


def looked_up(
    shown: Iterable[Shown], sight: Sight, principal: Principal, *, step: Step = Step.LOOKED_UP
) -> list[Access]:
    """Entries for the access journal; whoever looks at its own events makes none."""
    offsets: defaultdict[tuple[int, int, int, tuple[str, ...]], set[int]] = defaultdict(set)
    for each in shown:
        if each.known.publisher != sight.own:
            at = each.known.position
            offsets[at.generation, at.partition, each.revision, each.agreements].add(at.offset)
    return [
        Access(
            step=step,
            time_us=0,
            recipient=principal.partner.id,
            purpose=sight.purpose,
            feed="",
            lane="",
            way="view",
            reader=principal.system.id,
            credential=principal.key_id,
            agreements=agreements,
            revision=revision,
            generation=generation,
            partition=partition,
            runs=runs_of(those),
        )
        for (generation, partition, revision, agreements), those in offsets.items()
    ]
