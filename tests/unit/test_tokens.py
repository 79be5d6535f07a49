"""Which client assertions and access tokens the hub believes, and which of the many wrong ones it does not."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hub.core.settings import AuthSettings
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.intake.issuer import Issuers
from hub.trust.jws import Flaw, verify_jws
from hub.trust.tokens import (
    UNBOUND,
    AccessToken,
    Assertion,
    Issuer,
    issue_token,
    verify_assertion,
    verify_token,
)
from tests.clock import ManualClock
from tests.tokens_by_hand import (
    CLIENT,
    ED25519,
    ISSUER,
    NOW,
    P256,
    RSA,
    Signer,
    b64,
    claims,
    header,
    registered,
    sign,
    signature,
)

RING = MemoryKeyRing()
ISSUED_BY = Issuers(ISSUER, RING, clock=ManualClock(NOW * 1_000_000))()
KEYS = {CLIENT: [registered(key) for key in (P256, ED25519, RSA)], "other.erp": [registered(P256, "other.erp")]}
PUBLIC_PEM = P256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
STRANGER = ec.generate_private_key(ec.SECP256R1())
GOOD = sign(header(), claims())
HEAD, BODY, SIGNATURE = GOOD.split(".")


def check(token: str, now: int = NOW) -> Assertion | Flaw:
    return verify_assertion(
        token, issuer=ISSUER, keys_of=lambda client: KEYS.get(client, []), now=now, settings=AuthSettings()
    )


def access_token(issuer: Issuer = ISSUED_BY) -> str:
    return issue_token(
        CLIENT, "key-1", ["feeds:read"], binding=UNBOUND, issuer=issuer, now=NOW, seconds=600, chance=bytes(16)
    )


def check_access(token: str, now: int = NOW) -> AccessToken | Flaw:
    return verify_token(token, issuer=ISSUED_BY, now=now, bytes_max=8_192)


def repeated(content: dict[str, Any], member: bytes) -> bytes:
    """The object with one more member at its end."""
    return orjson.dumps(content)[:-1] + b"," + member + b"}"


@pytest.mark.parametrize("key", [P256, ED25519, RSA])
def test_an_assertion_under_each_algorithm_proves_its_client(key: Signer) -> None:
    assertion = check(sign(header(key), claims(), key))

    assert assertion == Assertion(CLIENT, registered(key).id, "one", NOW + 300, NOW)


@pytest.mark.parametrize(
    "token",
    [
        sign(header(typ=None), claims()),
        sign(header(typ="jwt"), claims()),
        sign(header(typ="client-authentication+jwt"), claims()),
        sign(header(kid=None), claims()),
        sign(header(RSA, kid=None), claims(), RSA),
        sign(header(), claims(iat=NOW + 9, exp=NOW + 300)),
        sign(header(), claims(nbf=NOW + 10)),
        sign(header(), claims(iat=NOW - 299, exp=NOW + 1)),
        sign(header(), claims(iat=NOW + 0.25, exp=NOW + 299.5)),
        sign(header(), claims(jti="j" * 128)),
        sign(header(), claims(extra={"nested": [1, 2.5, None]})),
    ],
)
def test_an_assertion_in_another_allowed_form_is_accepted(token: str) -> None:
    assert isinstance(check(token), Assertion)


FORM = [
    "",
    ".",
    "..",
    "a.b.c",
    f"{HEAD}.{BODY}",
    f"{HEAD}.{BODY}.",
    f"{HEAD}..{SIGNATURE}",
    f".{BODY}.{SIGNATURE}",
    f"{GOOD}.",
    f"{GOOD}.{SIGNATURE}",
    f"{GOOD}.e30.e30",
    f"{GOOD}=",
    f"{GOOD}==",
    f"{HEAD}==.{BODY}.{SIGNATURE}",
    f"{GOOD}\n",
    f" {GOOD}",
    f"{HEAD}. {BODY}.{SIGNATURE}",
    f"{GOOD}\x00",
    GOOD.replace(".", "․"),
    f"{GOOD}é",
    f"{GOOD}\udcff",
    f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{'AQgw'[('AQgw'.index(SIGNATURE[-1]) + 1) % 4]}",
    f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}",
    f"{HEAD}.{BODY}.+/{SIGNATURE[2:]}",
    orjson.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}).decode(),
    sign(header(), claims(filler="f" * 8_192)),
]

HEADERS: list[bytes | dict[str, Any]] = [
    {},
    header(alg=None),
    header(alg="none"),
    header(alg="None"),
    header(alg=""),
    header(alg="es256"),
    header(alg="ES384"),
    header(alg="ES256K"),
    header(alg="HS256"),
    header(alg="EdDSA"),
    header(alg="PS256"),
    header(alg=["ES256"]),
    header(alg=1),
    header() | {"alg": None},
    header() | {"typ": None},
    header() | {"kid": None},
    header(typ="at+jwt"),
    header(typ="application/at+jwt"),
    header(typ="dpop+jwt"),
    header(typ=""),
    header(typ=7),
    header(kid=""),
    header(kid="k" * 129),
    header(kid=["k"]),
    header(kid=registered(STRANGER).id),
    header(kid="../../etc/passwd"),
    header(kid=registered(ED25519).id),
    header(jku="https://evil.example/jwks.json"),
    header(jwk=registered(STRANGER).jwk),
    header(x5u="https://evil.example/cert.pem"),
    header(x5c=["MII"]),
    header(x5t="AA"),
    header(crit=["exp"]),
    header(crit=["b64"], b64=True),
    header(b64=False),
    header(zip="DEF"),
    header(cty="JWT"),
    header(enc="A128GCM"),
    header(unknown=1),
    repeated(header(), b'"alg":"ES256"'),
    repeated(header(), b'"\\u0061lg":"ES256"'),
    repeated(header(alg="none"), b'"alg":"ES256"'),
    orjson.dumps(header()) + b"x",
    b"\xef\xbb\xbf" + orjson.dumps(header()),
    orjson.dumps([header()]),
    b'"ES256"',
    b"null",
    b"",
    b"\xff",
]

CLAIMS: list[bytes | dict[str, Any]] = [
    {},
    *(claims(**{name: None}) for name in ("iss", "sub", "aud", "exp", "iat", "jti")),
    *(claims(**{name: value}) for name in ("iss", "sub", "aud", "jti") for value in ("", 7, True, [CLIENT], {})),
    *(claims(**{name: value}) for name in ("exp", "iat", "nbf") for value in (str(NOW), True, [NOW], {}, -1, 2**60)),
    claims() | {"exp": None},
    claims() | {"nbf": None},
    claims() | {"nbf": None, "iat": "now"},
    claims(iss="other.erp"),
    claims(sub="other.erp"),
    claims(iss="nobody.erp", sub="nobody.erp"),
    claims(aud=[ISSUER]),
    claims(aud=[ISSUER, "https://other.example"]),
    claims(aud="https://other.example"),
    claims(aud=ISSUER + "/"),
    claims(aud=ISSUER + "/oauth2/token"),
    claims(aud=ISSUER.upper()),
    claims(exp=NOW),
    claims(exp=NOW - 1),
    claims(exp=NOW + 301),
    claims(exp=NOW + 300.5),
    claims(exp=2**53),
    claims(iat=NOW - 301, exp=NOW - 1),
    claims(iat=NOW + 31),
    claims(iat=NOW + 11),
    claims(nbf=NOW + 31),
    claims(iat=NOW + 5, exp=NOW + 5),
    claims(jti="j" * 129),
    repeated(claims(), b'"exp":1795338300'),
    repeated(claims(), b'"\\u0073ub":"acme.erp"'),
    repeated(claims(), b'"deep":{"a":1,"a":2}'),
    repeated(claims(), b'"n":NaN'),
    repeated(claims(), b'"n":Infinity'),
    repeated(claims(), b'"n":1e400'),
    repeated(claims(), b'"n":' + b"[" * 100 + b"]" * 100),
    repeated(claims(exp=None), b'"exp":1e400'),
    repeated(claims(exp=None), b'"exp":' + b"9" * 400),
    orjson.dumps(claims()) + b"{}",
    b"\xef\xbb\xbf" + orjson.dumps(claims()),
    orjson.dumps([claims()]),
    orjson.dumps(claims()).decode().encode("utf-16-le"),
    b"foo",
    b"",
]  # fmt: skip


@pytest.mark.parametrize("token", FORM)
def test_a_token_in_another_form_is_refused(token: str) -> None:
    assert isinstance(check(token), Flaw)


@pytest.mark.parametrize("forged", HEADERS)
def test_a_token_with_another_header_is_refused_although_it_is_signed(forged: bytes | dict[str, Any]) -> None:
    assert isinstance(check(sign(forged, claims())), Flaw)


@pytest.mark.parametrize("forged", CLAIMS)
def test_a_token_with_other_claims_is_refused_although_it_is_signed(forged: bytes | dict[str, Any]) -> None:
    assert isinstance(check(sign(header(), forged)), Flaw)


@pytest.mark.parametrize(
    "token",
    [
        sign(header(), claims(), STRANGER),
        sign(header(kid=None), claims(), STRANGER),
        sign(header(alg="HS256"), claims(), PUBLIC_PEM),
        sign(header(), claims(), PUBLIC_PEM),
        sign(header(alg="PS256"), claims(), RSA),
        sign(header(RSA, alg="RS256"), claims(), RSA),
        sign(header(ED25519, alg="Ed448"), claims(), ED25519),
        sign(header(), claims(iss="other.erp", sub="other.erp"), ED25519),
        f"{HEAD}.{BODY}.{b64(bytes(64))}",
        f"{HEAD}.{BODY}.{b64(signature(P256, b'another message'))}",
        f"{HEAD}.{BODY}.{b64(urlsafe_b64decode(SIGNATURE + '==') + bytes(1))}",
        f"{HEAD}.{BODY}.{b64(P256.sign(f'{HEAD}.{BODY}'.encode(), ec.ECDSA(SHA256())))}",
        f"{HEAD}.{b64(orjson.dumps(claims(jti='two')))}.{SIGNATURE}",
        f"{b64(orjson.dumps(header(typ=None)))}.{BODY}.{SIGNATURE}",
    ],
)  # fmt: skip
def test_a_signature_that_is_not_the_clients_own_over_these_bytes_is_refused(token: str) -> None:
    assert isinstance(check(token), Flaw)


def test_an_assertion_for_another_client_under_its_own_key_says_nothing_about_ours() -> None:
    assertion = check(sign(header(), claims(iss="other.erp", sub="other.erp")))

    assert isinstance(assertion, Assertion)
    assert assertion.client == "other.erp"


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""SEC 2 §2.4.2."""


