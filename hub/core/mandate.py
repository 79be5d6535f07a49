"""Mandates: by which a principal lets an agent report for it (`schemas/formats/mandate.md`).

An agent that may lets another partner act in its place, by a mandate that rests on its own; such a chain allows what
each of its links allows, and ends with the first one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from math import inf

from msgspec import Struct

from hub.core.agreement import types_cover

LINKS_MAX = 3


class MandateState(StrEnum):
    SIGNED = "signed"
    """By the only system that its principal has for it: an officer countersigns it."""
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class SignedText(Struct, frozen=True, omit_defaults=True):
    """RFC 8785 JSON, and the compact JWS over it of each key of the principal that signed it."""

    text: str
    signatures: tuple[str, ...]


class Mandate(Struct, frozen=True, omit_defaults=True):
    """One mandate. `name` is a slug, never reused at its principal; times are seconds since 1970."""

    principal: str
    name: str
    agent: str
    publisher: str
    """Whose events are reported: the principal, or that of the outermost mandate which this one rests on."""
    types: tuple[str, ...]
    """Event types, as in agreements."""
    valid_from: int
    valid_to: int
    grant: SignedText
    sources: tuple[str, ...] = ()
    """The only CloudEvents sources; empty: all."""
    subjects: tuple[str, ...] = ()
    """The only schemes of the objects that events are about; empty: all."""
    sub_delegation: bool = False
    under: str = ""
    """The id of the mandate that this one rests on."""
    state: MandateState = MandateState.SIGNED
    withdrawal: SignedText | None = None

    @property
    def id(self) -> str:
        return f"{self.principal}/{self.name}"

    def in_force(self, now: int) -> bool:
        """By itself, whatever becomes of those that it rests on."""
        return self.state is MandateState.GRANTED and self.valid_from <= now < self.valid_to


Find = Callable[[str], Mandate | None]
"""The newest version of a mandate, by its id."""
Chain = Sequence[Mandate]
"""A mandate and those that it rests on, innermost first."""


class Leave(Struct, frozen=True):
    """What a chain lets an agent report of one type."""

    mandate: str
    sources: frozenset[str] | None
    subjects: frozenset[str] | None
    """None: all."""
    until: float
    """Seconds since 1970 at which it ends by itself."""

    def covers(self, source: str, scheme: str) -> bool:
        return (self.sources is None or source in self.sources) and (self.subjects is None or scheme in self.subjects)


def acting(agent: str, publisher: str) -> str:
    """What the mandates by which `agent` acts for `publisher` are found under."""
    return f"{agent}\x1f{publisher}"


def chain_of(mandate: Mandate, find: Find) -> Chain:
    """The mandate with all that it rests on; empty if that has no end within `LINKS_MAX`, or a link is missing."""
    chain = [mandate]
    while chain[-1].under:
        outer = find(chain[-1].under)
        if outer is None or len(chain) == LINKS_MAX:
            return ()
        chain.append(outer)
    return chain


def may_act(
    agent: str, publisher: str, event_type: str, chain: Chain, *, active: Callable[[str], bool], now: int
) -> Leave | None:
    """What the chain lets `agent` report of a type for `publisher` at `now`; None: nothing."""
    # 1. It leads from the agent to the publisher, each link given by the agent of the next, who was free to.
    if not chain or chain[0].agent != agent or chain[-1].principal != publisher:
        return None
    for inner, outer in pairwise(chain):
        if inner.principal != outer.agent or not outer.sub_delegation:
            return None
    # 2. Each link is in force, and means this type.
    if not all(link.in_force(now) and types_cover(link.types, event_type) for link in chain):
        return None
    # 3. Everybody who takes part in it is active.
    if not all(map(active, (agent, *(link.principal for link in chain)))):
        return None
    # 4. What is left of sources and subjects is what all links allow.
    sources, subjects = _common(link.sources for link in chain), _common(link.subjects for link in chain)
    return Leave(chain[0].id, sources, subjects, min(link.valid_to for link in chain))


def represents(chain: Chain, now: int) -> bool:
    """Whether it lets anything be reported at all."""
    return bool(chain) and all(link.in_force(now) for link in chain)


def changes_at(chains: Iterable[Chain], now: int) -> float:
    """Seconds since 1970 at which the date of any link comes next."""
    edges = (edge for chain in chains for link in chain for edge in (link.valid_from, link.valid_to))
    return min((edge for edge in edges if edge > now), default=inf)


def _common(limits: Iterable[tuple[str, ...]]) -> frozenset[str] | None:
    common: frozenset[str] | None = None
    for limit in limits:
        if limit:
            common = frozenset(limit) if common is None else common.intersection(limit)
    return common
