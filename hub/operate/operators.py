"""Operators: registered, given roles, suspended, removed, and their keys rotated.

A hub without operators is being set up; the first one is registered by the user of its machine. From then on
the last two security officers cannot be taken away: one alone could never start anything again, not even add another.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hub.core.operator import ANYONE, SECURITY, Effect, Operator, OperatorKey, OperatorRole, OperatorState
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import jwk_of
from hub.operate.views import All, Plain, View, plain
from hub.trust.keys import KeyRefused, algorithm_of, load_public_jwk, thumbprint

LIVE_KEYS_MAX = 2
SECURITY_OFFICERS_MIN = 2
"""Who stay when one is taken away: starting anything takes two."""


class FirstOperator(Request, frozen=True, kw_only=True):
    id: str
    name: str
    key: str
    """The public key: the text of a PEM or JWK file."""


class AddOperator(Request, frozen=True, kw_only=True):
    id: str
    name: str
    roles: tuple[str, ...]
    key: str
    until: str = ""
    """A date or an RFC 3339 time; empty: for as long as nobody ends it."""
    mentor: str = ""
    """Of a liaison visitor."""
    on_call: bool = False


class SetOperator(Request, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    id: str
    roles: tuple[str, ...] | None = None
    until: str | None = None
    """Empty: for as long as nobody ends it."""
    on_call: bool | None = None


class OfOperator(Request, frozen=True, kw_only=True):
    id: str


class RotateOperatorKey(Request, frozen=True, kw_only=True):
    id: str
    key: str


def first_operator(request: FirstOperator, basis: Basis, checks: Checks) -> Changes:
    """The first administrator, with every role that changes something: the others are added by operators."""
    if len(basis.snapshot.operators):
        checks.fault("ACT_OPERATORS_EXIST", "/id", f"{len(basis.snapshot.operators)} registered", "a hub without any")
    key = _read_key(request.key, basis, checks)
    roles = tuple(role for role in OperatorRole if role in ANYONE)
    name = checks.new("/id", request.id, basis.snapshot.operators)
    text = checks.text("/name", request.name)
    return () if key is None else (Operator(name, text, roles, (key,)),)


def add_operator(request: AddOperator, basis: Basis, checks: Checks) -> Changes:
    snapshot = basis.snapshot
    if not len(snapshot.operators):
        checks.fault("ACT_OPERATOR_FIRST", "/id", "a hub without operators", "an administrator registered before")
    if request.mentor:
        _mentor(request, basis, checks)
    key = _read_key(request.key, basis, checks)
    added = Operator(
        id=checks.new("/id", request.id, snapshot.operators),
        name=checks.text("/name", request.name),
        roles=_roles(request.roles, checks),
        keys=() if key is None else (key,),
        until=_until(request.until, basis, checks),
        mentor=request.mentor,
        on_call=request.on_call,
    )
    return () if key is None else (added,)


def _mentor(request: AddOperator, basis: Basis, checks: Checks) -> None:
    """A visitor comes for a time, to somebody who is no visitor."""
    mentor = checks.known("/mentor", request.mentor, basis.snapshot.operators)
    if mentor is not None and (mentor.mentor or not mentor.may_act(basis.now, basis.snapshot.operators.get)):
        checks.invalid("/mentor", request.mentor, "an operator who may act and is no visitor")
    if not request.until:
        checks.invalid("/until", "nothing", "the end of the visit")
    if request.on_call:
        checks.invalid("/on_call", "yes", "no: a liaison visitor is never the second to sign")


def set_operator(request: SetOperator, basis: Basis, checks: Checks) -> Changes:
    operator = _present(request.id, basis, checks)
    if operator is None:
        return ()
    changed = operator
    if request.roles is not None:
        changed = replace(changed, roles=_roles(request.roles, checks))
    if request.until is not None:
        changed = replace(changed, until=_until(request.until, basis, checks))
    if request.on_call is not None:
        changed = replace(changed, on_call=request.on_call)
    if changed.mentor and (changed.until is None or changed.on_call):
        checks.invalid("/id", "a liaison visitor", "an end of the visit, and nobody on call")
    return _unless_last(operator, changed, basis, checks)


def suspend_operator(request: OfOperator, basis: Basis, checks: Checks) -> Changes:
    operator = _present(request.id, basis, checks)
    if operator is None:
        return ()
    return _unless_last(operator, replace(operator, state=OperatorState.SUSPENDED), basis, checks)


def resume_operator(request: OfOperator, basis: Basis, checks: Checks) -> Changes:
    operator = _present(request.id, basis, checks)
    if operator is None or operator.state is OperatorState.ACTIVE:
        return ()
    return (replace(operator, state=OperatorState.ACTIVE),)


def remove_operator(request: OfOperator, basis: Basis, checks: Checks) -> Changes:
    operator = checks.known("/id", request.id, basis.snapshot.operators)
    if operator is None:
        return ()
    return _unless_last(operator, replace(operator, state=OperatorState.REMOVED), basis, checks)


def rotate_key(request: RotateOperatorKey, basis: Basis, checks: Checks) -> Changes:
    """The new key signs at once; those in use until now go on for the time of grace."""
    operator = _present(request.id, basis, checks)
    key = _read_key(request.key, basis, checks)
    if operator is None or key is None:
        return ()
    live = operator.live_keys(basis.now)
    if len(live) >= LIVE_KEYS_MAX:
        checks.fault("ACT_KEYS_TOO_MANY", "/key", f"{len(live)} live keys", f"fewer than {LIVE_KEYS_MAX}")
    ends = basis.now + basis.key_grace_seconds
    leaving = tuple(replace(old, not_after=ends) if old in live else old for old in operator.keys)
    return (replace(operator, keys=(*leaving, key)),)


def list_operators(_: All, basis: Basis, __: Checks) -> Plain:
    operators = basis.snapshot.operators
    return {"items": [{**plain(each), "may_act": each.may_act(basis.now, operators.get)} for each in operators]}


def _present(name: str, basis: Basis, checks: Checks) -> Operator | None:
    operator = checks.known("/id", name, basis.snapshot.operators)
    if operator is not None and operator.state is OperatorState.REMOVED:
        checks.invalid("/id", "an operator who was removed", "one who was not")
        return None
    return operator


def _unless_last(before: Operator, after: Operator, basis: Basis, checks: Checks) -> Changes:
    if before == after:
        return ()
    others = sum(_stays_security_officer(each, basis) for each in basis.snapshot.operators if each.id != after.id)
    is_taken_away = _stays_security_officer(before, basis) and not _stays_security_officer(after, basis)
    if is_taken_away and others < SECURITY_OFFICERS_MIN:
        checks.fault("ACT_LAST_SECURITY_OFFICER", "/id", after.id, "two other security officers who stay")
    return (after,)


def _stays_security_officer(operator: Operator, basis: Basis) -> bool:
    may_act = operator.may_act(basis.now, basis.snapshot.operators.get)
    return may_act and operator.until is None and OperatorRole.SECURITY_OFFICER in operator.roles


def _roles(texts: Sequence[str], checks: Checks) -> tuple[OperatorRole, ...]:
    checks.some("/roles", texts)
    roles = [checks.choice(f"/roles/{index}", text, OperatorRole) for index, text in enumerate(texts)]
    return tuple(dict.fromkeys(roles))


def _until(text: str, basis: Basis, checks: Checks) -> int | None:
    if not text:
        return None
    until = checks.instant("/until", text)
    if until <= basis.now:
        checks.invalid("/until", text, "a time to come")
    return until


def _read_key(text: str, basis: Basis, checks: Checks) -> OperatorKey | None:
    """The key as it is registered: nobody else has it, operator or system. Nothing of a refused one is echoed."""
    try:
        jwk = jwk_of(text)
    except KeyRefused as refusal:
        checks.fault("ACT_KEY_REFUSED", "/key", "(not shown)", str(refusal))
        return None
    key = OperatorKey(thumbprint(jwk), algorithm_of(load_public_jwk(jwk)), jwk)
    if basis.snapshot.operator_key(key.id) is not None or basis.snapshot.keys.get(key.id) is not None:
        checks.fault("ACT_KEY_KNOWN", "/key", "a key that somebody has", "a key never registered")
        return None
    return key


ACTS = {
    "operator.first": Act(FirstOperator, first_operator, Effect.STARTS, SECURITY),
    "operator.add": Act(AddOperator, add_operator, Effect.STARTS, SECURITY),
    "operator.role": Act(SetOperator, set_operator, Effect.STARTS, SECURITY),
    "operator.rotate": Act(RotateOperatorKey, rotate_key, Effect.STARTS, SECURITY),
    "operator.resume": Act(OfOperator, resume_operator, Effect.STARTS, SECURITY),
    "operator.suspend": Act(OfOperator, suspend_operator, Effect.STOPS, SECURITY),
    "operator.remove": Act(OfOperator, remove_operator, Effect.STOPS, SECURITY),
}
VIEWS = {"operator.list": View(All, list_operators)}
