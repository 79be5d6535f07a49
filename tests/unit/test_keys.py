"""Which public keys a partner's system may have, and what the hub calls them."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hub.trust.keys import (
    KeyRefused,
    algorithm_of,
    decode_base64url,
    load_public_jwk,
    public_jwk,
    public_jwk_from_pem,
    thumbprint,
)

P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65_537, 2048)
P256_JWK, ED25519_JWK, RSA_JWK = (public_jwk(key.public_key()) for key in (P256, ED25519, RSA))

SMALL_RSA = rsa.generate_private_key(65_537, 1024).public_key()
RSA_E3 = rsa.generate_private_key(3, 2048).public_key()
OTHER_KINDS: list[Any] = [
    ec.generate_private_key(ec.SECP384R1()).public_key(),
    ed448.Ed448PrivateKey.generate().public_key(),
    SMALL_RSA,
    RSA_E3,
]


def pem(key: Any) -> bytes:
    written: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return written


@pytest.mark.parametrize(("key", "algorithm"), [(P256, "ES256"), (ED25519, "EdDSA"), (RSA, "PS256")])
def test_a_key_survives_jwk_and_pem_and_has_one_algorithm(key: Any, algorithm: str) -> None:
    public = key.public_key()

    jwk = public_jwk_from_pem(pem(public))

    assert load_public_jwk(jwk) == public
    assert jwk == public_jwk(public)
    assert algorithm_of(public) == algorithm


def test_the_thumbprint_is_the_one_of_rfc_8037_appendix_a3() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "any"}

    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("key", OTHER_KINDS)
def test_another_curve_a_short_modulus_or_a_small_exponent_is_refused(key: Any) -> None:
    with pytest.raises(KeyRefused):
        public_jwk_from_pem(pem(key))


@pytest.mark.parametrize("key", [P256, ED25519, RSA])
def test_a_private_key_is_refused_without_an_echo(key: Any) -> None:
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(KeyRefused) as refused:
        public_jwk_from_pem(secret)

    assert secret.splitlines()[1].decode() not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("given", [b"", b"\x00", b"ssh-ed25519 AAAA", pem(P256.public_key())[:-40], b"x" * 20_000])
def test_what_is_no_public_key_in_pem_is_refused(given: bytes) -> None:
    with pytest.raises(KeyRefused):
        public_jwk_from_pem(given)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        P256_JWK | {"d": "AA"},
        P256_JWK | {"crv": "P-384"},
        P256_JWK | {"crv": "secp256k1"},
        P256_JWK | {"x": P256_JWK["y"]},
        P256_JWK | {"x": P256_JWK["x"] + "="},
        P256_JWK | {"x": "AA" + P256_JWK["x"]},
        P256_JWK | {"x": 7},
        {name: value for name, value in P256_JWK.items() if name != "y"},
        P256_JWK | {"alg": "HS256"},
        P256_JWK | {"alg": "ES384"},
        P256_JWK | {"use": "enc"},
        P256_JWK | {"key_ops": ["sign"]},
        P256_JWK | {"key_ops": "verify"},
        ED25519_JWK | {"crv": "X25519"},
        ED25519_JWK | {"crv": "Ed448"},
        ED25519_JWK | {"x": ED25519_JWK["x"][:-2]},
        RSA_JWK | {"alg": "RS256"},
        RSA_JWK | {"e": "AQ"},
        RSA_JWK | {"e": "Aw"},
        RSA_JWK | {"n": "AA" + RSA_JWK["n"]},
        RSA_JWK | {"n": RSA_JWK["n"] * 4},
        RSA_JWK | {"p": RSA_JWK["n"]},
    ],
)  # fmt: skip
def test_a_jwk_that_is_not_a_public_signature_key_of_ours_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(KeyRefused):
        load_public_jwk(jwk)


def test_members_that_say_what_the_key_is_for_are_taken() -> None:
    said = {"alg": "ES256", "use": "sig", "key_ops": ["verify"], "kid": "1", "x5t": ""}

    assert load_public_jwk(P256_JWK | said) == P256.public_key()


@pytest.mark.parametrize("text", ["YQ==", "YR", "a", "YQ\n", " YQ", "+/+/", "é", "Y.Q"])
def test_base64url_that_is_not_canonical_is_refused(text: str) -> None:
    assert decode_base64url(text) is None
