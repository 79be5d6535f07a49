"""A system's signing key: one algorithm by kind, private to its owner, under the same id that the hub gives it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from connectors.keys import KeyUnusable, generate, read_key, signing_key, write_key
from hub.core.jwk import thumbprint
from hub.trust.keys import public_jwk_from_pem

P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
KEYS: list[tuple[Any, str]] = [(P256, "ES256"), (ED25519, "EdDSA"), (RSA, "PS256")]


@pytest.mark.parametrize(("private", "algorithm"), KEYS)
def test_each_kind_of_key_signs_with_its_one_algorithm_under_the_hubs_id_for_it(private: Any, algorithm: str) -> None:
    key = signing_key(private)

    assertion = key.assertion(client_id="acme.erp", issuer="https://hub.example", now=1_795_338_000)

    assert jwt.get_unverified_header(assertion) == {"typ": "JWT", "alg": algorithm, "kid": key.id}
    options = {"verify_exp": False, "verify_iat": False}
    jwt.decode(assertion, private.public_key(), [algorithm], options, audience="https://hub.example")
    assert key.id == thumbprint(public_jwk_from_pem(key.public_pem()))


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_key_that_was_written_is_read_back_and_nobody_else_may_read_it(algorithm: Any, tmp_path: Path) -> None:
    key = generate(algorithm)

    public = write_key(key, tmp_path / "system.pem")

    assert read_key(tmp_path / "system.pem").id == key.id
    assert public.read_bytes() == key.public_pem()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "system.pem").stat().st_mode) == 0o600


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    write_key(generate("ES256"), tmp_path / "system.pem")

    with pytest.raises(FileExistsError):
        write_key(generate("ES256"), tmp_path / "system.pem")


@pytest.mark.parametrize("jwk", [ECAlgorithm.to_jwk(P256), OKPAlgorithm.to_jwk(ED25519)])
def test_a_jwk_file_is_read_like_a_pem_file(jwk: str, tmp_path: Path) -> None:
    (tmp_path / "key.jwk").write_text(jwk)

    assert read_key(tmp_path / "key.jwk").id in {signing_key(P256).id, signing_key(ED25519).id}


UNREADABLE = {
    "nothing": b"",
    "no key": b"hello",
    "a public key": signing_key(ED25519).public_pem(),
    "a public JWK": ECAlgorithm.to_jwk(P256.public_key()).encode(),
    "a broken JWK": b'{"kty":"EC"}',
    "a symmetric JWK": b'{"kty":"oct","k":"AAAA"}',
    "an encrypted key": ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_without_a_usable_private_key_is_refused_with_what_to_do(what: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(UNREADABLE[what])

    with pytest.raises(KeyUnusable, match=r"unencrypted PEM|Ed25519"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("private", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)])
def test_a_kind_of_key_that_the_hub_does_not_take_is_refused(private: Any) -> None:
    with pytest.raises(KeyUnusable, match="P-256"):
        signing_key(private)
