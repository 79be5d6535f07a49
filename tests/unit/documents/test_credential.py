"""Wrapped trade documents: every envelope opened, no proof believed, whatever is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hub.trust.credential import KeyBook, standing, standing_fault
from schemas.documents.credential import Credential, unwrap

ISSUER = "did:web:carrier.example"
ED, EC, OTHER = Ed25519PrivateKey.generate(), generate_private_key(SECP256R1()), Ed25519PrivateKey.generate()
BOOK: KeyBook = {ISSUER: {"ed": ED.public_key(), "ec": EC.public_key()}, "did:web:b.example": {"x": OTHER.public_key()}}
SUBJECT = {"type": ["BillOfLading"], "billOfLadingNumber": "B1", "carrier": {"name": "C", "scac": "MAEU"}}
PLAIN = {
    "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential", "BillOfLadingCredential"],
    "issuer": {"id": ISSUER, "name": "Carrier"}, "validFrom": "2026-11-22T10:00:00Z", "credentialSubject": SUBJECT,
}  # fmt: skip
OLD = {
    "@context": ["https://www.w3.org/2018/credentials/v1"],
    "type": ["VerifiableCredential"],
    "credentialSubject": SUBJECT,
}


def signed(
    payload: Mapping[str, Any], key: Any = ED, *, kid: str | None = f"{ISSUER}#ed", typ: str = "vc+jwt", **header: Any
) -> str:
    named = {"kid": kid} if kid else {}
    algorithm = "ES256" if key is EC else "EdDSA"
    return jwt.api_jws.encode(json.dumps(payload).encode(), key, algorithm, {"typ": typ, **named, **header})


def enveloped(token: str, kind: str = "vc+jwt", type_: str = "EnvelopedVerifiableCredential") -> bytes:
    document = {
        "@context": "https://www.w3.org/ns/credentials/v2",
        "id": f"data:application/{kind},{token}",
        "type": type_,
    }
    return json.dumps(document).encode()


def only(document: bytes) -> Credential:
    unwrapped = unwrap(document)
    assert (len(unwrapped.credentials), unwrapped.faults) == (1, ())
    return unwrapped.credentials[0]


WRAPPED = {
    "bare": json.dumps(PLAIN).encode(),
    "with a data-integrity proof": json.dumps({**PLAIN, "proof": {"type": "DataIntegrityProof"}}).encode(),
    "as a JWT": signed(PLAIN).encode(),
    "in an envelope": enveloped(signed(PLAIN)),
    "as a JWT of 1.1": signed({"iss": ISSUER, "nbf": 1_795_341_600, "vc": OLD}, typ="JWT").encode(),
    "in a presentation": json.dumps({"type": "VerifiablePresentation", "verifiableCredential": [PLAIN]}).encode(),
    "in a presentation as JWT": json.dumps(
        {"type": ["VerifiablePresentation"], "verifiableCredential": signed(PLAIN)}
    ).encode(),
    "in a presentation in an envelope": enveloped(
        signed({"type": ["VerifiablePresentation"], "verifiableCredential": [json.loads(enveloped(signed(PLAIN)))]}),
        "vp+jwt", "EnvelopedVerifiablePresentation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("document", WRAPPED.values(), ids=WRAPPED)
def test_a_bill_of_lading_is_the_same_in_every_wrapping(document: bytes) -> None:
    credential = only(document)

    (named,) = credential.documents
    assert credential.issuer is not None
    assert (credential.issuer.id, credential.valid_from[:10]) == (ISSUER, "2026-11-22")
    assert (named.type, named.kind, named.reference) == ("BillOfLading", "705", "B1")
    assert [(each.scheme, each.value) for each in named.identifiers] == [("bill_of_lading", "B1")]
    assert [(each.role, each.name, each.identifiers[0].value) for each in named.parties] == [("carrier", "C", "MAEU")]


STANDINGS = {
    "by Ed25519": (signed(PLAIN), "verified"),
    "by P-256": (signed(PLAIN, EC, kid="ec"), "verified"),
    "as a JWT of 1.1": (WRAPPED["as a JWT of 1.1"].decode(), "verified"),
    "with what the standard puts into the header": (signed(PLAIN, cty="vc", iss=ISSUER), "verified"),
    "by another's key": (signed(PLAIN, OTHER), "wrong"),
    "by another issuer's key, named": (signed(PLAIN, OTHER, kid="did:web:b.example#x"), "key_unknown"),
    "by a key of another kind": (signed(PLAIN, EC), "wrong"),
    "by another issuer, in the header": (signed(PLAIN, iss="did:web:b.example"), "wrong"),
    "with a key that it brings along": (signed(PLAIN, jwk={"kty": "OKP"}), "wrong"),
    "as an access token": (signed(PLAIN, typ="at+jwt"), "wrong"),
    "without a key id, of two keys": (signed(PLAIN, kid=None), "key_unknown"),
    "with an unknown key": (signed(PLAIN, kid="new"), "key_unknown"),
    "without a key id, of one key": (signed({**PLAIN, "issuer": "did:web:b.example"}, OTHER, kid=None), "verified"),
    "by a stranger": (signed({**PLAIN, "issuer": "did:web:c.example"}), "issuer_unknown"),
    "with padding": (signed(PLAIN).replace(".", "=.", 1), "wrong"),
    "cut": (signed(PLAIN)[:-4], "wrong"),
}


@pytest.mark.parametrize(("token", "stands"), STANDINGS.values(), ids=STANDINGS)
def test_a_signed_credential_stands_as_its_issuers_key_says(token: str, stands: str) -> None:
    credential = only(token.encode())

    assert standing(credential, BOOK) == stands
    assert (standing_fault(credential, standing(credential, BOOK)) is None) == (stands == "verified")


def test_a_changed_word_makes_the_signature_wrong() -> None:
    head, _, signature = signed(PLAIN).split(".")
    payload = signed({**PLAIN, "credentialSubject": {**SUBJECT, "billOfLadingNumber": "B2"}}).split(".")[1]

    assert standing(only(f"{head}.{payload}.{signature}".encode()), BOOK) == "wrong"


@pytest.mark.parametrize(("name", "stands"), [("bare", "none"), ("with a data-integrity proof", "not_verified")])
def test_what_cannot_be_verified_is_never_called_verified(name: str, stands: str) -> None:
    credential = only(WRAPPED[name])

    found = standing_fault(credential, standing(credential, BOOK))

    assert standing(credential, BOOK) == stands
    assert found is not None
    assert found.code == "CREDENTIAL_NOT_PROVEN"


MALFORMED = {
    "no context": ({**PLAIN, "@context": ["https://x.example"]}, "/@context"),
    "no issuer": ({**PLAIN, "issuer": {"name": "Carrier"}}, "/issuer"),
    "no subject": ({**PLAIN, "credentialSubject": "B1"}, "/credentialSubject"),
    "an empty subject among others": ({**PLAIN, "credentialSubject": [SUBJECT, {}]}, "/credentialSubject/1"),
}


@pytest.mark.parametrize(("document", "place"), MALFORMED.values(), ids=MALFORMED)
def test_what_a_credential_must_have_is_missed_at_its_place(document: dict[str, Any], place: str) -> None:
    faults = unwrap(json.dumps(document).encode()).faults

    assert [(each.code, each.place) for each in faults] == [("CREDENTIAL_MALFORMED", place)]


def test_a_signer_other_than_the_issuer_is_told() -> None:
    unwrapped = unwrap(signed({"iss": "did:web:b.example", "vc": {**OLD, "issuer": ISSUER}}).encode())

    assert [(each.code, each.place) for each in unwrapped.faults] == [("CREDENTIAL_MALFORMED", "/iss")]


@pytest.mark.parametrize("document", [b"{}", b'{"type": "Feature"}', b"[]", b'{"type": ["Seal"]}', b'{"id": "data:x"}'])
def test_what_is_no_trade_document_is_passed_over(document: bytes) -> None:
    assert unwrap(document).credentials == ()


NESTED = json.dumps({"type": "VerifiablePresentation", "verifiableCredential": [PLAIN] * 500}).encode()


def test_a_presentation_without_end_is_cut() -> None:
    assert len(unwrap(NESTED).credentials) == 100


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([*PLAIN, *SUBJECT, "id", "proof", "vc", "verifiableCredential", "shippingInstruction",
                         "billsOfLading", "airlineCodeNumber", "serialNumber", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*PLAIN, "id", "proof"]), _JSON, max_size=5), st.booleans())
def test_whatever_a_credential_holds_there_is_an_answer(changed: dict[str, Any], in_jwt: bool) -> None:
    document = {**PLAIN, **changed}

    unwrapped = unwrap(signed(document).encode() if in_jwt else json.dumps(document).encode())

    assert all(standing(each, BOOK) for each in unwrapped.credentials)


@given(st.binary(max_size=200), st.integers(0, 600))
def test_whatever_the_bytes_there_is_an_answer(junk: bytes, at: int) -> None:
    for document in (junk, WRAPPED["bare"][:at] + junk, WRAPPED["as a JWT"][:at] + junk + WRAPPED["as a JWT"][at:]):
        for credential in unwrap(document).credentials:
            assert standing(credential, BOOK) != "verified" or junk.strip() == b""
