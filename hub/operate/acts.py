"""What every act of an operator is made of: a request, the basis that it is decided on, and the changes it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from hub.core.copies import Entry, Quarantined
from hub.core.dead_letter import DeadLetter
from hub.core.endpoint import Endpoint, Failure, Sending
from hub.core.filter import EventSchemas
from hub.core.kafka_access import Listeners
from hub.core.operator import Effect, OperatorRole
from hub.core.registry import Registered, Snapshot
from hub.core.retired_key import Ring
from hub.core.settings import MandateSettings
from hub.operate.checks import Checks
from hub.operate.letter_desk import Foresee, Opened
from hub.ports.access_journal import Entry as AccessEntry
from hub.ports.access_journal import Query
from hub.ports.dead_letters import Group, Which
from hub.ports.last_use import Use


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all requests: an operator may always say why."""

    reason: str = ""


class Quarantine(Protocol):
    """The copies of documents in which something was found that set them apart."""

    async def quarantined(self) -> Sequence[Quarantined]:
        """Those that were not settled yet, in no order."""

    async def entry(self, partner: str, sha256: str) -> Entry | None: ...

    async def unmark(self, partner: str, sha256: str) -> None:
        """Leave it out of `quarantined` from now on."""


class Letters(Protocol):
    """The dead letters, as they are looked at. Raises `HubError` where they cannot be."""

    @property
    def foresee(self) -> Foresee: ...

    async def groups(self) -> Sequence[Group]: ...

    async def get(self, name: str) -> DeadLetter | None: ...

    async def page(self, which: Which, *, limit: int) -> Sequence[DeadLetter]: ...

    async def superseded(self, letters: Sequence[DeadLetter]) -> Collection[str]: ...

    async def opened(self, letter: DeadLetter) -> Opened: ...

    async def lay_down(self, letter: DeadLetter, data: Mapping[str, Any]) -> str:
        """Keep the corrected data of a repair, and return their place."""

    async def corrected(self, letter: DeadLetter, place: str) -> dict[str, Any] | None: ...


class Journal(Protocol):
    """The access journal, as it is looked at. Raises `HubError` where it cannot be."""

    async def entries(self, query: Query, *, limit: int) -> Sequence[AccessEntry]: ...


class Apart(Struct, frozen=True):
    """What was set apart, and waits for somebody to decide."""

    copies: Quarantine
    letters: Letters
    failure: Callable[[Endpoint], Awaitable[Failure | None]]
    """What went wrong with an endpoint last, and whether it is over. Raises `HubError` where that cannot be read."""
    accesses: Journal


class Basis(Struct, frozen=True):
    """What an act is decided on. `now` is seconds since 1970."""

    snapshot: Snapshot
    now: int
    event_types: EventSchemas
    """So that no agreement or feed waits for a misspelt type, or for a value that no event can have."""
    key_in_use: Callable[[Ring], str]
    """The id of the hub's own key that is used for something now. Raises `HubError`."""
    key_grace_seconds: int
    key_validity_seconds: int
    key_unused_seconds: int = 0
    uses: Mapping[str, Use] = {}
    """The last uses of credentials, where a view asks for them."""
    hub: str = ""
    """Its name, without which nothing that was signed is for it."""
    actor: str = ""
    """Who asks: an operator's id, or the user of the hub's machine."""
    made: int = 0
    """When what is signed was put together, seconds since 1970: what came since, its signers did not see."""
    may_know: Callable[[str], bool] = lambda _: True
    """Whether who looks may know what was asked for in an act, and why."""
    mandates: MandateSettings = MandateSettings()
    listeners: Listeners = Listeners()
    """Where recipients may read their feeds from Kafka itself."""
    webhooks: Sending = Sending()
    found: Sequence[Any] = ()
    """What the act's own `gather` found."""


Gather = Callable[[Any, Snapshot, Apart], Awaitable[Sequence[Any]]]
"""Looks up what a request is about and the registry does not hold."""


Changes = tuple[Registered, ...]
"""Objects as they are to be from the next revision on; empty if all is as asked already."""


class Act(Struct, frozen=True):
    """One verb: `decide` is pure, tells `Checks` every fault, and returns the changes if there is none."""

    request: type[Request]
    decide: Callable[[Any, Basis, Checks], Changes]
    effect: Effect
    """How many people it takes; one that keeps takes two for the changes that `starts` tells of."""
    roles: frozenset[OperatorRole]
    """Who may do it, or sign it as the second."""
    gather: Gather | None = None
    is_large: bool = False
    """Asked with thousands of rows, or with a filter of which much is to be proved: it is decided, written and told on
    a thread, while others have their turn."""
    in_haste: bool = False
    """The second may be whoever is on call, in any role that changes something; another person looks at it later."""
    proves_itself: bool = False
    """What it asks for is signed by whom it is about: whoever brings it only carries it."""
    starts: Callable[[Any, Any], bool] | None = None
    """Whether an object, as it was (None: it is new) and as it is to be, lets somebody do more, or moves whom the
    second pair of eyes would ask."""

    def effect_of(self, changes: Iterable[tuple[Any, Any]]) -> Effect:
        """Of what it does to these objects, each as it was and as it is to be."""
        if self.starts is not None and any(self.starts(before, after) for before, after in changes):
            return Effect.STARTS
        return self.effect
