"""A credential that leaked: it ends with all that it gave, and what came under it is called in question until settled.

Reporting it takes one person. What recipients are told follows from the registry (`hub/operate/heralds.py`), so that no
crash between the act and the notices loses any of them.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from hub.core.leak import Leak, Trust
from hub.core.operator import ANYONE, SECURITY, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.credentials import Credential, credential_of
from hub.operate.revocation import Lost, ended_with, successors
from hub.operate.views import All, Plain, View, plain


class Leaked(Request, frozen=True, kw_only=True):
    key: str
    """The id of a key, certificate or API key."""
    since: str
    """The first moment at which somebody else may have had it: a date, or an RFC 3339 time."""


class SettleLeak(Request, frozen=True, kw_only=True):
    key: str


def report_leak(request: Leaked, basis: Basis, checks: Checks) -> Changes:
    """End it with everything that was had by it, and name the time from which its events are suspect."""
    checks.reason("/reason", request.reason)
    since = checks.instant("/since", request.since)
    if since > basis.now:
        checks.invalid("/since", request.since, "a time that has come")
    credential = _known(request.key, basis, checks)
    if credential is None or checks.faults:
        return ()
    lost = Lost((credential,), since)
    leaks = [_leak(credential, since, basis)]
    leaks += [_leak(each, since, basis) for each in successors(lost, basis.snapshot)]
    return (*ended_with(lost, basis), *(leak for leak in leaks if leak != basis.snapshot.leaks.get(leak.id)))


def settle_leak(trust: Trust) -> Callable[[SettleLeak, Basis, Checks], Changes]:
    def decide(request: SettleLeak, basis: Basis, checks: Checks) -> Changes:
        checks.reason("/reason", request.reason)
        leak = checks.known("/key", request.key, basis.snapshot.leaks)
        return () if leak is None or leak.trust is trust else (replace(leak, trust=trust),)

    return decide


def list_leaks(_: All, basis: Basis, __: Checks) -> Plain:
    return {"items": [plain(leak) for leak in basis.snapshot.leaks]}


def _leak(credential: Credential, since: int, basis: Basis) -> Leak:
    """The leak as it is from now on. One that was reported before can only reach further back."""
    known = basis.snapshot.leaks.get(credential.id)
    if known is not None and known.since <= since:
        return known
    return Leak(credential.id, credential.system, since, known.told if known is not None else basis.now)


def _known(name: str, basis: Basis, checks: Checks) -> Credential | None:
    credential = credential_of(basis.snapshot, name)
    if credential is None:
        checks.fault("ACT_NOT_REGISTERED", "/key", name, "the id of a key, certificate or API key")
    return credential


ACTS = {
    "key.leaked": Act(Leaked, report_leak, Effect.STOPS, ANYONE),
    "key.confirm": Act(SettleLeak, settle_leak(Trust.CONFIRMED), Effect.KEEPS, SECURITY),
    "key.retract": Act(SettleLeak, settle_leak(Trust.RETRACTED), Effect.STARTS, SECURITY),
}
VIEWS = {"key.leaks": View(All, list_leaks)}
