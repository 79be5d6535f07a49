"""What a translator makes of a document: items, each a canonical event with the way back to where it came from."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from schemas.faults import Fault, Severity, pointer

if TYPE_CHECKING:
    from schemas.translate.edifact.profile import Profile

Event = dict[str, Any]


class Context(Struct, frozen=True, kw_only=True):
    """What a document does not say itself, from the partner's settings and the request."""

    source: str | None = None
    """CloudEvents `source` of the events; None: the format's own (`schemas/formats/translated.md`)."""
    time_zone: str | None = None
    """IANA name of the zone of times without an offset, in formats that have no place for one; None: unknown."""
    event_type: str | None = None
    """The type of the events of a document that does not say it, such as a table of one type; None: it says so."""
    items_max: int = 1_000
    edi_senders: frozenset[str] | None = None
    """The UNB senders that the credential may send EDIFACT for; empty: none is agreed; None: nobody knows here."""
    edi_sender_taken: Callable[[str], bool] | None = None
    """Whether a UNB sender is agreed with another partner; None: nobody knows here."""
    profile: Profile | None = None
    """The mapping profile of the partner, for EDIFACT; None: codes mean what the guides say."""


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """One event of a document, or what is wrong with it.

    `faults` are those of translation, with places in the document. `event` is None where there is nothing to check any
    further: every fault is then in `faults`, at least one of severity ERROR.
    """

    index: int
    """From 0, in document order."""
    place: str
    """Where it stands in the document: a JSON Pointer, or a row such as `row 5` or `Gate moves!5`."""
    event: Event | None = None
    faults: tuple[Fault, ...] = ()
    origins: Mapping[str, str] = {}
    """JSON Pointer into `event` → place in the document; what lies under a pointer came from under its place."""
    id: str = ""
    """The id as far as it is known, for the answer on an item without an event."""
    unmeant: bool = False
    """Valid, but without customs meaning: shared only where an agreement names its type."""

    def located(self, faults: Iterable[Fault]) -> list[Fault]:
        """Faults of the canonical event with their places in the document; a place that came from nowhere is the
        item's own, for the sender left something out. What the translation has called wrong already is not told twice:
        a cell that could not be read is no missing member as well."""
        told = {each.place for each in self.faults if each.severity is Severity.ERROR}
        located = [replace(each, place=self._place(each.place)) for each in faults]
        return [each for each in located if each.place not in told] if told else located

    def origins_of(self, value: object, top: str) -> Iterator[str]:
        """Where in the document each thing in the value at the pointer `top` came from, as narrowly as is known."""
        for at in _leaves(value, top):
            while at not in self.origins and at != top:
                at = at.rpartition("/")[0]
            yield self.origins.get(at, self.place)

    def _place(self, at: str) -> str:
        head, rest = at, ""
        while head:
            if (origin := self.origins.get(head)) is not None:
                return origin + rest if origin.startswith("/") else origin
            head, _, name = head.rpartition("/")
            rest = f"/{name}{rest}"
        return self.place


def _leaves(value: object, at: str) -> Iterator[str]:
    """Pointers to what is in a value at `at`: itself, where nothing is in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield at
    for name, each in inner:
        yield from _leaves(each, at + pointer(name))


class Translation(Struct, frozen=True, kw_only=True):
    """A document that could be opened: its format (`epcis/2.0`, `dcsa-tt/3.0`, `csv/1` …) and its items, to be gone
    through once."""

    format: str
    items: Iterable[Item]
    foreign: bool = True
    """A format of others: a member that a type asks for and the document does not carry is a warning. In the hub's own
    formats it is an error."""
    time_stated: bool = False
    """Whether the document says when each event was made; if not, `time` is only as good as `occurred_at`."""

    def needless(self, item: Item, needed: Container[str]) -> Iterator[tuple[str, str]]:
        """The members of an item's `data` that are not among these, each with every place in the document that it came
        from. What the hub keeps under `extensions`, an event of others' formats as it was sent, is none."""
        data = (item.event or {}).get("data", {})
        for name in data:
            if name not in needed and not (self.foreign and name == "extensions"):
                places = dict.fromkeys(item.origins_of(data[name], pointer("data", name)))
                yield from ((name, each) for each in places if each != item.place or len(places) == 1)
