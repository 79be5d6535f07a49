"""The hub's own keys: operators decide in the registry that one is used no more, and its place is taken by a new one.

Theory of operation. An act names the key that is in use when it is decided, and nobody ever sees a private half: it
writes a `RetiredKey`. `KeyKeeper` makes the key ring agree with the registry. It asks the ring whether a retired key is
still in use, so it may look as often as it likes: after a crash between the two, or over a ring that was put back from
a backup, the change is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.core.errors import HubError, place_of
from hub.core.operator import ANYONE, SECURITY, Effect
from hub.core.registry import Snapshot, Version
from hub.core.retired_key import RetiredKey, Ring, retired_id
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.ports.key_ring import KeyRing
from hub.ports.observer import Observer
from hub.ports.system import Clock

LOOK_SECONDS = 0.5
"""How soon a change that could not be made is tried again."""


class RotateOwnKey(Request, frozen=True, kw_only=True):
    """There is nothing to say: the key that is in use now is meant."""


class OwnKeyLeaked(Request, frozen=True, kw_only=True):
    """Tokens of before are refused whenever they were made: no time is asked for."""


class SealKeyLeaked(Request, frozen=True, kw_only=True):
    since: str
    """The first moment at which somebody else may have had it: a date, or an RFC 3339 time."""


def rotate(ring: Ring) -> Callable[[RotateOwnKey, Basis, Checks], Changes]:
    def decide(_: RotateOwnKey, basis: Basis, __: Checks) -> Changes:
        key = basis.key_in_use(ring)
        known = basis.snapshot.retired_keys.get(retired_id(ring, key))
        return (RetiredKey(ring, key),) if known is None else ()

    return decide


def token_key_leaked(request: OwnKeyLeaked, basis: Basis, checks: Checks) -> Changes:
    checks.reason("/reason", request.reason)
    return () if checks.faults else _leaked(Ring.TOKEN, basis.now, basis)


def seal_key_leaked(request: SealKeyLeaked, basis: Basis, checks: Checks) -> Changes:
    checks.reason("/reason", request.reason)
    since = checks.instant("/since", request.since)
    if since > basis.now:
        checks.invalid("/since", request.since, "a time that has come")
    return () if checks.faults else _leaked(Ring.SEAL, since, basis)


def _leaked(ring: Ring, since: int, basis: Basis) -> Changes:
    """One that was reported before, and is still in use, can only reach further back."""
    key = basis.key_in_use(ring)
    known = basis.snapshot.retired_keys.get(retired_id(ring, key))
    if known is not None and known.leaked_since is not None and known.leaked_since <= since:
        return ()
    return (RetiredKey(ring, key, since),)


def key_in_use(keys: KeyRing, ring: Ring) -> str:
    """The id of the newest key of a ring. Raises `HubError`."""
    match ring:
        case Ring.SEAL:
            return keys.seal_key_id
        case Ring.TOKEN:
            return keys.token_keys()[0].id
        case Ring.DOCUMENT:
            return str(keys.wrapping_key_number)


def apply(snapshot: Snapshot, keys: KeyRing, *, now: int, token_seconds: int) -> None:
    """Put a new key in the place of each that was retired and is still in use. Raises `HubError`."""
    for retired in snapshot.retired_keys:
        match retired.ring:
            case Ring.SEAL if keys.seal_key_id == retired.key:
                keys.rotate_seal_key(now, compromised_since=retired.leaked_since)
            case Ring.TOKEN if _tokens_stand(retired, keys):
                keys.rotate_token_key(now, token_seconds, leaked=retired.leaked_since is not None)
            case Ring.DOCUMENT if keys.wrapping_key_number == int(retired.key):
                keys.rotate_wrapping_key()


def _tokens_stand(retired: RetiredKey, keys: KeyRing) -> bool:
    """Of one that leaked not even the live tokens verify any more."""
    published = [key.id for key in keys.token_keys()]
    return retired.key in (published if retired.leaked_since is not None else published[:1])


class KeyKeeper:
    """Keeps the key ring of a running hub as the registry has it."""

    def __init__(
        self, keys: KeyRing, snapshot: Callable[[], Snapshot], *, clock: Clock, observer: Observer, token_seconds: int
    ) -> None:
        self._keys, self._snapshot = keys, snapshot
        self._clock, self._observer, self._token_seconds = clock, observer, token_seconds
        self._failed = False

    def look(self, _: Sequence[Version] = ()) -> None:
        """Make what is due; what cannot be made now is an alarm, once, and is tried again."""
        now = self._clock.now_us() // 1_000_000
        try:
            apply(self._snapshot(), self._keys, now=now, token_seconds=self._token_seconds)
        except HubError as error:
            if not self._failed:
                self._observer.count("alarms", alarm="own_key_not_replaced")
                self._observer.event("alarm.own_key_not_replaced", error=place_of(error))
            self._failed = True
        else:
            self._failed = False

    async def run(self) -> None:
        """Look for ever; an owner runs it as a task and cancels it."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)


ACTS = {
    "seal-key.rotate": Act(RotateOwnKey, rotate(Ring.SEAL), Effect.KEEPS, SECURITY),
    "seal-key.leaked": Act(SealKeyLeaked, seal_key_leaked, Effect.STOPS, ANYONE),
    "token-key.rotate": Act(RotateOwnKey, rotate(Ring.TOKEN), Effect.KEEPS, SECURITY),
    "token-key.leaked": Act(OwnKeyLeaked, token_key_leaked, Effect.STOPS, ANYONE),
    "document-key.rotate": Act(RotateOwnKey, rotate(Ring.DOCUMENT), Effect.KEEPS, SECURITY),
}
