"""Who may read feeds from the brokers themselves, and how far they say that they have read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Literal, Protocol

from msgspec import Struct

from hub.core.finding import Finding


class Right(Struct, frozen=True, order=True):
    """What a reader is allowed, on one stream or on all consumer groups whose names begin so.

    The hub gives `read` and `describe` from everywhere; whatever else is told was given by hand.
    """

    principal: str
    """As Kafka names it, without `User:`."""
    on: Literal["stream", "groups"]
    name: str
    may: str
    """An operation of Kafka's, in small letters."""
    host: str = "*"
    """From where; `*`: from everywhere."""


Committed = Mapping[str, Mapping[tuple[str, int], int]]
"""By consumer group: of (stream, partition) the offset of the first record that is not worked off yet."""


class FeedAccess(Protocol):
    """The brokers' own users and access rules. Every method raises `StorageUnavailable` where brokers do not answer:
    what was asked for may then be done in part; to ask again is harmless."""

    async def rights(self) -> Set[Right]:
        """Everything that is allowed on feeds' streams, and on groups by a prefix; never the hub's own rights.

        MUST tell each operation and each host, so that `refuse` takes away exactly what is told here.
        """

    async def allow(self, rights: Collection[Right]) -> None:
        """MUST allow them to connections that are open as well; what is allowed already stays so."""

    async def refuse(self, rights: Collection[Right]) -> None:
        """MUST take them away also from connections that are open; what is not allowed stays so."""

    async def users(self) -> Set[str]:
        """The users that have a password."""

    async def enrol(self, user: str, password: str) -> None:
        """Let the user sign in with this password, and with no other from now on."""

    async def dismiss(self, users: Collection[str]) -> None:
        """Let them sign in no more; who is not known stays so. Connections that are open are not ended by it."""

    async def committed(self, prefix: str) -> Committed:
        """How far the groups whose names begin with `prefix` say that they have read feeds; at most `GROUPS_MAX`."""

    async def examine(self) -> list[Finding]:
        """What of the brokers would let readers do more than they are allowed, or keep them out."""


GROUPS_MAX = 256
