"""The audit trail, checked from its first event on by nothing but itself (`schemas/formats/audit.md`).

Theory of operation. The trail holds every version of every object, the operators and their public keys among them. So
whoever goes through it in order knows, at each event, who could sign what, and what each object was before. What has to
be believed is the first operator's key; `customs-hub audit verify` shows its id, to be compared with the person's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.core.approval import ActStatement, PendingProposal, ProposalState, Review, replaced_digest, statement_id
from hub.core.operator import ANYONE, Effect, Operator, OperatorKey
from hub.core.proposal import AUDIT_FORMAT, Authority
from hub.core.registry import KINDS
from hub.operate.acts import Act
from hub.operate.registrar import ACTS
from hub.operate.words import departures
from hub.trust.act import is_signed_by, open_act
from hub.trust.jws import Flaw

Event = Mapping[str, Any]
MAKE = "proposal.make"
DECIDED_SECONDS = 60
"""So long may have passed between the look at who signs and the time that the event bears."""


class Trail:
    """Takes the events in order, and tells of each what is wrong with it."""

    def __init__(self) -> None:
        self.revision = 0
        self.signed = 0
        self.first: OperatorKey | None = None
        """The key of the first operator: the one thing that the trail cannot prove."""
        self._last: dict[tuple[str, str], tuple[int, int, Any]] = {}
        """Of each object: the format and the revision of the last event about it, and what it said."""
        self._operators: dict[str, Operator] = {}
        self._proposed: set[tuple[str, str, str]] = set()
        """Who asked for what, and the signature over it."""

    def take(self, event: Event) -> Sequence[str]:
        try:
            faults = list(self._faults(event))
            self._remember(event)
        except (KeyError, TypeError, ValueError, AttributeError, msgspec.ValidationError):
            faults = ["is no audit event"]
        self.revision = event.get("revision", self.revision) if isinstance(event, Mapping) else self.revision
        return [f"revision {self.revision}: {fault}" for fault in faults]

    def _faults(self, event: Event) -> Iterator[str]:
        # 1. Revisions follow each other.
        if event["revision"] != self.revision + 1 or event["based_on"] != self.revision:
            yield f"follows revision {self.revision}"
        # 2. What was before is what the event before left.
        yield from (fault for change in event["changes"] for fault in self._faults_of(change, event["format"]))
        if event["format"] < AUDIT_FORMAT:
            return
        # 3. It was done on a word that was enough.
        match event["authority"]:
            case Authority.SIGNED:
                yield from self._signature_faults(event)
            case _ if "signatures" in event:
                yield "has signatures, and does not rest on them"
            case Authority.SETUP:
                yield from self._setup_faults(event)
            case Authority.TOKEN:
                if event["changes"] or event["act"] in ACTS or not self._may_act(event["actor"], event):
                    yield "is on the word of a token, and is more than a look of an operator"
            case Authority.LOCAL if not event["changes"] and event["act"] not in ACTS:
                pass  # A look at what is confidential.
            case Authority.LOCAL:
                yield from departures(Authority.LOCAL, event["act"], event["changes"][:-1])
                yield from _review_faults(event, event["changes"][-1:], event["changes"][:-1])
            case Authority.PARTNER | Authority.ISSUER | Authority.HUB:
                yield from departures(event["authority"], event["act"], event["changes"])
            case _:
                yield "does not say on whose word it was done"

    def _setup_faults(self, event: Event) -> Iterator[str]:
        if self._operators:
            yield "is of the machine's user alone, though there are operators"
        operators = sum(change["kind"] == "operator" for change in event["changes"])
        if operators and (event["act"] != "operator.first" or len(event["changes"]) != 1):
            yield "registers an operator, and is not of the first one"

    def _faults_of(self, change: Event, format_: int) -> Iterator[str]:
        named = (change["kind"], change["id"])
        known = self._last.get(named)
        if format_ < AUDIT_FORMAT or "since" not in change or (known is not None and known[0] < AUDIT_FORMAT):
            return  # Version 1 kept objects in the shapes of its time, and nothing of what was before.
        since, before = (known[1], known[2]) if known is not None else (0, None)
        if change["since"] != since or _shaped(named[0], change["before"]) != _shaped(named[0], before):
            yield f"{named[0]} {named[1]} was not so before"

    def _signature_faults(self, event: Event) -> Iterator[str]:
        # 1. Each signature is by a live key of the operator named, who may act, over one statement; one that was taken
        #    with the proposal may be by a key that is out of use since.
        names, text = event["actor"].split(", "), event["statement"]
        if len(names) != len(event["signatures"]) or len(set(names)) != len(names):
            yield "is not signed by those whom it names, each once"
            return
        for name, jws in zip(names, event["signatures"], strict=True):
            if (name, text, jws) not in self._proposed and not self._is_signature(name, text, jws, event):
                yield f"is not signed by {name}"
            if not self._may_act(name, event):
                yield f"is signed by {name}, who may not act"
        # 2. The statement is of this act and these objects, as they were, and nothing else changes.
        statement = msgspec.json.decode(text, type=ActStatement)
        if statement.canonical() != text.encode():
            yield "its statement is not canonical"
        act = ACTS.get(statement.act)
        if act is None:
            yield f"is an act that there is not: {statement.act}"
            return
        if event["act"] == MAKE:
            yield from _proposal_faults(event, event["changes"], ProposalState.OPEN)
        else:
            yield from _departures(statement, event)
            is_alone = act.effect is Effect.STARTS and len(names) == 1
            yield from _faults_beside(statement, event, reviewed=act.effect is Effect.STOPS or act.in_haste or is_alone)
        # 3. There are as many people as the act takes, with a role for it.
        alone = event["act"] == MAKE or _effect(act, statement, event) is not Effect.STARTS
        alone = alone or self._may_be_alone(statement)
        if len(names) != (1 if alone else 2):
            yield "takes two signatures" if not alone else "takes one signature"
        if len(names) == 2 and (names[0], text, event["signatures"][0]) not in self._proposed:
            yield "was not proposed by the first who signed it"
        second = ANYONE if act.in_haste and len(names) == 2 else act.roles
        if act.roles.isdisjoint(self._roles(names[0])) or second.isdisjoint(self._roles(names[-1])):
            yield "is signed without a role for it"

    def _is_signature(self, name: str, text: str, jws: str, event: Event) -> bool:
        opened, operator = open_act(text.encode(), jws), self._operators.get(name)
        if isinstance(opened, Flaw) or operator is None:
            return False
        keys = {key.id: key for key in operator.live_keys(_decided(event))}
        key = keys.get(opened.header.kid)
        return key is not None and is_signed_by(key, opened)

    def _may_act(self, name: str, event: Event) -> bool:
        operator = self._operators.get(name)
        return operator is not None and operator.may_act(_decided(event), self._operators.get)

    def _may_be_alone(self, statement: ActStatement) -> bool:
        return statement.act == "operator.add" and len(self._operators) == 1

    def _roles(self, name: str) -> Sequence[str]:
        operator = self._operators.get(name)
        return operator.roles if operator is not None else ()

    def _remember(self, event: Event) -> None:
        for change in event["changes"]:
            self._last[change["kind"], change["id"]] = (event["format"], event["revision"], change["object"])
            if change["kind"] == "operator":
                operator = msgspec.convert(change["object"], Operator)
                self._operators[operator.id] = operator
                self.first = self.first or operator.keys[0]
        if event["act"] == MAKE and "signatures" in event:
            self._proposed.add((event["actor"], event["statement"], event["signatures"][0]))
        self.signed += "signatures" in event


def _departures(statement: ActStatement, event: Event) -> Iterator[str]:
    changes = event["changes"][: len(statement.changes)]
    if statement.act != event["act"]:
        yield f"its signatures are for {statement.act}"
    if [(change["kind"], change["id"]) for change in changes] != list(statement.changes):
        yield "changes other objects than were signed for"
    elif statement.replaces != replaced_digest(
        [(change["kind"], change["id"], change["since"], change["before"]) for change in changes]
    ):
        yield "its signatures are for other objects than these were"


def _faults_beside(statement: ActStatement, event: Event, *, reviewed: bool) -> Iterator[str]:
    """Beside what was signed for stand the proposal that is settled by it, and the review that it asks for."""
    signed, beside = event["changes"][: len(statement.changes)], event["changes"][len(statement.changes) :]
    if len(event["signatures"]) == 2:
        yield from _proposal_faults(event, beside[:1], ProposalState.PERFORMED)
        beside = beside[1:]
    if reviewed:
        yield from _review_faults(event, beside[:1], signed)
        beside = beside[1:]
    if beside:
        yield "changes more than was signed for"


def _proposal_faults(event: Event, changes: Sequence[Event], state: ProposalState) -> Iterator[str]:
    """`changes`: what stands where the one proposal of the event has to."""
    text = event["statement"]
    signatures = [list(each) for each in zip(event["actor"].split(", "), event["signatures"], strict=True)]
    named = [("proposal", statement_id(text.encode()))]
    found = [msgspec.convert(change["object"], PendingProposal) for change in changes if change["kind"] == "proposal"]
    if [(change["kind"], change["id"]) for change in changes] != named or (
        found[0].statement,
        [[each.operator, each.jws] for each in found[0].signatures],
        found[0].state,
    ) != (text, signatures, state):
        yield "its proposal is not what was signed"


def _review_faults(event: Event, changes: Sequence[Event], of: Sequence[Event]) -> Iterator[str]:
    """`changes`: what stands where the one review of the event has to, of what became of the others."""
    named = [("review", str(event["revision"]))]
    found = [msgspec.convert(change["object"], Review) for change in changes if change["kind"] == "review"]
    if [(change["kind"], change["id"]) for change in changes] != named or (
        found[0].act,
        list(found[0].actors),
        list(found[0].changes),
        found[0].done,
    ) != (event["act"], event["actor"].split(", "), [(change["kind"], change["id"]) for change in of], False):
        yield "is not looked at by another person afterwards"


def _decided(event: Event) -> int:
    """Seconds since 1970, no later than when it was decided: it is stamped when it is written."""
    return int(event["time_us"]) // 1_000_000 - DECIDED_SECONDS


def _effect(act: Act, statement: ActStatement, event: Event) -> Effect:
    signed = event["changes"][: len(statement.changes)]
    return act.effect_of(
        (_shaped(change["kind"], change["before"]), _shaped(change["kind"], change["object"])) for change in signed
    )


def _shaped(kind: str, item: Any) -> Any:
    """An object as today's hub reads it: a member that it has gained since says nothing."""
    try:
        return msgspec.convert(item, KINDS[kind]) if item is not None else None
    except (KeyError, msgspec.ValidationError):
        return item
