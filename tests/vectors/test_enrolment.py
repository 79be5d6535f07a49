"""Both sides of the golden vectors of enrolment: codes that are on paper, and proofs that other programs make."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.enrolment import enrolment_proof, normal
from connectors.keys import signing_key
from hub.core.codes import API_KEY, INVITATION, REVOCATION, digest_of, is_api_key, make_api_key, make_code, spoken
from hub.core.settings import AuthSettings
from hub.trust.jws import Flaw
from hub.trust.possession import Possession, verify_possession

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())
ENROLMENT = VECTORS["enrolment"]
CHANCE = bytes.fromhex(ENROLMENT["chance"])
PROOF = ENROLMENT["proof"]


def test_codes_are_made_of_the_same_chance_in_the_same_spelling() -> None:
    assert make_code(INVITATION, CHANCE) == ENROLMENT["invitation"]
    assert make_code(REVOCATION, CHANCE) == ENROLMENT["revocation"]
    assert digest_of(ENROLMENT["invitation"]) == ENROLMENT["invitation_sha256"]


def test_an_api_key_is_a_code_with_its_check_part() -> None:
    assert make_api_key(CHANCE) == ENROLMENT["api_key"]
    assert is_api_key(ENROLMENT["api_key"])
    assert ENROLMENT["api_key"].startswith(make_code(API_KEY, CHANCE) + "_")
    assert digest_of(ENROLMENT["api_key"]) == ENROLMENT["api_key_sha256"]


def test_a_key_is_read_out_by_its_thumbprint() -> None:
    assert spoken(VECTORS["key"]["kid"]) == ENROLMENT["read_out"]


def test_the_connector_puts_a_code_into_the_hubs_spelling() -> None:
    typed = ENROLMENT["invitation"].lower().replace("0", "o").replace("1", "l")

    assert normal(f" {typed[:10]}-{typed[10:]} \n") == ENROLMENT["invitation"]


def test_the_connector_makes_the_proof_and_the_hub_takes_it() -> None:
    key = signing_key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))
    claims = {name: PROOF[name] for name in ("hub", "nonce", "time")}

    made = enrolment_proof(key, code=ENROLMENT["invitation"], **claims)
    shown = verify_possession(PROOF["jws"], hub=PROOF["hub"], now=PROOF["time"], settings=AuthSettings())

    assert made == PROOF["jws"]
    assert isinstance(shown, Possession)
    assert (shown.claims.code, shown.claims.nonce) == (ENROLMENT["invitation"], PROOF["nonce"])


@pytest.mark.parametrize("member", ["alg", "use", "kid", "d", "x5u"])
def test_a_key_that_says_more_than_its_thumbprint_is_made_of_is_refused(member: str) -> None:
    key = signing_key(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))
    said = {"alg": "EdDSA", "use": "sig"}.get(member, "any")
    header = jwt.get_unverified_header(PROOF["jws"])
    header["jwk"] |= {member: said}

    forged = jwt.encode({"hub": PROOF["hub"]}, key.private, algorithm="EdDSA", headers=header)

    assert verify_possession(forged, hub=PROOF["hub"], now=PROOF["time"], settings=AuthSettings()) is Flaw.HEADER
