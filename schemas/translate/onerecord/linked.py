"""As much of JSON-LD 1.1 as ONE Record's documents use: names, references and typed values, without fetching anything.

A context that is an object gives prefixes and terms; one that is an IRI is not looked up. Names without a prefix are
those of the cargo ontology, as the published context has them. What a context may cost is bounded: its names and IRIs
in count and length, an expanded event in the number of its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schemas.faults import pointer

CARGO = "https://onerecord.iata.org/ns/cargo#"
API = "https://onerecord.iata.org/ns/api#"
PREFIXES = {"cargo": CARGO, "api": API, "xsd": "http://www.w3.org/2001/XMLSchema#"}
"""What ONE Record's documents name so; a context may say otherwise."""

TERMS_MAX = 64
IRI_CHARACTERS_MAX = 256
VALUES_MAX = 20_000


VALUES_LOOKED_AT = 101
"""Of a member of an event: one more than a canonical event has subjects."""


class TooLarge(ValueError):
    """An event has more values than can be expanded."""


class Terms:
    """The prefixes and terms of a context, inside those of the contexts around it: nothing is copied inwards."""

    __slots__ = ("_outer", "_own")

    def __init__(self, given: object, outer: Terms | None) -> None:
        self._outer = outer
        self._own: dict[str, str] = {}
        for each in given if isinstance(given, list) else [given]:
            for name, value in each.items() if isinstance(each, dict) else ():
                iri = value.get("@id") if isinstance(value, dict) else value
                if isinstance(iri, str) and len(iri) <= IRI_CHARACTERS_MAX and len(self._own) < TERMS_MAX:
                    self._own[name] = iri

    def find(self, name: str) -> str | None:
        """The IRI of a prefix or term, or of `@vocab`."""
        terms: Terms | None = self
        while terms is not None:
            if (iri := terms._own.get(name)) is not None:
                return iri
            terms = terms._outer
        return None

    def inside(self, holder: Mapping[str, Any]) -> Terms:
        """The terms in force inside an object."""
        given = holder.get("@context")
        return self if given is None else Terms(given, self)

    def named(self) -> dict[str, str]:
        """All of them, as the context that they make."""
        return {**(self._outer.named() if self._outer is not None else {}), **self._own}


STANDARD = Terms(PREFIXES, None)


def expand(name: str, terms: Terms, *, term: bool = True) -> str:
    """The IRI of a name, a compact IRI or, unless it is an `@id`, a term; keywords and IRIs stay as they are."""
    if name.startswith("@"):
        return name
    prefix, colon, rest = name.partition(":")
    if not colon:
        return terms.find(name) or (terms.find("@vocab") or CARGO) + name if term else name
    if rest.startswith("//") or (base := terms.find(prefix)) is None:
        return name
    return base + rest


def types_of(holder: Mapping[str, Any], terms: Terms) -> list[str]:
    """The IRIs of the types of an object; `terms` are those around it."""
    inner = terms.inside(holder)
    given = holder.get("@type", holder.get("type"))
    return [expand(each, inner) for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)]


def name_of(holder: Mapping[str, Any], terms: Terms) -> str | None:
    """The IRI of an object; None for a blank node, which has no name outside of its document."""
    given = holder.get("@id")
    if not isinstance(given, str) or not given.strip() or given.startswith("_:"):
        return None
    return expand(given.strip(), terms.inside(holder), term=False)


class Node:
    """An object of a document: the members of its ontology by their local names, and where each stands."""

    __slots__ = ("_keys", "base", "given", "id", "outer", "terms")

    def __init__(self, given: Mapping[str, Any], base: str, outer: Terms) -> None:
        self.given = given
        self.base = base
        self.outer = outer
        self.terms = outer.inside(given)
        self.id = name_of(given, outer)
        self._keys: dict[str, str] = {}
        for key in given:
            iri = expand(key, self.terms)
            if iri.startswith((CARGO, API)):
                self._keys.setdefault(iri.partition("#")[2], key)

    def place(self, *terms: str) -> str:
        """Where the first of these members stands; if none does, where it would in this document's spelling."""
        for term in terms:
            if term in self._keys:
                return self.base + pointer(self._keys[term])
        known = next(((key, term) for term, key in self._keys.items()), ("cargo:", ""))
        return self.base + pointer(known[0].removesuffix(known[1]) + terms[0])

    def values(self, *terms: str, at_most: int = VALUES_LOOKED_AT) -> list[tuple[Any, str]]:
        """The values of the first of these members that is there, each with its place."""
        for term in terms:
            if term in self._keys:
                value, place = self.given[self._keys[term]], self.base + pointer(self._keys[term])
                if isinstance(value, list):
                    return [(each, f"{place}/{index}") for index, each in enumerate(value[:at_most])]
                return [] if value is None else [(value, place)]
        return []

    def literal(self, *terms: str) -> tuple[Any, str]:
        """The first value, out of `@value` if it is typed, and its place; None if there is none or it is a node."""
        for value, place in self.values(*terms):
            if isinstance(value, dict):
                inner = value.get("@value")
                return (None, place) if isinstance(inner, dict | list) else (inner, f"{place}/@value")
            return (None, place) if isinstance(value, list) else (value, place)
        return None, self.place(*terms)

    def text(self, *terms: str) -> str | None:
        """The first value, where it is a text that is not empty."""
        value, _ = self.literal(*terms)
        return value if isinstance(value, str) and value else None

    def nodes(self, *terms: str) -> list[Node]:
        """The values that are objects; a reference written as a text is an object with nothing but its `@id`."""
        found = []
        for value, place in self.values(*terms):
            if isinstance(value, dict):
                found.append(Node(value, place, self.terms))
            elif isinstance(value, str):
                found.append(Node({"@id": value}, place, self.terms))
        return found

    @property
    def id_place(self) -> str:
        return f"{self.base}/@id" if "@id" in self.given else self.base

    @property
    def types(self) -> list[str]:
        return types_of(self.given, self.outer)


def local(iri: str) -> str:
    """What stands after the last `#`, `/` or `:` of an IRI."""
    return iri[max(iri.rfind("#"), iri.rfind("/"), iri.rfind(":")) + 1 :]


def expanded(node: Node) -> Any:
    """An event in one form for its compact and its expanded spelling: full IRIs, every value in an array, no context;
    fractions as `Decimal`, for the canonical bytes.

    Raises `TooLarge` beyond `VALUES_MAX` values.
    """
    count = 0

    def of(value: Any, terms: Terms, name: str) -> Any:
        nonlocal count
        count += 1
        if count > VALUES_MAX:
            raise TooLarge
        if isinstance(value, list):
            return [of(each, terms, name) for each in value]
        if name in ("@id", "@type") and isinstance(value, str):
            return expand(value.strip(), terms, term=name == "@type")
        if not isinstance(value, dict):
            return {"@value": Decimal(repr(value)) if isinstance(value, float) else value}
        inner = terms.inside(value)
        members = {}
        for key, each in value.items():
            if key == "@value":
                members[key] = Decimal(repr(each)) if isinstance(each, float) else each
            elif key != "@context" and each is not None:
                made = of(each, inner, key)
                members[expand(key, inner)] = made if isinstance(made, list) or key == "@id" else [made]
        return members

    return of(node.given, node.outer, "")
