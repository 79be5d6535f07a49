"""What a signature over an act proves, and who may give it: a numbered proof on one snapshot.

Nothing here awaits: what is proven is true of the snapshot on which the act is then decided and written.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from hub.core.approval import FORMAT, ActStatement, Named, PendingProposal, replaced_digest, statement_id
from hub.core.errors import Refusal
from hub.core.operator import ANYONE, Operator, OperatorRole
from hub.core.registry import KINDS, Registered, Snapshot, kind_of, object_id
from hub.operate.acts import Act
from hub.trust.act import STATEMENT_BYTES_MAX, is_signed_by, open_act
from hub.trust.jws import Flaw
from schemas import guard

FIRST_SECONDS_MAX = 900
"""How old a statement may be when it is first signed: a signature that was put away is not brought out later."""
AHEAD_SECONDS_MAX = 30
"""Of the hub's own clock: another process of it may be a little ahead."""


class Signed(Struct, frozen=True):
    """A statement for this hub that an operator who may act has signed."""

    statement: ActStatement
    text: str
    jws: str
    operator: Operator

    @property
    def id(self) -> str:
        return statement_id(self.text.encode())


def read_statement(text: str, hub: str) -> ActStatement | Refusal:
    """Steps 1 and 2: what it says, believed by nobody yet."""
    # 1. It is a statement in its one spelling: what was signed is what is read.
    content = text.encode(errors="surrogatepass")
    if len(content) > STATEMENT_BYTES_MAX:
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the statement is too long")
    try:
        parsed = guard.parse(content)
        statement = msgspec.convert(parsed.value if isinstance(parsed, guard.Parsed) else None, ActStatement)
    except msgspec.ValidationError:
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the statement is not one of an act")
    if statement.format != FORMAT or statement.canonical() != content:
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the statement is not in the form of schemas/formats/act.md")
    # 2. It is for this hub.
    if statement.hub != hub:
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the statement is for another hub")
    return statement


def proven(statement: ActStatement, text: str, jws: str, *, snapshot: Snapshot, now: int) -> Signed | Refusal:
    """Steps 3 to 5: whose signature it is."""
    # 3. It is a signature over exactly this statement, by a key that an operator has now.
    opened = open_act(text.encode(), jws)
    if isinstance(opened, Flaw):
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the signature is not a detached JWS over an act")
    held = snapshot.operator_key(opened.header.kid)
    if held is None or held[1] not in held[0].live_keys(now):
        return Refusal("SIGNATURE_NOT_ACCEPTED", "no operator has this key now")
    operator, key = held
    if not is_signed_by(key, opened):
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the signature is not over this statement")
    # 4. The operator is there.
    if not operator.may_act(now, snapshot.operators.get):
        return Refusal("OPERATOR_NOT_PERMITTED", f"{operator.id} may not act any more")
    # 5. It was not made in the future.
    if statement.made > now + AHEAD_SECONDS_MAX:
        return Refusal("SIGNATURE_NOT_ACCEPTED", "the statement was made in the future")
    return Signed(statement, text, jws, operator)


def first_may_sign(signed: Signed, act: Act, now: int) -> Refusal | None:
    if now >= signed.statement.made + FIRST_SECONDS_MAX:
        return Refusal("SIGNATURE_NOT_ACCEPTED", f"the statement is older than {FIRST_SECONDS_MAX} seconds")
    return lacks_role(signed.operator, act.roles)


def second_may_sign(
    signed: Signed, act: Act, pending: PendingProposal, *, snapshot: Snapshot, now: int
) -> Refusal | None:
    """Whether this is the second pair of eyes, and the first is still one that counts."""
    second, first = signed.operator, snapshot.operators.get(pending.author)
    # 1. It is another person, and no visitor.
    if second.id == pending.author:
        return Refusal("OPERATOR_NOT_PERMITTED", "the second signature is another person's")
    if second.mentor:
        return Refusal("OPERATOR_NOT_PERMITTED", "a liaison visitor is never the second to sign")
    # 2. With a role for it; in haste, whoever is on call.
    if act.in_haste and not second.on_call:
        return Refusal("OPERATOR_NOT_PERMITTED", f"{second.id} is not on call")
    if refusal := lacks_role(second, ANYONE if act.in_haste else act.roles):
        return refusal
    # 3. Who asked for it may still do so.
    if first is None or not first.may_act(now, snapshot.operators.get) or lacks_role(first, act.roles):
        return Refusal("OPERATOR_NOT_PERMITTED", f"{pending.author} may not ask for this any more")
    # 4. What a visitor starts is signed by the mentor.
    if first.mentor and first.mentor != second.id:
        return Refusal("OPERATOR_NOT_PERMITTED", f"{first.id} is a liaison visitor: {first.mentor} signs as the second")
    return None


def lacks_role(operator: Operator, roles: frozenset[OperatorRole]) -> Refusal | None:
    if roles.isdisjoint(operator.roles):
        return Refusal("OPERATOR_NOT_PERMITTED", f"{operator.id} has none of the roles {', '.join(sorted(roles))}")
    return None


def names_of(changes: tuple[Registered, ...]) -> tuple[Named, ...]:
    return tuple((kind_of(item), object_id(item)) for item in changes)


def replaces_now(names: tuple[Named, ...], snapshot: Snapshot) -> str:
    """The digest over these objects as the snapshot has them."""
    return replaced_digest([(kind, key, *_held(kind, key, snapshot)) for kind, key in names])


def since_of(names: tuple[Named, ...], snapshot: Snapshot) -> int:
    """The newest revision at which one of them became what it is; 0: they are all new."""
    return max((_held(kind, key, snapshot)[0] for kind, key in names), default=0)


def _held(kind: str, key: str, snapshot: Snapshot) -> tuple[int, Any]:
    history = snapshot.of_kind(kind) if kind in KINDS else None
    item = history.get(key) if history is not None else None
    return (0, None) if history is None or item is None else (history.since(key), msgspec.to_builtins(item))
