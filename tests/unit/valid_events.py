"""Events as the stages before `accept` leave them, made by those stages."""

from __future__ import annotations

from typing import Any

import orjson

from hub.core.errors import Refusal
from hub.core.evidence import Admitted, Decoded, Mode, Permit, Principal, ValidEvent
from hub.core.partner import Facts, Partner, Role, System, Tier
from hub.core.settings import IntakeSettings
from hub.intake.decode import decode
from hub.intake.validate import validate
from schemas.catalogue import catalogue

NOW_US = 1_795_338_000_000_000
TIME = "2026-11-22T09:00:00Z"
TYPE = "customs.container.gate_in"
KIND = catalogue().find(TYPE)
PARTNER = Partner("delta", "Delta", "NL", (Role.TERMINAL,), Tier.TRUSTED)
SYSTEM = System("delta.tos", "delta", ("events:write",))
PRINCIPAL = Principal(PARTNER, SYSTEM, "key", frozenset(SYSTEM.scopes), 1 << 40)
FACTS = Facts(Tier.TRUSTED, "NL", (Role.TERMINAL,))


def admitted(mode: Mode = Mode.STRUCTURED, *, principal: Principal = PRINCIPAL, now_us: int = NOW_US) -> Admitted:
    return Admitted(principal, mode, False, 1, now_us)


def event(id: str = "a", *, source: str = "urn:delta", **data: Any) -> dict[str, Any]:  # noqa: A002
    good = {
        "occurred_at": TIME,
        "time_kind": "ACTUAL",
        "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}],
        "place": {"unlocode": "NLRTM"},
        "empty": False,
    }
    return {"specversion": "1.0", "id": id, "source": source, "type": TYPE, "time": TIME, "data": good | data}


def decoded(sent: dict[str, Any]) -> Decoded:
    items = decode(admitted(), orjson.dumps(sent), {}, bounds=IntakeSettings())
    assert not isinstance(items, Refusal)
    [item] = items
    assert isinstance(item, Decoded)
    return item


def valid(id: str = "a", *, partitions: int = 1, **more: Any) -> ValidEvent:  # noqa: A002
    return validated(event(id, **more), partitions=partitions)


def validated(sent: dict[str, Any], *, partitions: int = 1) -> ValidEvent:
    permit = Permit(PRINCIPAL, KIND, FACTS, 1)  # type: ignore[arg-type]
    outcome = validate(permit, decoded(sent), now_us=NOW_US, partitions=partitions)
    assert isinstance(outcome, ValidEvent), outcome
    return outcome
