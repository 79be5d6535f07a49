"""The registrar: performs what operators ask for, whether it came over the admin socket or from the CLI in-process.

Every act walks one way: decode the request, decide it on the newest snapshot with all faults at once, make it one
`Proposal`, write it by compare-and-set. If another act came in between, it is decided again on what that one left.

Once there are operators an act comes with signatures: stopping takes one person and is looked at afterwards, starting
takes two over the same statement. The user of the hub's machine alone can then only stop.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from hub.core.approval import (
    FORMAT,
    PROPOSAL_SECONDS,
    REVIEW_SECONDS,
    ActStatement,
    PendingProposal,
    ProposalState,
    Review,
    Signature,
)
from hub.core.copies import CopyDecision
from hub.core.endpoint import Sending
from hub.core.errors import HubError, Refusal
from hub.core.filter import EventSchemas
from hub.core.kafka_access import Listeners
from hub.core.operator import Effect
from hub.core.proposal import Authority, Conflict, Proposal
from hub.core.registry import Registered, Snapshot, kind_of, object_id
from hub.core.retired_key import Ring
from hub.core.settings import MandateSettings
from hub.operate.acts import Apart, Basis, Changes, Gather, Request
from hub.operate.agreement_life import lacking
from hub.operate.approvals import told_state
from hub.operate.checks import Checks, decoded
from hub.operate.follow import LiveRegistry
from hub.operate.looks import Looks
from hub.operate.signing import (
    Signed,
    first_may_sign,
    names_of,
    proven,
    read_statement,
    replaces_now,
    second_may_sign,
    since_of,
)
from hub.operate.table import ACTS as ACTS
from hub.operate.table import VIEWS as VIEWS
from hub.operate.views import Plain, plain, shown_change
from hub.ports.last_use import LastUse
from hub.ports.system import Clock
from schemas.faults import Fault

RefusalListener = Callable[[str, Any, Sequence[Fault]], None]
"""Of the act, its request, and what is wrong with it."""

REASON_CHARACTERS_MAX = 500


class Done(Struct, frozen=True):
    """What an act left: the revision in force, and the objects that it changed (none: all was so already)."""

    revision: int
    changed: tuple[Plain, ...]


class Prepared(Struct, frozen=True):
    """An act as its author would sign it now."""

    statement: str
    effect: Effect
    changes: tuple[Plain, ...]
    """What it would make of the objects."""


class Waiting(Struct, frozen=True):
    """A first signature was taken; a second one is needed."""

    proposal: str
    act: str
    expires: int
    """Seconds since 1970."""


class Registrar:
    def __init__(
        self,
        live: LiveRegistry,
        *,
        hub: str,
        apart: Apart,
        clock: Clock,
        event_types: EventSchemas,
        key_in_use: Callable[[Ring], str],
        key_grace_seconds: int,
        key_validity_seconds: int,
        key_unused_seconds: int,
        last_use: LastUse,
        mandates: MandateSettings,
        listeners: Listeners,
        webhooks: Sending,
    ) -> None:
        """`hub`: its name, without which no statement is for it."""
        self._live = live
        self._hub = hub
        self._apart = apart
        self._clock = clock
        self._event_types = event_types
        self._key_in_use = key_in_use
        self._key_grace_seconds = key_grace_seconds
        self._key_validity_seconds = key_validity_seconds
        self._key_unused_seconds = key_unused_seconds
        self._mandates = mandates
        self._kafka_listeners = listeners
        self._webhooks = webhooks
        self._listeners: list[RefusalListener] = []
        self.looks = Looks(live, basis=self._basis_of, last_use=last_use, clock=clock)

    def on_refusal(self, listener: RefusalListener) -> None:
        """Call `listener` with each act that is refused for what it asks."""
        self._listeners.append(listener)

    async def perform(
        self, name: str, request: object, *, actor: str, authority: Authority = Authority.LOCAL
    ) -> Done | Refusal:
        """Do one of `ACTS` on somebody's word: by default that of the user of the hub's machine, who alone can only
        stop once there are operators. `PARTNER` and `HUB` are for callers that have proven who asks.

        Raises `Conflict` if others keep coming in between, and the registry's errors.
        """
        asked = decoded(request, ACTS[name].request)
        if isinstance(asked, Refusal):
            return asked
        return await self._live.insist(lambda: self._perform(name, asked, actor, authority))

    async def prepare(
        self, name: str, request: object, *, operator: str, remote: bool = False
    ) -> Prepared | Done | Refusal:
        """The statement that `operator` would sign; `Done` if all is so already.

        `remote`: asked for over the network, where it is only for who could sign it: what is registered shows in it.
        Raises as `perform` does.
        """
        if remote and (refusal := self.looks.may_not(operator, ACTS[name].roles)):
            return refusal
        asked = decoded(request, ACTS[name].request)
        if isinstance(asked, Refusal):
            return asked
        return await self._live.insist(lambda: self._prepare(name, asked, operator))

    async def _prepare(self, name: str, asked: Request, operator: str) -> Prepared | Done | Refusal:
        found = await self._gathered(ACTS[name].gather, asked)
        changes = await self._decide(name, asked, found, operator, tells=False)
        if isinstance(changes, Refusal):
            return changes
        if not changes:
            return Done(self._live.snapshot.revision, ())
        prepare = partial(self._prepared, name, asked, changes)
        return await to_thread(prepare) if ACTS[name].is_large else prepare()

    def _prepared(self, name: str, asked: Request, changes: Changes) -> Prepared:
        names = names_of(changes)
        replaces = replaces_now(names, self._live.snapshot)
        statement = ActStatement(FORMAT, self._hub, name, to_builtins(asked), names, replaces, self._now())
        return Prepared(
            statement.canonical().decode(), self._effect(name, changes), _told(changes, self._live.snapshot)
        )

    async def sign(self, statement: str, signature: str, *, local: bool = False) -> Done | Waiting | Refusal:
        """Take an operator's signature over a statement, and do the act if that is enough.

        `local`: it came over the socket of the hub's own machine. Raises as `perform` does.
        """
        return await self._live.insist(lambda: self._sign(statement, signature, local))

    async def _perform(self, name: str, request: Request, actor: str, authority: Authority) -> Done | Refusal:
        """Decide and write on one snapshot: what comes in between, where an act is large, is a `Conflict`."""
        found = await self._gathered(ACTS[name].gather, request)
        if ACTS[name].proves_itself:
            authority = Authority.ISSUER
        if authority is Authority.LOCAL and not len(self._live.snapshot.operators):
            authority = Authority.SETUP
        if authority is Authority.LOCAL and ACTS[name].effect is not Effect.STOPS:
            return Refusal("OPERATOR_REQUIRED", name)
        changes = await self._decide(name, request, found, actor)
        if isinstance(changes, Refusal):
            return changes
        if not changes:
            return Done(self._live.snapshot.revision, ())
        beside = (self._review(name, request, changes, (actor,)),) if authority is Authority.LOCAL else ()
        return await self._write(self._proposal((*changes, *beside), name, request, actor, authority))

    async def _sign(self, text: str, jws: str, local: bool) -> Done | Waiting | Refusal:
        statement = read_statement(text, self._hub)
        if isinstance(statement, Refusal):
            return statement
        act = ACTS.get(statement.act)
        request = decoded(statement.request, act.request) if act is not None else Refusal("NOT_FOUND", statement.act)
        if act is None or isinstance(request, Refusal):
            return request
        found = await self._gathered(act.gather, request)
        # From here on all is decided on one snapshot: if it grows before the write, that is a `Conflict`.
        snapshot, now = self._live.snapshot, self._now()
        signed = proven(statement, text, jws, snapshot=snapshot, now=now)
        if isinstance(signed, Refusal):
            return signed
        pending = snapshot.proposals.get(signed.id)
        refusal = (
            first_may_sign(signed, act, now)
            if pending is None
            else second_may_sign(signed, act, pending, snapshot=snapshot, now=now)
        )
        if refusal is not None:
            return refusal
        if replaces_now(statement.changes, snapshot) != statement.replaces:
            return await self._performed_before(signed) or await self._stale(signed, pending)
        if pending is not None and not pending.is_open(now):
            return Refusal("PROPOSAL_CLOSED", told_state(pending, now))
        author = pending.author if pending else signed.operator.id
        changes = await self._decide(statement.act, request, found, author, made=statement.made)
        if isinstance(changes, Refusal):
            return changes
        if not changes:
            return Done(snapshot.revision, ())
        if names_of(changes) != statement.changes:
            return await self._stale(signed, pending)
        starts = self._effect(statement.act, changes) is Effect.STARTS
        if pending is None and starts and not self._is_second_to_be(statement, local):
            return await self._open(signed)
        return await self._perform_signed(signed, pending, request, changes)

    def _effect(self, name: str, changes: Changes) -> Effect:
        """Of an act by what it would change now."""
        known = self._live.snapshot.of_kind
        return ACTS[name].effect_of((known(kind_of(each)).get(object_id(each)), each) for each in changes)

    def _is_second_to_be(self, statement: ActStatement, local: bool) -> bool:
        """Whether the first operator adds a colleague, at the hub's own machine: there is nobody else to sign yet."""
        return local and statement.act == "operator.add" and len(self._live.snapshot.operators) == 1

    async def _open(self, signed: Signed) -> Waiting:
        signature = Signature(signed.operator.id, signed.jws)
        act, expires = signed.statement.act, signed.statement.made + PROPOSAL_SECONDS
        pending = PendingProposal(signed.id, act, signed.text, (signature,), expires)
        reason = str(signed.statement.request.get("reason", ""))
        await self._live.write(_signed_proposal(self._based_on, (pending,), "proposal.make", reason, pending))
        return Waiting(signed.id, act, expires)

    async def _perform_signed(
        self, signed: Signed, pending: PendingProposal | None, request: Request, changes: Changes
    ) -> Done:
        name, act = signed.statement.act, ACTS[signed.statement.act]
        signatures = (*(pending.signatures if pending else ()), Signature(signed.operator.id, signed.jws))
        settled = PendingProposal(
            signed.id, name, signed.text, signatures, signed.statement.made, ProposalState.PERFORMED
        )
        beside: list[Registered] = []
        is_alone = pending is None and act.effect is Effect.STARTS
        if pending is not None:
            settled = replace(pending, signatures=signatures, state=ProposalState.PERFORMED)
            beside.append(settled)
        if act.effect is Effect.STOPS or act.in_haste or is_alone:
            beside.append(self._review(name, request, changes, tuple(each.operator for each in signatures)))
        return await self._write(_signed_proposal(self._based_on, (*changes, *beside), name, request.reason, settled))

    async def _performed_before(self, signed: Signed) -> Done | None:
        """What this very statement did, if nothing has changed that since."""
        revision = since_of(signed.statement.changes, self._live.snapshot)
        events = await self._live.audit(revision - 1, 1) if revision else ()
        event = orjson.loads(events[0]) if events else {}
        if event.get("statement") != signed.text or event["act"] != signed.statement.act:
            return None
        snapshot = self._live.snapshot
        return Done(
            revision,
            tuple(
                shown_change(each["kind"], each["id"], each["object"])
                | lacking(snapshot.of_kind(each["kind"]).get(each["id"]), snapshot)
                for each in event["changes"]
            ),
        )

    async def _stale(self, signed: Signed, pending: PendingProposal | None) -> Refusal:
        """What it was about has changed: it can never be performed any more."""
        if pending is not None and pending.is_open(self._now()):
            stale = replace(pending, state=ProposalState.STALE)
            await self._live.write(
                Proposal(self._based_on, (stale,), signed.operator.id, "proposal.stale", authority=Authority.HUB)
            )
        return Refusal("PROPOSAL_STALE", signed.statement.act)

    @property
    def _based_on(self) -> int:
        return self._live.snapshot.revision

    def _proposal(self, changes: Changes, name: str, request: Request, actor: str, authority: Authority) -> Proposal:
        return Proposal(self._based_on, changes, actor, name, request.reason, authority)

    def _review(self, name: str, request: Request, changes: Changes, actors: tuple[str, ...]) -> Review:
        """Named by the revision that it will be written with."""
        due = self._now() + REVIEW_SECONDS
        return Review(str(self._based_on + 1), name, actors, names_of(changes), due, request.reason)

    async def _write(self, proposal: Proposal) -> Done:
        revision = await self._live.write(proposal)
        for item in proposal.changes:
            if isinstance(item, CopyDecision):
                with suppress(HubError):  # It is decided; the mark of a copy that no longer waits is looked past.
                    await self._apart.copies.unmark(item.partner, item.sha256)
        tell = partial(_told, proposal.changes, self._live.snapshot)
        is_large = proposal.act in ACTS and ACTS[proposal.act].is_large
        return Done(revision, await to_thread(tell) if is_large else tell())

    async def _basis_of(self, gather: Gather | None, request: Any) -> Basis:
        return self._basis(await self._gathered(gather, request))

    async def _gathered(self, gather: Gather | None, request: Any) -> Sequence[Any]:
        return await gather(request, self._live.snapshot, self._apart) if gather is not None else ()

    async def _decide(
        self, name: str, request: Any, found: Sequence[Any], actor: str, *, made: int = 0, tells: bool = True
    ) -> Changes | Refusal:
        """`tells`: whoever listens hears of a refusal, where it is more than an attempt.

        Raises `Conflict` where the registry moved on while a large act was decided; others are decided at once.
        """
        checks, act, based_on = Checks(), ACTS[name], self._based_on
        if len(request.reason) > REASON_CHARACTERS_MAX:
            checks.invalid("/reason", f"{len(request.reason)} characters", f"at most {REASON_CHARACTERS_MAX}")
        decide = partial(act.decide, request, self._basis(found, actor, made), checks)
        changes: Changes = await to_thread(decide) if act.is_large else decide()
        if self._based_on != based_on:
            raise Conflict(f"revision {based_on} is no longer the head")
        if not checks.faults:
            return changes
        for listener in self._listeners if tells else ():
            listener(name, request, checks.faults)
        return checks.refusal(name)

    def _basis(self, found: Sequence[Any], actor: str = "", made: int = 0) -> Basis:
        return Basis(
            snapshot=self._live.snapshot,
            now=self._now(),
            event_types=self._event_types,
            key_in_use=self._key_in_use,
            key_grace_seconds=self._key_grace_seconds,
            key_validity_seconds=self._key_validity_seconds,
            key_unused_seconds=self._key_unused_seconds,
            hub=self._hub,
            actor=actor,
            made=made or self._now(),
            mandates=self._mandates,
            listeners=self._kafka_listeners,
            webhooks=self._webhooks,
            found=found,
        )

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _signed_proposal(based_on: int, changes: Changes, act: str, reason: str, signed: PendingProposal) -> Proposal:
    """Of what operators signed: they are its actors."""
    actor = ", ".join(each.operator for each in signed.signatures)
    signatures = tuple(each.jws for each in signed.signatures)
    return Proposal(based_on, changes, actor, act, reason, Authority.SIGNED, signed.statement, signatures)


def _told(changes: Changes, snapshot: Snapshot) -> tuple[Plain, ...]:
    return tuple(
        shown_change(kind_of(item), object_id(item), plain(item)) | lacking(item, snapshot) for item in changes
    )
