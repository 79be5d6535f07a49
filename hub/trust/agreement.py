"""What both sides of an agreement sign, and their signatures over it (`schemas/formats/agreement.md`)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import to_builtins
from msgspec.structs import asdict

from hub.core.agreement import Agreement
from hub.core.credential import PublicKey
from hub.trust import mandate
from hub.trust.jws import Flaw, attached
from schemas.canonical import canonical_bytes

FORMAT = "customs-hub-agreement/1"
AGREEMENT_TYPE = "customs-hub-agreement+jws"
TERMS = (
    "id",
    "recipient",
    "purpose",
    "types",
    "fields",
    "groups",
    "legal_basis",
    "retention_days",
    "onward",
    "archive_days",
    "direct",
    "notices",
    "valid_from",
    "valid_to",
)
"""Members of the text that are those of the agreement, beside provider and conditions."""


def text_of(agreement: Agreement, hub: str) -> str:
    """All terms of the agreement at this hub, as they are signed: RFC 8785 JSON. Raises `NotCanonical`."""
    terms = {name: to_builtins(getattr(agreement, name)) for name in TERMS}
    provider = {name: fact for name, fact in asdict(agreement.provider).items() if fact is not None}
    conditions = asdict(agreement.conditions)
    return canonical_bytes(
        {"format": FORMAT, "hub": hub, "provider": to_builtins(provider), "conditions": conditions, **terms}
    ).decode()


def named_key(signature: str) -> str:
    """The id of the key by which a signature says that it was made; empty: by none."""
    whole = attached(signature, b"")
    return "" if isinstance(whole, Flaw) else mandate.named_key(whole)


def signer_of(signature: str, text: str, keys: Mapping[str, PublicKey]) -> str | Flaw:
    """The id of the key, one of `keys`, that signed exactly this text as an agreement; or why it is none."""
    whole = attached(signature, text.encode())
    if isinstance(whole, Flaw):
        return whole
    return mandate.signer_of(whole, text.encode(), keys, purpose=AGREEMENT_TYPE)
