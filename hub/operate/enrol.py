"""A company enrols a system: it shows the code that it was given, and that it holds the key that it brings.

Whatever is wrong with a code or a proof gets one answer, so that nobody learns which codes there are. A code is used up
by the registry's compare-and-set, and by nothing before it: of many at once, over any number of workers, one succeeds.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from hub.core.codes import INVITATION, digest_of, is_code, spoken
from hub.core.errors import Refusal
from hub.core.fairness import Pace
from hub.core.proposal import Authority
from hub.core.registry import Snapshot
from hub.core.settings import AuthSettings
from hub.operate.registrar import Registrar
from hub.ports.observer import Observer
from hub.ports.system import Clock
from hub.trust.enrolment import NONCE_SECONDS, is_good_nonce, make_nonce, revocation_code
from hub.trust.jws import Flaw
from hub.trust.keys import thumbprint
from hub.trust.possession import Possession, verify_possession

ADDRESS_TRIES_PER_SECOND, ADDRESS_AHEAD_SECONDS = 5.0, 6.0
"""Of one address: 30 at once, then five a second."""
CODE_TRIES_PER_SECOND, CODE_AHEAD_SECONDS = 0.1, 200.0
"""Over one code: 20 at once, then one in ten seconds."""
ACCOUNTS_MAX = 10_000

_REFUSED = Refusal("ENROLMENT_REFUSED")


class Challenge(Struct, frozen=True):
    nonce: str
    seconds: int
    """For how long it is good."""
    time: int
    """Seconds since 1970, by the hub's clock."""


class Enrolled(Struct, frozen=True):
    """What a company is told once; it can ask again while its key waits."""

    client_id: str
    key: str
    spoken: str
    scopes: tuple[str, ...]
    revocation_code: str


class EnrolmentDesk:
    """Enrolment for one worker."""

    def __init__(
        self,
        registrar: Registrar,
        *,
        snapshot: Callable[[], Snapshot],
        secret: bytes,
        url: str,
        clock: Clock,
        observer: Observer,
        settings: AuthSettings,
    ) -> None:
        """`secret`: the same in all workers. `url`: the hub as its partners know it, for which proofs are made."""
        self._registrar = registrar
        self._snapshot = snapshot
        self._secret = secret
        self._url = url
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._addresses = Pace(ADDRESS_TRIES_PER_SECOND, accounts_max=ACCOUNTS_MAX)
        self._codes = Pace(CODE_TRIES_PER_SECOND, accounts_max=ACCOUNTS_MAX)

    def challenge(self, code_sha256: str, address: str) -> Challenge | Refusal:
        """A nonce for a proof over a code, whether there is such a code or not."""
        if refusal := self._too_often(address, code_sha256):
            return refusal
        now = self._now()
        return Challenge(make_nonce(self._secret, code_sha256, now), NONCE_SECONDS, now)

    async def enrol(self, proof: str, address: str) -> Enrolled | Refusal:
        """Register the key of a proof as requested. Raises the registry's errors; then the code may be used or not, and
        the same proof may be sent again."""
        now = self._now()
        # 1. The sender holds the key that it brings, and says so to this hub, now.
        shown = verify_possession(proof, hub=self._url, now=now, settings=self._settings)
        if isinstance(shown, Flaw):
            return self._too_often(address) or self._refused(shown.value)
        digest = digest_of(shown.claims.code)
        if refusal := self._too_often(address, digest):
            return refusal
        # 2. It does so over a code, with a nonce that was given out for it of late.
        if not is_code(shown.claims.code, INVITATION):
            return self._refused("code")
        if not is_good_nonce(self._secret, shown.claims.nonce, digest, now):
            return self._refused("nonce")
        # 3. There is an open invitation with this code: the registry says so while it is used up.
        return await self._bring(shown, digest, now)

    async def _bring(self, shown: Possession, digest: str, now: int) -> Enrolled | Refusal:
        key_id = thumbprint(shown.jwk)
        code = revocation_code(self._secret, digest, key_id)
        request = {
            "invitation": digest,
            "jwk": shown.jwk,
            "revocation": digest_of(code),
            "clock_offset_seconds": shown.claims.time - now,
        }
        invitation = self._snapshot().invitations.get(digest)
        actor = invitation.system if invitation is not None else ""
        done = await self._registrar.perform("enrolment.key", request, actor=actor, authority=Authority.PARTNER)
        invitation = self._snapshot().invitations.get(digest)
        if isinstance(done, Refusal) or invitation is None:
            codes = [fault.code for fault in done.faults] if isinstance(done, Refusal) else []
            return Refusal("ENROLMENT_KEY_KNOWN") if codes == ["ACT_KEY_KNOWN"] else self._refused("invitation")
        self._observer.count("enrolments", outcome="requested")
        return Enrolled(invitation.system, key_id, spoken(key_id), invitation.scopes, code)

    def _too_often(self, address: str, digest: str = "") -> Refusal | None:
        """Count a try; a refusal where there were too many of late."""
        now = self._clock.monotonic()
        ahead = self._addresses.ahead(address, now) - ADDRESS_AHEAD_SECONDS
        if digest:
            ahead = max(ahead, self._codes.ahead(digest, now) - CODE_AHEAD_SECONDS)
        if ahead > 0:
            self._observer.count("enrolments", outcome="too_many")
            return Refusal("TOO_MANY_REQUESTS", "enrolments", retry_after=int(ahead) + 1)
        self._addresses.step(address, now)
        if digest:
            self._codes.step(digest, now)
        return None

    def _refused(self, reason: str) -> Refusal:
        self._observer.count("enrolments", outcome=reason)
        return _REFUSED

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
