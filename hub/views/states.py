"""What became of the events that a caller sees: told from the versions and the takings back that it sees as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from hub.core.record import Position
from hub.core.settings import ViewsSettings
from hub.ports.views import KnownEvent, Views
from hub.views.known import TAKES_BACK
from hub.views.sight import Shown, Sight
from schemas.lifecycle import State, VersionFacts, states


class Judged(Struct, frozen=True, gc=False):
    shown: Shown
    state: State

    @property
    def current(self) -> bool:
        return self.state is State.CURRENT


async def judge(views: Views, sight: Sight, shown: Sequence[Shown], *, settings: ViewsSettings) -> list[Judged]:
    """The state of each event, in the order given. One read."""
    series = list(dict.fromkeys(each.known.series[0] for each in shown))
    bound = settings.versions_max
    others = await views.versions(series, each_max=bound, bytes_max=settings.page_bytes_max) if series else ()
    seen: dict[Position, Shown] = {each.known.position: each for each in shown}
    for known in others:
        if known.position not in seen and (other := sight.shown(known)) is not None:
            seen[known.position] = other
    states_of: Mapping[Position, State] = dict(zip(seen, states([_facts(each) for each in seen.values()]), strict=True))
    return [Judged(each, states_of[each.known.position]) for each in shown]


def _facts(shown: Shown) -> VersionFacts:
    known = shown.known
    return VersionFacts(known.series[0], known.version, known.type, _takes_back(known, shown))


def _takes_back(known: KnownEvent, shown: Shown) -> tuple[bytes, ...]:
    """The other event that it names, if the caller may see which."""
    member = TAKES_BACK.get(known.type)
    target = shown.data.get(member) if member is not None else None
    is_seen = isinstance(target, dict) and {"source", "id"} <= target.keys()
    return known.series[1:] if is_seen else ()