@pytest.mark.parametrize("r", [0, 1, P256_ORDER - 1, P256_ORDER])
@pytest.mark.parametrize("s", [0, 1, P256_ORDER - 1, P256_ORDER])
def test_a_signature_of_scalars_at_the_edge_of_the_curve_is_refused(r: int, s: int) -> None:
    edge = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    assert check(f"{HEAD}.{BODY}.{edge}") is Flaw.SIGNATURE


def test_both_signatures_that_ecdsa_knows_for_one_message_are_accepted_and_are_one_use() -> None:
    raw = urlsafe_b64decode(SIGNATURE + "==")
    mirrored = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")

    assert check(f"{HEAD}.{BODY}.{b64(mirrored)}") == check(GOOD)


@given(place=st.integers(0, len(GOOD) - 1), character=st.characters(max_codepoint=0x2FF))
def test_no_single_changed_character_leaves_a_token_believed(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    assert changed == GOOD or isinstance(check(changed), Flaw)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_as_header_and_claims_are_refused_without_an_exception(head: bytes, body: bytes) -> None:
    assert isinstance(check(sign(head, body)), Flaw)
    assert isinstance(check(sign(header(), body)), Flaw)


def test_a_signature_over_something_that_is_no_json_is_still_a_signature() -> None:
    assert verify_jws(sign(header(), b"foo"), P256.public_key(), bytes_max=8_192) == b"foo"


def test_an_access_token_comes_back_with_what_it_was_issued_for() -> None:
    verified = check_access(access_token())

    assert verified == AccessToken(CLIENT, "key-1", frozenset({"feeds:read"}), NOW + 600, "A" * 22, NOW)


def test_an_access_token_has_the_header_and_claims_of_rfc_9068() -> None:
    head, body, _ = (urlsafe_b64decode(part + "==") for part in access_token().split("."))

    assert orjson.loads(head) == {"alg": "ES256", "typ": "at+jwt", "kid": ISSUED_BY.key_id}
    assert orjson.loads(body) == {
        "iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "aud": ISSUER, "scope": "feeds:read",
        "iat": NOW, "exp": NOW + 600, "jti": "A" * 22, "hub_key": "key-1",
    }  # fmt: skip


def test_an_access_token_ends_with_its_last_second() -> None:
    assert isinstance(check_access(access_token(), NOW + 599), AccessToken)
    assert check_access(access_token(), NOW + 600) is Flaw.EXPIRED


def access_claims(**changes: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "aud": ISSUER, "scope": "feeds:read",
        "iat": NOW, "exp": NOW + 600, "jti": "one", "hub_key": "key-1",
    }  # fmt: skip
    return good | changes


TOKEN_HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": ISSUED_BY.key_id}


@pytest.mark.parametrize(
    ("forged", "body"),
    [
        (TOKEN_HEADER | {"typ": "JWT"}, access_claims()),
        (TOKEN_HEADER | {"typ": "AT+JWT"}, access_claims()),
        (TOKEN_HEADER | {"kid": "unknown"}, access_claims()),
        ({"alg": "ES256", "typ": "at+jwt"}, access_claims()),
        (TOKEN_HEADER, access_claims(iss="https://other.example")),
        (TOKEN_HEADER, access_claims(aud="https://other.example")),
        (TOKEN_HEADER, access_claims(aud=[ISSUER])),
        (TOKEN_HEADER, access_claims(sub="other.erp")),
        (TOKEN_HEADER, access_claims(exp=NOW)),
        (TOKEN_HEADER, access_claims(exp=str(NOW + 600))),
        (TOKEN_HEADER, access_claims(hub_key=None)),
        (TOKEN_HEADER, access_claims(scope=["feeds:read"])),
    ],
)
def test_another_token_is_no_access_token_although_the_token_key_signed_it(
    forged: dict[str, Any], body: dict[str, Any]
) -> None:
    assert isinstance(check_access(sign(forged, body, ISSUED_BY.key)), Flaw)


def test_the_hand_made_access_token_is_good_before_it_is_changed() -> None:
    assert isinstance(check_access(sign(TOKEN_HEADER, access_claims(), ISSUED_BY.key)), AccessToken)


def test_a_token_of_another_key_under_our_key_id_is_refused() -> None:
    assert check_access(sign(TOKEN_HEADER, access_claims(), STRANGER)) is Flaw.SIGNATURE


def test_an_access_token_is_no_assertion_and_an_assertion_no_access_token() -> None:
    assert check(access_token()) is Flaw.TYPE
    assert check_access(GOOD) is Flaw.TYPE
