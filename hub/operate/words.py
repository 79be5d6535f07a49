"""Which acts may rest on whose word without an operator's signature, and what each may make of which objects.

One closed table for who checks the audit trail: an act that is not in it is not believed. Where the trail cannot prove
who asked (a partner, an administration, the hub itself), the row keeps the act to what that one could have asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from hub.core.enrolment import Step
from hub.core.proposal import Authority
from hub.core.registry import KINDS

Plain = Mapping[str, Any]
Rule = Callable[[Plain | None, Plain], bool]
"""Whether an object may become so, from what it was; None: it is new."""
Row = Mapping[str, Rule]
"""By kind, what an act may make of its objects."""
ANY: Collection[Any] = ()


def _only(**members: Collection[Any]) -> Rule:
    """Nothing but these members of a known object changes, each to one of the values (`ANY`: to whatever)."""

    def rule(before: Plain | None, after: Plain) -> bool:
        if before is None:
            return False
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        return all(name in members and (not members[name] or after.get(name) in members[name]) for name in changed)

    return rule


def _either(*rules: Rule) -> Rule:
    return lambda before, after: any(rule(before, after) for rule in rules)


def _asked_for(before: Plain | None, after: Plain) -> bool:
    return before is None and after["state"] == "requested"


def _rotated_in(before: Plain | None, after: Plain) -> bool:
    return before is None and bool(after["rotated_by"])


def _new(before: Plain | None, _: Plain) -> bool:
    return before is None


def _of_its_holder(before: Plain | None, after: Plain) -> bool:
    return before is None or before["partner"] == after["partner"]


def _signed(before: Plain | None, after: Plain) -> bool:
    """A signature starts nothing that officers have stopped."""
    state = "" if before is None else before["state"]
    if state == "suspended":
        return _only(signatures=ANY)(before, after)
    return state == "proposed" and _only(state=("active",), signatures=ANY)(before, after)


def _told(_: Plain | None, __: Plain) -> bool:
    """It only says that something stops."""
    return True


_REVOKED = _only(state=("revoked",), not_after=ANY)
_WITHDRAWN = _only(state=("withdrawn",), withdrawal=ANY)
_ENDED = _only(ended=(True,))
_SUSPENDED = _only(state=("suspended",))
_ENDED_AGREEMENT = _only(state=("ended",), copies=((), None))
_ENDED_FEED = _only(ended=(True,), version=ANY)
_STOPPED_OPERATOR = _only(state=("suspended", "removed"))

STOPS: Mapping[str, Row] = {
    "partner.suspend": {"partner": _only(state=("suspended",))},
    "arrangement.end": {"arrangement": _ENDED},
    "aeo.feed.end": {"status_feed": _only(keys=((), []))},
    "key.revoke": {"key": _REVOKED, "mandate": _WITHDRAWN, "kafka_access": _REVOKED},
    "key.refuse": {"key": _REVOKED},
    "key.disown": {"key": _REVOKED, "mandate": _WITHDRAWN, "agreement": _SUSPENDED, "kafka_access": _REVOKED},
    "key.leaked": {
        "key": _REVOKED,
        "certificate": _REVOKED,
        "api_key": _REVOKED,
        "mandate": _WITHDRAWN,
        "agreement": _SUSPENDED,
        "kafka_access": _REVOKED,
        "leak": _told,
    },
    "invitation.end": {"invitation": _only(state=("ended",))},
    "api-key.revoke": {"api_key": _REVOKED, "kafka_access": _REVOKED},
    "certificate.revoke": {"certificate": _REVOKED, "kafka_access": _REVOKED},
    "kafka-access.revoke": {"kafka_access": _REVOKED},
    "issuer-key.remove": {"issuer_key": _only(removed=(True,))},
    "agreement.suspend": {"agreement": _SUSPENDED},
    "agreement.end": {"agreement": _ENDED_AGREEMENT, "feed": _ENDED_FEED},
    "agreement.lapse": {"agreement": _ENDED_AGREEMENT, "feed": _ENDED_FEED},
    "feed.end": {"feed": _ENDED_FEED},
    "endpoint.pause": {"endpoint": _only(state=("paused",), since=ANY)},
    "endpoint.end": {"endpoint": _only(state=("ended",), since=ANY)},
    "mandate.withdraw": {"mandate": _WITHDRAWN},
    "mandate.stop": {"mandate": _WITHDRAWN},
    "seal-key.leaked": {"retired_key": _told},
    "token-key.leaked": {"retired_key": _told},
    "quarantine.stop": {"settlement": _only(stopped=(True,))},
    "operator.suspend": {"operator": _STOPPED_OPERATOR},
    "operator.remove": {"operator": _STOPPED_OPERATOR},
}
"""What the user of the machine may do alone once there are operators."""

WORDS: Mapping[str, Mapping[str, Row]] = {
    Authority.LOCAL: STOPS,
    Authority.PARTNER: {
        "enrolment.key": {"invitation": _only(state=("used",), key=ANY), "key": _asked_for, "enrolment": _told},
        "key.succeed": {"key": _either(_rotated_in, _only(state=("grace",), not_after=ANY))},
        "key.disown": STOPS["key.disown"],
        "mandate.grant": {"mandate": _either(_new, _only(state=("granted",), grant=ANY))},
        "mandate.withdraw": STOPS["mandate.withdraw"],
        "agreement.sign": {"agreement": _signed},
    },
    Authority.ISSUER: {"aeo.tell": {"authorisation": _of_its_holder, "status_feed": _only(sequence=ANY, heard_at=ANY)}},
    Authority.HUB: {
        "enrolment.step": {"enrolment": _only(clock_offset_seconds=ANY, **{step.value: ANY for step in Step})},
        "proposal.stale": {"proposal": _only(state=("stale",))},
        "agreement.lapse": STOPS["agreement.lapse"],
        "agreement.note-copies": {"agreement": _only(copies=ANY)},
        "endpoint.report": {"endpoint": _only(state=("active", "failing", "disabled", "gone"), since=ANY)},
    },
}


def departures(authority: str, act: str, changes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What of the changes is not for this act on this word."""
    row = WORDS[authority].get(act)
    if row is None:
        yield f"is on the word of {authority}, which is not enough for {act}"
        return
    for change in changes:
        kind = change["kind"]
        rule, before = row.get(kind), change["before"]
        if rule is None or not rule(
            None if before is None else _members(kind, before), _members(kind, change["object"])
        ):
            yield f"makes of {kind} {change['id']} what {act} on the word of {authority} may not"


def _members(kind: str, item: Any) -> Plain:
    """Of an object as today's hub reads it, each with its value, also where that is left out as the default."""
    return msgspec.structs.asdict(msgspec.convert(item, KINDS[kind]))
