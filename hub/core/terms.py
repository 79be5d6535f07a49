"""What agreements let a recipient see of an event: a function of the record's stamps and the registry.

An event stamped with revision r is decided with the agreements in force at max(r, `since`), and with the facts stamped
into it; what is true now may only take away. So an agreement counts where both its version of that revision and its
newest version cover the event, and allows what both allow. The dates of an agreement are compared with the moment the
event was received: `valid_from` says how far back history is shown. What came while it was suspended it never shows:
that is asked of r itself, whatever `since` is.

All of this is worked out once for each (revision, publisher, facts, type), as a step function of time; then an event
costs a dictionary look-up. Only where agreements have conditions is the event itself opened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Conditions, Purpose, type_matches
from hub.core.event import Event
from hub.core.fields import beyond, join, meet
from hub.core.partner import Facts, Role, Tier
from hub.core.registry import Snapshot
from hub.core.retention import oldest_archived, oldest_kept
from schemas.headers import EventHeader

RULES_KEPT_MAX = 65_536
GRANTS_KEPT_MAX = 64
"""Of one step of a rule with conditions, by which of them an event meets."""
_MICROSECONDS = 1_000_000
_FOR_EVER = 1 << 62


Party = tuple[str, Purpose]
"""A recipient, and what it is given events for."""


class Grant(Struct, frozen=True):
    """What may be shown of an event: JSON Pointers, or `*`; and the agreements that this rests on."""

    fields: tuple[str, ...]
    agreements: tuple[str, ...]


class Term(Struct, frozen=True):
    """One version of an agreement beside its newest version: what counts is what both say."""

    begins: int
    """The revision at which this version began."""
    ends: int
    """The revision at which the next one began."""
    then: Agreement
    now: Agreement
    oldest: int = 0
    """What was received before is older than the recipient may keep it; seconds since 1970."""
    suspended: tuple[tuple[int, int], ...] = ()
    """The stretches of revisions in which the agreement was suspended: from, until (exclusive)."""

    def covers(self, stamped: int, revision: int, publisher: str, facts: Facts, event_type: str) -> bool:
        """Whether it counts for an event that was `stamped` with one revision and is decided by a later one, or by the
        same."""
        return (
            self.begins <= revision < self.ends
            and not any(begins <= stamped < ends for begins, ends in self.suspended)
            and all(
                version.provider.covers(publisher, facts) and version.covers_type(event_type)
                for version in (self.then, self.now)
            )
        )

    def window(self) -> tuple[int, int]:
        """From when until when (exclusive) events must have been received, microseconds since 1970."""
        ends = [version.valid_to for version in (self.then, self.now) if version.valid_to is not None]
        first = max(self.then.valid_from, self.now.valid_from, self.oldest) * _MICROSECONDS
        return first, min(ends) * _MICROSECONDS if ends else _FOR_EVER

    def fields(self) -> tuple[str, ...]:
        return meet(self.then.fields, self.now.fields)

    def conditions(self) -> tuple[Conditions, ...]:
        """What the event itself has to say, by either version."""
        return tuple(each.conditions for each in (self.then, self.now) if each.conditions != Conditions())


class Terms:
    """The agreements between all providers and one recipient for one purpose, by provider."""

    def __init__(self) -> None:
        self.revisions: list[int] = []
        """Where anything changes, ascending once `Agreements` is built."""
        self.named: set[str] = set()
        """The partners that any version names as provider; all others are covered by classes alone."""
        self._of: defaultdict[str | None, list[Term]] = defaultdict(list)

    def add(self, term: Term) -> None:
        self._of[term.then.provider.partner].append(term)
        self.named.update(each.provider.partner for each in (term.then, term.now) if each.provider.partner)
        self.revisions += [term.begins, term.ends, *chain.from_iterable(term.suspended)]

    def covering(self, header: EventHeader, revision: int, facts: Facts) -> list[Term]:
        """Those that count for the event, decided by `revision`, whatever it says itself."""
        publisher = header.publisher
        candidates = [*self._of.get(publisher, ()), *self._of.get(None, ())]
        return [term for term in candidates if term.covers(header.revision, revision, publisher, facts, header.type)]

    def standing(self, now: int, *, until: int = 0) -> Terms:
        """Those whose last day has not passed at `now` (seconds since 1970): nothing is shown on the others any more,
        nor of what is older than its recipient may keep it; `until`: at that moment already, if it is later.

        From when on an agreement shows events is a matter of when those were received.
        """
        return self._since(now, lambda agreement, at: oldest_kept(agreement, max(at, until)))

    def ends(self) -> int:
        """When the first of them ends by what it says itself; seconds since 1970."""
        ends = (term.now.valid_to for group in self._of.values() for term in group if term.now.valid_to is not None)
        return min(ends, default=_FOR_EVER)

    def archived(self, now: int) -> Terms:
        """The same of what the log has let go of: each shows no more than it asks to be kept."""
        return self._since(now, oldest_archived)

    def _since(self, now: int, oldest: Callable[[Agreement, int], int]) -> Terms:
        return self._only(
            lambda term: (
                replace(term, oldest=oldest(term.now, now))
                if term.now.valid_to is None or now < term.now.valid_to
                else None
            )
        )

    @cached_property
    def direct(self) -> Terms:
        """Those that let their events be read from Kafka itself: looked for once, whatever feeds rest on them."""
        return self._only(lambda term: term if term.then.direct and term.now.direct else None)

    def _only(self, kept: Callable[[Term], Term | None]) -> Terms:
        """What becomes of each of them, but for those that are not kept. Nothing changes but where one of all does."""
        terms = Terms()
        terms.revisions, terms.named = self.revisions, self.named
        for provider, group in self._of.items():
            terms._of[provider] = [each for each in map(kept, group) if each is not None]
        return terms

    def fields(self, publisher: str | None = None) -> tuple[str, ...]:
        """What any of them allows at most; of one publisher: any that may cover it."""
        groups = self._of.values() if publisher is None else [self._of.get(publisher, ()), self._of.get(None, ())]
        return join(term.fields() for group in groups for term in group)


class Agreements:
    """The agreements that have not ended at one registry revision, by recipient and purpose, with all versions."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.revision = snapshot.revision
        self._terms: defaultdict[tuple[str, Purpose], Terms] = defaultdict(Terms)
        self._of: defaultdict[str | None, list[Term]] = defaultdict(list)
        """By the partner that either version names as provider; None: they name classes."""
        self._of_class: dict[tuple[Facts, str], frozenset[Party]] = {}
        for now in snapshot.agreements:
            if now.holds:
                self._add(now, snapshot.agreements.versions(now.id))
        for terms in self._terms.values():
            terms.revisions = sorted(set(terms.revisions))

    def _add(self, now: Agreement, versions: Sequence[tuple[int, Agreement]]) -> None:
        ends = [begins for begins, _ in versions[1:]] + [_FOR_EVER]
        stretches = [(begins, end, then) for (begins, then), end in zip(versions, ends, strict=True)]
        suspended = tuple((begins, end) for begins, end, then in stretches if then.state is AgreementState.SUSPENDED)
        for begins, end, then in stretches:
            if then.holds and (then.recipient, then.purpose) == (now.recipient, now.purpose):
                term = Term(begins, end, then, now, suspended=suspended)
                self._terms[now.recipient, now.purpose].add(term)
                self._of[then.provider.partner or now.provider.partner].append(term)

    def between(self, recipient: str, purpose: Purpose) -> Terms:
        return self._terms.get((recipient, purpose)) or Terms()

    def names(self, publisher: str) -> bool:
        """Whether any of them names this partner; those that do not are covered by classes alone."""
        return publisher in self._of

    def parties(self, publisher: str, facts: Facts, event_type: str) -> frozenset[Party]:
        """To whom, and for what, any version covers events like this: a bound from above, found without looking through
        the agreements of others."""
        of_class = self._of_class.get((facts, event_type))
        if of_class is None:
            if len(self._of_class) >= RULES_KEPT_MAX:
                self._of_class.clear()
            of_class = _parties(self._of.get(None, ()), "", facts, event_type)
            self._of_class[facts, event_type] = of_class
        return of_class | _parties(self._of.get(publisher, ()), publisher, facts, event_type)

    def purposes(self, recipient: str) -> Sequence[Purpose]:
        """For which purposes the recipient is given anything."""
        return sorted(purpose for to, purpose in self._terms if to == recipient)


