"""How far the endpoints of a recipient have taken what they are brought, as the couriers keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hub.core.endpoint import FINAL, TRIED, Endpoint, Mode
from hub.delivery.means import lease_name
from hub.delivery.outbox import Outbox
from hub.ports.positions import Positions


async def brought(
    endpoints: Iterable[Endpoint], positions: Positions, generation: int, partitions: int
) -> Mapping[int, int]:
    """By partition, the offset below which the slowest of those that are sent to now has taken all, or it was given up;
    where none is sent to, of those that may be again. A thin endpoint takes no records, only the word that there are
    some: it does not count. What was taken is kept up to a second late. Raises what storage raises."""
    bringing = [each for each in endpoints if each.state not in FINAL and each.mode is not Mode.THIN]
    slowest: dict[int, int] = {}
    for endpoint in [each for each in bringing if each.state in TRIED] or bringing:
        content = await positions.kept(lease_name(endpoint.id))
        outbox = None if content is None else Outbox.decode(content, generation, partitions)
        if outbox is None:
            return {}
        for place in outbox.delivered_up_to():
            slowest[place.partition] = min(place.offset, slowest.get(place.partition, place.offset))
    return slowest
