"""Everything by which systems prove themselves, whatever its kind: each lives by `KeyState` and ends on its second."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from hub.core.certificate import Certificate
from hub.core.credential import PublicKey
from hub.core.registry import Snapshot

Credential = PublicKey | Certificate


def credentials(snapshot: Snapshot) -> Iterator[Credential]:
    return chain(snapshot.keys, snapshot.certificates)


def credential_of(snapshot: Snapshot, name: str) -> Credential | None:
    return snapshot.keys.get(name) or snapshot.certificates.get(name)


def credentials_of(snapshot: Snapshot, system: str) -> Iterator[Credential]:
    return chain(snapshot.keys.of(system), snapshot.certificates.of(system))


def begin_of(credential: Credential) -> int:
    """Seconds since 1970 from which it counts; 0: since ever."""
    return (credential.not_before or 0) if isinstance(credential, PublicKey) else 0