def _parties(terms: Iterable[Term], publisher: str, facts: Facts, event_type: str) -> frozenset[Party]:
    return frozenset(
        (term.now.recipient, term.now.purpose)
        for term in terms
        if term.covers(term.begins, term.begins, publisher, facts, event_type)
    )


def facts_of(header: EventHeader) -> Facts:
    """What was true of the publisher when the event was taken, as stamped. Raises ValueError for odd ones."""
    tier, country, roles, aeo = header.facts
    return Facts(Tier(tier), country, tuple(map(Role, roles)), aeo)


def kept_agreements(snapshot: Callable[[], Snapshot]) -> Callable[[], Agreements]:
    """The agreements of the present snapshot; worked out anew where a revision has changed any."""
    kept = Agreements(snapshot())

    def agreements() -> Agreements:
        nonlocal kept
        now = snapshot()
        if kept.revision != now.revision:
            if now.agreements.changed_after(kept.revision):
                kept = Agreements(now)
            kept.revision = now.revision
        return kept

    return agreements


Step = Callable[[Event], Grant | None]


class _Rule(Struct, frozen=True):
    """A step function of time: from `starts[i]` on, `steps[i + 1]` holds; before the first, nothing.

    A step that is a function looks at the event; any other is the same for all.
    """

    starts: list[int]
    steps: list[Step | Grant | None]


