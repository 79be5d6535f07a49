"""Everything by which systems prove themselves, whatever its kind: each lives by `KeyState` and ends on its second."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from hub.core.api_key import ApiKey
from hub.core.certificate import Certificate
from hub.core.credential import PublicKey
from hub.core.registry import Snapshot

Credential = PublicKey | Certificate | ApiKey


def credentials(snapshot: Snapshot) -> Iterator[Credential]:
    return chain(snapshot.keys, snapshot.certificates, snapshot.api_keys)


def of_system(system: str, snapshot: Snapshot) -> Iterator[Credential]:
    """All that it ever had."""
    return chain(snapshot.keys.of(system), snapshot.certificates.of(system), snapshot.api_keys.of(system))


def credential_of(snapshot: Snapshot, name: str) -> Credential | None:
    return snapshot.keys.get(name) or snapshot.certificates.get(name) or snapshot.api_keys.get(name)


def begin_of(credential: Credential) -> int:
    """Seconds since 1970 from which it counts; 0: since ever."""
    match credential:
        case PublicKey():
            return credential.not_before or 0
        case ApiKey():
            return credential.made
    return 0
