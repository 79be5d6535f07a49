"""Wrapped trade documents: every envelope opened, no proof believed, whatever is in them."""

from __future__ import annotations

import hmac
import json
import tracemalloc
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jwt
import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.core.issuer import IssuerKey
from hub.core.jwk import public_jwk
from hub.trust.credential import Judged, KeyBook, Standing, judge, standing_fault
from hub.trust.did import decode_base58btc, key_of_did
from schemas.documents.credential import Credential, unwrap
from schemas.documents.validity import validity

ISSUER = "did:web:carrier.example"
ED, EC, OTHER = Ed25519PrivateKey.generate(), generate_private_key(SECP256R1()), Ed25519PrivateKey.generate()
NOW = 1_800_000_000


def known(issuer: str, kid: str, private: Any) -> IssuerKey:
    return IssuerKey(issuer, kid, "Carrier", public_jwk(private.public_key()), "")


BOOK: KeyBook = {
    ISSUER: (known(ISSUER, "ed", ED), known(ISSUER, "ec", EC)),
    "did:web:b.example": (known("did:web:b.example", "x", OTHER),),
}
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


def segment(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(payload: Mapping[str, Any], *, alg: str, signature: str = ".") -> str:
    """With a signature that was made for another token, or none."""
    header = {"alg": alg, "typ": "vc+jwt", "kid": "ed"}
    return f"{segment(json.dumps(header).encode())}.{segment(json.dumps(payload).encode())}.{signature.split('.')[-1]}"


def confused(payload: Mapping[str, Any]) -> str:
    """RFC 8725 §2.1: HS256 with what everybody knows."""
    pem = ED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = unsigned(payload, alg="HS256").rpartition(".")[0]
    return f"{head}.{segment(hmac.digest(pem, head.encode(), 'sha256'))}"


def standing(credential: Credential, keys: KeyBook = BOOK) -> Standing:
    return judge(credential, keys, now=NOW).standing


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
    "with a type in another spelling": (signed(PLAIN, typ="application/VC+JWT"), "verified"),
    "in a presentation's clothes": (signed(PLAIN, typ="vp+jwt"), "wrong"),
    "by nobody": (unsigned(PLAIN, alg="none"), "wrong"),
    "by nobody, in other letters": (unsigned(PLAIN, alg="nOnE"), "wrong"),
    "by nobody, of a stranger": (unsigned({**PLAIN, "issuer": "did:web:c.example"}, alg="none"), "wrong"),
    "without the signature": (signed(PLAIN).rpartition(".")[0] + ".", "wrong"),
    "with the public key as a shared secret": (confused(PLAIN), "wrong"),
    "under another name of its algorithm": (unsigned(PLAIN, alg="ES256", signature=signed(PLAIN)), "wrong"),
}


@pytest.mark.parametrize(("token", "stands"), STANDINGS.values(), ids=STANDINGS)
def test_a_signed_credential_stands_as_its_issuers_key_says(token: str, stands: str) -> None:
    credential = only(enveloped(token))

    assert standing(credential) == stands
    assert (standing_fault(credential, judge(credential, BOOK, now=NOW)) is None) == (stands == "verified")


def test_a_changed_word_makes_the_signature_wrong() -> None:
    head, _, signature = signed(PLAIN).split(".")
    payload = signed({**PLAIN, "credentialSubject": {**SUBJECT, "billOfLadingNumber": "B2"}}).split(".")[1]

    assert standing(only(f"{head}.{payload}.{signature}".encode())) == "wrong"


IN_FORCE = {
    "since ever and for ever": (None, None, "verified"),
    "from this second": (NOW, None, "verified"),
    "from the next": (NOW + 1, None, "key_not_in_force"),
    "until the next": (None, NOW + 1, "verified"),
    "until this second": (None, NOW, "key_not_in_force"),
}


@pytest.mark.parametrize(("begins", "ends", "stands"), IN_FORCE.values(), ids=IN_FORCE)
def test_a_key_counts_while_the_book_holds_it_in_force(begins: int | None, ends: int | None, stands: str) -> None:
    [key, _] = BOOK[ISSUER]
    book = {ISSUER: (replace(key, valid_from=begins, valid_until=ends),)}

    assert standing(only(signed(PLAIN).encode()), book) == stands
    assert standing(only(signed(PLAIN, OTHER).encode()), book) == "wrong"