_NOTHING = _Rule([], [None])


class Decisions:
    """What one recipient may be shown for one purpose."""

    def __init__(self, terms: Terms, *, since: int = 0, types: Sequence[str] = ("*",)) -> None:
        """`since`: the revision from which on it is shown anything at all; `types`: patterns of event types."""
        self._terms = terms
        self._since = since
        self._types = types
        self._rules: dict[tuple[object, ...], _Rule] = {}

    def fields(self, publisher: str | None = None) -> tuple[str, ...]:
        """What is shown of any event, or of one publisher's, at most."""
        return self._terms.fields(publisher)

    def revision(self, header: EventHeader) -> int:
        """The registry revision by which an event is decided."""
        return max(header.revision, self._since)

    def decide(self, header: EventHeader, event: Event) -> Grant | None:
        """What may be shown of the event; None: not even that there is one. Raises ValueError for odd facts, and where
        a condition looks into an event that is no JSON object."""
        # By which revision it is decided follows from its own: nothing between two of `revisions` makes a difference.
        epoch = bisect_right(self._terms.revisions, header.revision)
        publisher = header.publisher if header.publisher in self._terms.named else ""
        key = (epoch, publisher, header.facts, header.type)
        rule = self._rules.get(key)
        if rule is None:
            rule = self._remember(key, self._work_out(header))
        step = rule.steps[bisect_right(rule.starts, header.received_us)]
        return step(event) if callable(step) else step

    def covering(self, event: Event) -> list[Agreement]:
        """The agreements, as they are now, that cover the event, each by itself. Raises ValueError as `decide` does."""
        header = event.header
        terms = self._terms.covering(header, self.revision(header), facts_of(header))
        return [
            term.now
            for term in terms
            if term.window()[0] <= header.received_us < term.window()[1]
            and all(map(event.said.meets, term.conditions()))
        ]

    def _remember(self, key: tuple[object, ...], rule: _Rule) -> _Rule:
        if len(self._rules) >= RULES_KEPT_MAX:
            self._rules.clear()
        self._rules[key] = rule
        return rule

    def _work_out(self, header: EventHeader) -> _Rule:
        if not any(type_matches(pattern, header.type) for pattern in self._types):
            return _NOTHING
        terms = self._terms.covering(header, self.revision(header), facts_of(header))
        windows = [(term, *term.window()) for term in terms]
        starts = sorted({moment for _, first, last in windows for moment in (first, last)})
        steps = [[term for term, first, last in windows if first <= start < last] for start in starts]
        return _Rule(starts, [None, *map(_step, steps)])


def _step(terms: Sequence[Term]) -> Step | Grant | None:
    asked = list(dict.fromkeys(each for term in terms for each in term.conditions()))
    if not asked:
        return _grant(terms)

    @lru_cache(GRANTS_KEPT_MAX)
    def granted(met: frozenset[Conditions]) -> Grant | None:
        return _grant([term for term in terms if met.issuperset(term.conditions())])

    def step(event: Event) -> Grant | None:
        said = event.said
        return granted(frozenset(each for each in asked if said.meets(each)))

    return step


def _grant(terms: Sequence[Term]) -> Grant | None:
    """What several agreements allow together, resting on as few of them as need be."""
    allowed = {term.now.id: fields for term in terms if (fields := term.fields())}
    for agreement in sorted(allowed):
        others = [fields for other, fields in allowed.items() if other != agreement]
        if not beyond(allowed[agreement], join(others)):
            del allowed[agreement]
    return Grant(join(allowed.values()), tuple(sorted(allowed))) if allowed else None
