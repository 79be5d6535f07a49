"""The audit trail, checked from its first event on by nothing but itself (`schemas/formats/audit.md`).

Theory of operation. The trail holds every version of every object, the operators and their public keys among them. So
whoever goes through it in order knows, at each event, who could sign what, and what each object was before. What has to
be believed is the first operator's key; `customs-hub audit verify` shows its id, to be compared with the person's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.core.approval import ActStatement, replaced_digest
from hub.core.operator import ANYONE, Effect, Operator, OperatorKey
from hub.core.proposal import AUDIT_FORMAT, Authority
from hub.core.registry import KINDS
from hub.operate.registrar import ACTS
from hub.trust.act import is_signed_by, open_act
from hub.trust.jws import Flaw

Event = Mapping[str, Any]
MAKE = "proposal.make"


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
        self._keys: dict[str, tuple[str, OperatorKey]] = {}

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
            case Authority.SETUP if self._operators:
                yield "is of the machine's user alone, though there are operators"
            case Authority.LOCAL if (act := ACTS.get(event["act"])) is not None and act.effect is not Effect.STOPS:
                yield "is of the machine's user alone, and stops nothing"
            case Authority.SIGNED:
                yield from self._signature_faults(event)
            case Authority.TOKEN if event["changes"] or event["actor"] not in self._operators:
                yield "is on the word of a token, and changes something or names no operator"
            case Authority.SETUP | Authority.LOCAL | Authority.TOKEN | Authority.PARTNER | Authority.HUB:
                if "signatures" in event:
                    yield "has signatures, and does not rest on them"
            case _:
                yield "does not say on whose word it was done"

    def _faults_of(self, change: Event, format_: int) -> Iterator[str]:
        named = (change["kind"], change["id"])
        known = self._last.get(named)
        if format_ < AUDIT_FORMAT or "since" not in change or (known is not None and known[0] < AUDIT_FORMAT):
            return  # Version 1 kept objects in the shapes of its time, and nothing of what was before.
        since, before = (known[1], known[2]) if known is not None else (0, None)
        if change["since"] != since or _shaped(named[0], change["before"]) != _shaped(named[0], before):
            yield f"{named[0]} {named[1]} was not so before"

    def _signature_faults(self, event: Event) -> Iterator[str]:
        # 1. Each signature is by a key that the operator named had then, over one statement.
        names, text = event["actor"].split(", "), event["statement"]
        if len(names) != len(event["signatures"]) or len(set(names)) != len(names):
            yield "is not signed by those whom it names, each once"
            return
        for name, jws in zip(names, event["signatures"], strict=True):
            if not self._is_signature(name, text, jws):
                yield f"is not signed by {name}"
        # 2. The statement is of this act and these objects, as they were.
        statement = msgspec.json.decode(text, type=ActStatement)
        if statement.canonical() != text.encode():
            yield "its statement is not canonical"
        if event["act"] == MAKE:
            if [change["object"].get("statement") for change in event["changes"]] != [text]:
                yield "its proposal is not what was signed"
        else:
            yield from _departures(statement, event)
        # 3. There are as many people as the act takes, with a role for it.
        act = ACTS.get(statement.act)
        if act is None:
            return
        alone = event["act"] == MAKE or act.effect is not Effect.STARTS or self._may_be_alone(statement)
        if len(names) < (1 if alone else 2):
            yield "takes two signatures"
        if act.roles.isdisjoint(self._roles(names[0])) or (ANYONE if act.in_haste else act.roles).isdisjoint(
            self._roles(names[-1])
        ):
            yield "is signed without a role for it"

    def _is_signature(self, name: str, text: str, jws: str) -> bool:
        opened = open_act(text.encode(), jws)
        if isinstance(opened, Flaw):
            return False
        owner, key = self._keys.get(opened.header.kid, ("", None))
        return key is not None and owner == name and is_signed_by(key, opened)

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
                for key in operator.keys:
                    self._keys.setdefault(key.id, (operator.id, key))
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


def _shaped(kind: str, item: Any) -> Any:
    """An object as today's hub reads it: a member that it has gained since says nothing."""
    try:
        return msgspec.convert(item, KINDS[kind]) if item is not None else None
    except (KeyError, msgspec.ValidationError):
        return item
