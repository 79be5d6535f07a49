"""Reading of feeds and notices put together: the same pages for who pulls, is streamed to, or has them brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.delivery.cursors import Cursors
from hub.delivery.notices import Notices
from hub.delivery.pull import Pull
from hub.delivery.seals import Seals
from hub.trust.feed_seal import FeedSealer

if TYPE_CHECKING:
    from hub.assembly.hub import Hub


def make_sealer(hub: Hub) -> FeedSealer:
    keys = hub.ports.keys
    return FeedSealer(
        hub.settings.hub_name, key_id=lambda: keys.seal_key_id, sign=keys.sign_seal, now_us=hub.clock.now_us
    )


def make_pull(hub: Hub) -> tuple[Cursors, Pull]:
    cursors = Cursors(
        hub.ports.keys.secret("cursor"),
        clock=hub.clock,
        entropy=hub.entropy,
        generation=hub.ports.log.generation,
        partitions=hub.events.partitions,
        seconds=hub.settings.delivery.cursor_seconds,
    )
    pull = Pull(
        positions=hub.ports.positions,
        snapshot=hub.snapshot,
        cursors=cursors,
        observer=hub.observer,
        settings=hub.settings.delivery,
        tails=hub.tails,
        journal=hub.journal,
        seals=Seals(hub.tails, make_sealer(hub), hub.ports.keys.seal_keys, hub.observer),
        feed_retention_seconds=hub.settings.log.feed_retention_seconds,
    )
    return cursors, pull


def make_notices(hub: Hub, cursors: Cursors) -> Notices:
    return Notices(
        cursors=cursors,
        settings=hub.settings.delivery,
        tails=hub.tails,
        dispatches=hub.ports.dispatches,
        snapshot=hub.snapshot,
        observer=hub.observer,
    )
