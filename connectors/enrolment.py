"""Enrolling a system: its key is made here, shown to be held, and registered by the code that the company was given.

Theory of operation. The key is on disk before the hub hears of it, so that no crash leaves the hub with a key that
nobody has. An enrolment that was interrupted is taken up with the same file and the same code: while the key waits for
approval the hub gives the same answer again, offline revocation code and all.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import orjson

from connectors.errors import ConnectorError
from connectors.keys import KeyUnusable, SigningKey, generate, public_jwk, read_key, write_key
from connectors.session import HubSession

CHALLENGE_PATH = "/v1/enrolment/challenge"
ENROLMENT_PATH = "/v1/enrolment"
CHECKLIST_PATH = "/v1/enrolment/checklist"
RECEIPT_VERIFIED_PATH = "/v1/enrolment/receipt-verified"
CLOCK_SECONDS_MAX = 10
"""How far this machine's clock may be from the hub's: beyond, the hub takes no signature for long."""

_PREFIX, _CHARACTERS = "chi_", 26
_TAKEN_FOR_DIGITS = str.maketrans("OIL", "011")


class EnrolmentImpossible(ConnectorError):
    """Nothing was sent to the hub, or nothing that could be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    client_id: str
    key: str
    """Its id (RFC 7638 thumbprint)."""
    read_out: str
    """What the operator has to hear before the key is approved."""
    scopes: tuple[str, ...]
    revocation_code: str
    hub: str


async def enrol(hub_url: str, code: str, file: Path) -> Enrolled:
    """Enrol with the key in `file`, which is made if it is not there.

    Raises `EnrolmentImpossible`, `HubRefused`, `HubUnreachable`, `KeyUnusable`, `OSError`.
    """
    code = normal(code)
    key = _key(file)
    async with HubSession(hub_url, client_id="", key=key, scope="") as session:
        asked = {"code_sha256": sha256(code.encode()).hexdigest()}
        challenge = orjson.loads(await session.public(CHALLENGE_PATH, method="POST", json=asked))
        now = int(time.time())
        _look_at_clock(now - int(challenge["time"]))
        if str(challenge["hub"]).rstrip("/") != session.hub_url:
            raise EnrolmentImpossible(
                f"{session.hub_url} calls itself {challenge['hub']}: if that is your hub, use that"
            )
        proof = enrolment_proof(key, hub=str(challenge["hub"]), code=code, nonce=str(challenge["nonce"]), time=now)
        told: dict[str, Any] = orjson.loads(await session.public(ENROLMENT_PATH, method="POST", json={"proof": proof}))
    if told["key"] != key.id:
        raise EnrolmentImpossible(f"the hub registered another key than {key.id}: tell the administration")
    return Enrolled(
        told["client_id"], key.id, told["read_out"], tuple(told["scopes"]), told["revocation_code"], told["hub"]
    )


def normal(code: str) -> str:
    """A code in its one spelling, however it was typed. Raises `EnrolmentImpossible`."""
    plain = "".join(code.split()).replace("-", "")
    body = plain[len(_PREFIX) :].upper().translate(_TAKEN_FOR_DIGITS)
    if plain[: len(_PREFIX)].lower() != _PREFIX or len(body) != _CHARACTERS:
        raise EnrolmentImpossible(f"a code is {_PREFIX} and {_CHARACTERS} letters and digits; look at it again")
    return _PREFIX + body


def enrolment_proof(key: SigningKey, *, hub: str, code: str, nonce: str, time: int) -> str:
    """That its bringer holds the key and was given the code (`schemas/formats/enrolment.md`)."""
    headers = {"typ": "customs-hub-enrolment+jws", "jwk": public_jwk(key)}
    claims = {"hub": hub, "system": "", "time": time, "code": code, "nonce": nonce}
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers=headers)


def _key(file: Path) -> SigningKey:
    if not file.exists():
        write_key(generate("ES256"), file)
    elif os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise KeyUnusable(f"{file} can be read by others: `chmod 600 {file}` if nobody has, else make a new one")
    return read_key(file)


def _look_at_clock(ahead_seconds: int) -> None:
    if abs(ahead_seconds) > CLOCK_SECONDS_MAX:
        which = "ahead of" if ahead_seconds > 0 else "behind"
        raise EnrolmentImpossible(
            f"this machine's clock is {abs(ahead_seconds)} s {which} the hub's: set it, then try again"
        )
