"""A system changes its key while it works: the new one proves itself under the old one, then takes its place.

Theory of operation. The new key is written beside the old one (`<name>.next`) before the hub hears of it, so that no
crash leaves the hub with a key that nobody has. A rotation that was interrupted is taken up with that file: if the hub
knows the key already, a token under it shows so. Only then does it take the old one's place, by a rename; the old key
stays beside it as `<name>.old`. Programs that run look at the file whenever they renew their token.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from connectors.errors import ConnectorError
from connectors.keys import SigningKey, generate, read_key, rotation_proof, write_key
from connectors.session import HubRefused, HubSession, accepted

ROTATE_PATH = "/v1/credentials/rotate"
_JSON = {"Content-Type": "application/json"}
_KNOWN = "ACT_KEY_KNOWN"


class RotationRefused(ConnectorError):
    """The hub puts no new key in this one's place; the text says why. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Rotated:
    key: str
    """The id of the key in use now."""
    replaced: str
    kept: Path
    """Where the key before it lies."""
    accepted_until: str
    """UTC; until then the hub takes the old key too. Empty: it said so when it was asked before."""


async def rotate(hub_url: str, *, client_id: str, file: Path) -> Rotated:
    """Rotate the key in `file`. Raises `RotationRefused`, `HubRefused`, `HubUnreachable`, `KeyUnusable`, `OSError`."""
    old = read_key(file)
    new = _prepared(file, old)
    until = await _ask(hub_url, client_id, old, new)
    async with HubSession(hub_url, client_id=client_id, key=new, scope="") as session:
        await session.sign_in()
    return Rotated(new.id, old.id, _put_in_place(file, new), until)


def _prepared(file: Path, old: SigningKey) -> SigningKey:
    """The new key, on disk: the one of a rotation that was interrupted, or a fresh one of the old one's kind."""
    beside = _beside(file, "next")
    if beside.exists():
        return read_key(beside)
    algorithm: Literal["ES256", "EdDSA"] = "EdDSA" if old.algorithm == "EdDSA" else "ES256"
    write_key(generate(algorithm), beside)
    return read_key(beside)


async def _ask(hub_url: str, client_id: str, old: SigningKey, new: SigningKey) -> str:
    async with HubSession(hub_url, client_id=client_id, key=old, scope="") as session:
        proof = rotation_proof(new, hub=session.hub_url, system=client_id, time=int(time.time()))
        body = orjson.dumps({"proof": proof})
        try:
            answer = accepted(await session.request("POST", ROTATE_PATH, body=body, headers=_JSON)).json()
        except HubRefused as e:
            faults = e.problem.get("faults") or ()
            if any(fault.get("code") == _KNOWN for fault in faults):
                return ""  # It was asked before, and the answer was lost.
            if not faults:
                raise
            told = "; ".join(
                f"{fault.get('text', fault.get('code'))} {fault.get('fix', '')}".strip() for fault in faults
            )
            raise RotationRefused(told) from e
    return str(answer["replaces"]["not_after"])


def _put_in_place(file: Path, new: SigningKey) -> Path:
    """Each step is a rename: whoever reads `file` meanwhile finds one key or the other."""
    kept, beside = _beside(file, "old"), _beside(file, "next")
    kept.unlink(missing_ok=True)
    os.link(file, kept)
    beside.replace(file)
    _public(beside).unlink(missing_ok=True)
    _public(file).write_bytes(new.public_pem())
    return kept


def _beside(file: Path, what: str) -> Path:
    return file.with_name(f"{file.name}.{what}")


def _public(file: Path) -> Path:
    """As `write_key` names it."""
    return file.with_name(f"{file.stem}.pub.pem")