def test_a_key_that_was_removed_is_as_if_it_had_never_been_there() -> None:
    gone = [replace(each, removed=True) for each in BOOK[ISSUER]]

    assert standing(only(signed(PLAIN).encode()), {ISSUER: gone}) == "issuer_unknown"
    assert standing(only(signed(PLAIN).encode()), {ISSUER: [gone[0], BOOK[ISSUER][1]]}) == "key_unknown"


def test_the_key_that_verified_it_is_named() -> None:
    assert judge(only(signed(PLAIN).encode()), BOOK, now=NOW) == Judged("verified", f"{ISSUER}#ed")


def did_jwk(private: Any) -> str:
    return "did:jwk:" + segment(json.dumps(public_jwk(private.public_key())).encode())


def base58(content: bytes) -> str:
    number, text = int.from_bytes(content, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return "z" + "1" * (len(content) - len(content.lstrip(b"\0"))) + text


def did_key(private: Any) -> str:
    if private is EC:
        point = EC.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return "did:key:" + base58(b"\x80\x24" + point)
    return "did:key:" + base58(b"\xed\x01" + private.public_key().public_bytes_raw())


ITSELF = [(did_jwk(ED), ED, "0"), (did_jwk(EC), EC, "0"), *((did_key(key), key, did_key(key)[8:]) for key in (ED, EC))]


@pytest.mark.parametrize(("issuer", "key", "fragment"), ITSELF, ids=["jwk-ed", "jwk-ec", "key-ed", "key-ec"])
def test_a_name_that_is_a_key_proves_its_holder_and_is_not_called_verified(
    issuer: str, key: Any, fragment: str
) -> None:
    document = {**PLAIN, "issuer": issuer}
    good, other, bare = (
        only(signed(document, *made, kid=kid).encode())
        for made, kid in (((key,), f"{issuer}#{fragment}"), ((OTHER,), f"{issuer}#{fragment}"), ((key,), None))
    )

    assert [standing(each) for each in (good, other, bare)] == ["self_asserted", "wrong", "self_asserted"]
    assert standing(only(signed(document, key, kid="another").encode())) == "key_unknown"
    found = standing_fault(good, judge(good, BOOK, now=NOW))
    assert found is not None
    assert found.code == "CREDENTIAL_NOT_PROVEN"
    in_book = {issuer: (known(issuer, fragment, key),)}
    assert standing(good, in_book) == "verified"


@pytest.mark.parametrize(
    "did",
    [
        "did:key:", "did:key:z", "did:key:z0", "did:key:z6MkInvalid", "did:key:" + base58(b"\xe7\x01" + bytes(33)),
        "did:key:" + base58(b"\x80\x24" + bytes(33)), "did:key:z" + "2" * 3_000, "did:jwk:", "did:jwk:e30",
        "did:jwk:W10",
        "did:jwk:" + segment(b'{"kty":"OKP","crv":"Ed25519","x":"%s","d":"AA"}' % (b"A" * 43)), "did:web:c.example",
        "https://c.example", "",
    ],
)  # fmt: skip
def test_a_name_that_is_no_key_that_is_taken_is_none(did: str) -> None:
    assert key_of_did(did) is None


@given(st.binary(max_size=80))
def test_base58_is_read_as_it_is_written(content: bytes) -> None:
    assert decode_base58btc(base58(content)) == content


NOTHING: Mapping[str, Any] = {}


def integral(
    document: Mapping[str, Any], key: Any = ED, method: str = f"{ISSUER}#ed", changed: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """Signed by VC-DI-EdDSA §3.3.1, VC-DI-ECDSA the same."""
    suite = "ecdsa-jcs-2019" if key is EC else "eddsa-jcs-2022"
    options = {"type": "DataIntegrityProof", "cryptosuite": suite, "proofPurpose": "assertionMethod",
               "verificationMethod": method, "@context": document["@context"], **changed}  # fmt: skip
    digest = b"".join(sha256(rfc8785.dumps(each)).digest() for each in (options, dict(document)))
    if key is EC:
        r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(hashes.SHA256())))
        return {**document, "proof": {**options, "proofValue": base58(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}}
    return {**document, "proof": {**options, "proofValue": base58(key.sign(digest))}}


FRACTIONS = {**PLAIN, "credentialSubject": {**SUBJECT, "weight": 1.0, "\U0001f600": 1e21, "é": -0.0}}
SEALED = integral(PLAIN)
INTEGRAL = {
    "by Ed25519": (SEALED, "verified"),
    "by P-256": (integral(PLAIN, EC, f"{ISSUER}#ec"), "verified"),
    "with numbers and names that are hard to write": (integral(FRACTIONS), "verified"),
    "in a set of one": ({**SEALED, "proof": [SEALED["proof"]]}, "verified"),
    "with a context more, that is not signed": ({**SEALED, "@context": [*PLAIN["@context"], "urn:more"]}, "verified"),
    "by another's key": (integral(PLAIN, OTHER), "wrong"),
    "by a key of another kind": (integral(PLAIN, EC), "wrong"),
    "of another suite": ({**SEALED, "proof": {**SEALED["proof"], "cryptosuite": "ecdsa-jcs-2019"}}, "wrong"),
    "changed": ({**SEALED, "validFrom": "2027"}, "wrong"),
    "with another time of the proof": ({**SEALED, "proof": {**SEALED["proof"], "created": "2027"}}, "wrong"),
    "with another context": (integral(PLAIN, changed={"@context": OLD["@context"]}), "wrong"),
    "for another purpose": (integral(PLAIN, changed={"proofPurpose": "authentication"}), "wrong"),
    "of another type": (integral(PLAIN, changed={"type": "Ed25519Signature2020"}), "wrong"),
    "without a signature": ({**SEALED, "proof": {**SEALED["proof"], "proofValue": ""}}, "wrong"),
    "with half a signature": (
        {**SEALED, "proof": {**SEALED["proof"], "proofValue": SEALED["proof"]["proofValue"][:40]}}, "wrong",
    ),
    "by an unknown key": (integral(PLAIN, method=f"{ISSUER}#new"), "key_unknown"),
    "by a stranger": (integral({**PLAIN, "issuer": "did:web:c.example"}), "issuer_unknown"),
    "among others": ({**SEALED, "proof": [SEALED["proof"]] * 2}, "not_verified"),
    "over its meaning in RDF": (integral(PLAIN, changed={"cryptosuite": "eddsa-rdfc-2022"}), "not_verified"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "stands"), INTEGRAL.values(), ids=INTEGRAL)
def test_a_proof_inside_a_credential_stands_as_its_issuers_key_says(document: dict[str, Any], stands: str) -> None:
    [credential] = unwrap(json.dumps(document).encode()).credentials

    assert standing(credential) == stands


@pytest.mark.parametrize(("name", "stands"), [("bare", "none"), ("with a data-integrity proof", "not_verified")])
def test_what_cannot_be_verified_is_never_called_verified(name: str, stands: str) -> None:
    credential = only(WRAPPED[name])

    found = standing_fault(credential, judge(credential, BOOK, now=NOW))

    assert standing(credential) == stands
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


@pytest.mark.parametrize("payload", [{}, [], [PLAIN], "PLAIN", {"sub": "x", "exp": NOW}], ids=str)
def test_a_token_that_holds_no_credential_is_malformed(payload: Any) -> None:
    opened = unwrap(signed(payload).encode())

    assert opened.wrapped
    assert {each.code for each in opened.faults} == {"CREDENTIAL_MALFORMED"}


@pytest.mark.parametrize("inside", [[], [{}], [5], {"type": "Feature"}, None], ids=str)
def test_a_presentation_of_something_else_is_malformed(inside: Any) -> None:
    opened = unwrap(json.dumps({"type": "VerifiablePresentation", "verifiableCredential": inside}).encode())

    assert opened.wrapped
    assert {each.code for each in opened.faults} == {"CREDENTIAL_MALFORMED"}


TIMES = {
    "no end": ({}, None),
    "an end behind": ({"validUntil": "2027-01-15T07:59:59Z"}, "expired"),
    "an end this second": ({"validUntil": "2027-01-15T08:00:00Z"}, "expired"),
    "an end ahead": ({"validUntil": "2027-01-15T08:00:01Z"}, None),
    "an end in another zone": ({"validUntil": "2027-01-15T09:00:00+02:00"}, "expired"),
    "an end today": ({"validUntil": "2027-01-15"}, None),
    "an end of 1.1": ({"expirationDate": "2020-01-01T00:00:00Z"}, "expired"),
    "an end of the token": ({"exp": 1}, "expired"),
    "the earlier of two ends": ({"exp": NOW + 9, "validUntil": "2020-01-01T00:00:00Z"}, "expired"),
    "a beginning ahead": ({"validFrom": "2030-01-01T00:00:00Z"}, "not_yet_valid"),
    "a beginning of 1.1": ({"validFrom": None, "issuanceDate": "2030-01-01T00:00:00Z"}, "not_yet_valid"),
    "a beginning of the token": ({"nbf": NOW + 61}, "not_yet_valid"),
    "a clock that is ahead": ({"nbf": NOW + 60}, None),
}


@pytest.mark.parametrize(("times", "stands"), TIMES.values(), ids=TIMES)
def test_a_credential_counts_from_its_beginning_until_its_end(times: dict[str, Any], stands: str | None) -> None:
    credential = only(signed({**PLAIN, **times}).encode())

    assert validity(credential.valid_from, credential.valid_until, now=NOW) == stands


@pytest.mark.parametrize(
    "time", [{"exp": "soon"}, {"exp": True}, {"nbf": 10**15}, {"validUntil": "2027"}, {"expirationDate": 5}], ids=str
)
def test_a_validity_that_is_no_time_is_told_at_its_place(time: dict[str, Any]) -> None:
    found = unwrap(signed({**PLAIN, **time}).encode()).faults

    assert [(each.code, each.place) for each in found] == [("CREDENTIAL_MALFORMED", f"/{next(iter(time))}")]


CAUSES = {
    "no signature (alg none)": unsigned(PLAIN, alg="none"),
    "the header member crit, which is not taken": signed(PLAIN, crit=["x"], x=1),
    "algorithm ML-DSA-65, which is not its key's": unsigned(PLAIN, alg="ML-DSA-65", signature=signed(PLAIN)),
    "an envelope that was made for something else": signed(PLAIN, typ="at+jwt"),
    "another signature": signed(PLAIN, OTHER),
}


@pytest.mark.parametrize(("found", "token"), CAUSES.items(), ids=CAUSES)
def test_what_is_wrong_with_a_signature_is_told(found: str, token: str) -> None:
    credential = only(enveloped(token))

    told = standing_fault(credential, judge(credential, BOOK, now=NOW))

    assert told is not None
    assert (told.code, told.found) == ("CREDENTIAL_PROOF_WRONG", found)


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


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*PLAIN, "id", "proof"]), _JSON, max_size=5), st.booleans())
def test_whatever_a_credential_holds_there_is_an_answer(changed: dict[str, Any], in_jwt: bool) -> None:
    document = {**PLAIN, **changed}

    unwrapped = unwrap(signed(document).encode() if in_jwt else json.dumps(document).encode())

    assert all(standing(each) for each in unwrapped.credentials)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_whatever_the_bytes_there_is_an_answer(junk: bytes, at: int) -> None:
    for document in (junk, WRAPPED["bare"][:at] + junk, WRAPPED["as a JWT"][:at] + junk + WRAPPED["as a JWT"][at:]):
        for credential in unwrap(document).credentials:
            assert standing(credential) != "verified" or junk.strip() == b""


def test_a_document_of_long_names_takes_memory_by_its_size_and_not_by_its_places() -> None:
    inside: Any = {"equipmentReference": ["X"] * 50_000}
    for _ in range(30):
        inside = {"n" * 10_000: inside}
    document = json.dumps({**PLAIN, "credentialSubject": {**SUBJECT, "inside": inside}}).encode()
    tracemalloc.start()

    faults = unwrap(document).faults

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * len(document)
    assert len(faults) == 100
    assert max(len(each.place) for each in faults) < 8_192
