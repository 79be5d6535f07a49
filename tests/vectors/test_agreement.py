"""What both sides of an agreement sign never changes: the hub writes it, the connectors sign it, byte for byte."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from connectors.keys import signing_key
from connectors.partner.agreements import read, sign
from hub.core.agreement import Agreement, Conditions, Provider, Purpose
from hub.core.credential import PublicKey
from hub.trust.agreement import named_key, signer_of, text_of
from hub.trust.jws import Flaw

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())
SIGNED: dict[str, str] = VECTORS["agreement"]
KID: str = VECTORS["mandate"]["kid"]
KEYS = {KID: PublicKey(KID, "acme.erp", "EdDSA", VECTORS["mandate"]["jwk"])}
AGREEMENT = Agreement(
    id="gates-2026",
    provider=Provider(partner="acme"),
    types=("customs.container.*", "customs.event.*"),
    recipient="customs",
    purpose=Purpose.SECURITY_RISK,
    fields=("/data/place", "/data/subjects"),
    valid_from=1_795_338_000,
    valid_to=1_826_874_000,
    groups=("@place",),
    conditions=Conditions(places=("NLRTM",), modes=("MARITIME", "RAIL")),
    legal_basis="Règlement 2447, article 12",
    retention_days=90,
    onward=("police",),
    archive_days=365,
    direct=True,
    notices=("hold",),
)


def test_the_hub_writes_what_is_to_be_signed() -> None:
    assert text_of(AGREEMENT, VECTORS["hub"]) == SIGNED["text"]


def test_of_a_class_the_facts_that_are_named_are_written_and_of_everyone_none() -> None:
    classes = (Provider(country="NL", aeo="S"), Provider())

    texts = [text_of(replace(AGREEMENT, provider=provider), VECTORS["hub"]) for provider in classes]

    assert [orjson.loads(text)["provider"] for text in texts] == [{"aeo": "S", "country": "NL"}, {}]


def test_a_side_signs_the_text_that_it_read() -> None:
    key = signing_key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))

    assert read(SIGNED["text"], "gates-2026")["recipient"] == "customs"
    assert sign(SIGNED["text"], key) == SIGNED["signature"]


def test_the_hub_knows_the_signature_over_this_text_and_no_other() -> None:
    assert named_key(SIGNED["signature"]) == KID
    assert signer_of(SIGNED["signature"], SIGNED["text"], KEYS) == KID
    assert signer_of(SIGNED["signature"], SIGNED["text"] + " ", KEYS) is Flaw.SIGNATURE
    assert signer_of(SIGNED["signature"], SIGNED["text"], {}) is Flaw.KEY


def test_a_signature_made_for_a_mandate_is_none_of_an_agreement() -> None:
    head, _, tail = VECTORS["mandate"]["signature"].split(".")

    assert signer_of(f"{head}..{tail}", VECTORS["mandate"]["text"], KEYS) is Flaw.TYPE
