"""What every key ring promises (`hub/ports/key_ring.py`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.core.errors import BlobMissing
from hub.core.jwk import public_jwk, thumbprint
from hub.drivers.memory.key_ring import MemoryKeyRing
from hub.drivers.system.key_ring import FileKeyRing
from hub.ports.key_ring import SEAL_OVERLAP_SECONDS, TOKEN_KEY_LEAD_SECONDS, KeyRing, published, signing

NOW = 1_795_338_000
MakeRing = Callable[[], KeyRing]


@pytest.fixture(params=["memory", "files"])
def make_ring(request: pytest.FixtureRequest, tmp_path: Path) -> MakeRing:
    if request.param == "memory":
        return lambda: MemoryKeyRing(now=NOW)
    return lambda: FileKeyRing(tmp_path / "keys", now=NOW)


@pytest.fixture
def ring(make_ring: MakeRing) -> KeyRing:
    return make_ring()


def test_a_new_ring_has_one_seal_key_that_signs_from_now(ring: KeyRing) -> None:
    [key] = ring.seal_keys()

    Ed25519PublicKey.from_public_bytes(key.public).verify(ring.sign_seal(b"seal"), b"seal")
    assert (key.id, key.valid_from, key.valid_to) == (ring.seal_key_id, NOW, None)
    assert key.id == thumbprint(public_jwk(Ed25519PublicKey.from_public_bytes(key.public)))


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(ring: KeyRing) -> None:
    [old] = ring.seal_keys()
    signature = ring.sign_seal(b"old")

    new = ring.rotate_seal_key(NOW + 100)

    newest, closed = ring.seal_keys()
    assert newest == new
    assert new.id == ring.seal_key_id != old.id
    Ed25519PublicKey.from_public_bytes(new.public).verify(ring.sign_seal(b"new"), b"new")
    Ed25519PublicKey.from_public_bytes(closed.public).verify(signature, b"old")
    assert (closed.id, closed.valid_from, closed.valid_to) == (old.id, NOW, NOW + 100 + SEAL_OVERLAP_SECONDS)


def test_a_second_rotation_leaves_older_history_as_it_is(ring: KeyRing) -> None:
    ring.rotate_seal_key(NOW + 100)
    history = list(ring.seal_keys())

    ring.rotate_seal_key(NOW + 200)

    assert list(ring.seal_keys())[2:] == history[1:]
    assert [key.valid_from for key in ring.seal_keys()] == [NOW + 200, NOW + 100, NOW]


def test_a_leak_marks_every_key_that_was_valid_since_and_no_other(ring: KeyRing) -> None:
    ring.rotate_seal_key(NOW + 1_000)
    ring.rotate_seal_key(NOW + 2_000)

    new = ring.rotate_seal_key(NOW + 3_000, compromised_since=NOW + 1_500)

    assert [key.compromised_since for key in ring.seal_keys()] == [None, NOW + 1_500, NOW + 1_500, None]
    assert ring.seal_key_id == new.id


def test_a_leak_that_is_found_to_be_older_reaches_further_back_and_never_less(ring: KeyRing) -> None:
    ring.rotate_seal_key(NOW + 1_000, compromised_since=NOW + 500)

    ring.rotate_seal_key(NOW + 2_000, compromised_since=NOW + 900)
    ring.rotate_seal_key(NOW + 3_000, compromised_since=NOW + 100)

    assert [key.compromised_since for key in ring.seal_keys()] == [None, NOW + 100, NOW + 100, NOW + 100]


def test_the_token_key_is_on_p256_and_published_under_its_thumbprint(ring: KeyRing) -> None:
    [published] = ring.token_keys()

    key = load_pem_private_key(ring.token_key_pem(published.id), password=None)

    assert isinstance(key, EllipticCurvePrivateKey)
    jwk = public_jwk(key.public_key())
    assert published.id == thumbprint(jwk)
    assert published.jwk == jwk | {"kid": published.id, "use": "sig", "alg": "ES256"}


def test_a_new_token_key_is_published_before_it_signs(ring: KeyRing) -> None:
    [old] = ring.token_keys()

    new = ring.rotate_token_key(NOW, 600)

    assert {key.id for key in published(ring.token_keys(), NOW)} == {old.id, new.id}
    signs = [signing(ring.token_keys(), NOW + seconds).id for seconds in (0, TOKEN_KEY_LEAD_SECONDS)]
    assert signs == [old.id, new.id]


def test_the_old_token_key_is_published_until_its_last_token_ended_and_is_then_forgotten(ring: KeyRing) -> None:
    [old] = ring.token_keys()
    ring.rotate_token_key(NOW, 600)
    last_token_ends = NOW + TOKEN_KEY_LEAD_SECONDS + 600

    until_then = published(ring.token_keys(), last_token_ends)
    ring.rotate_token_key(last_token_ends + 3_600, 600)

    assert old.id in {key.id for key in until_then}
    assert old.id not in {key.id for key in ring.token_keys()}
    assert len(ring.token_keys()) == 2


def test_a_leaked_token_key_is_published_no_more_and_the_new_one_signs_at_once(ring: KeyRing) -> None:
    ring.rotate_token_key(NOW, 600)

    new = ring.rotate_token_key(NOW + 10, 600, leaked=True)

    assert [key.id for key in ring.token_keys()] == [new.id]
    assert signing(ring.token_keys(), NOW + 10).id == new.id
    assert ring.token_key_pem(new.id)


def test_every_token_key_can_sign(ring: KeyRing) -> None:
    for _ in range(3):
        ring.rotate_token_key(NOW, 600)

    for key in ring.token_keys():
        private = load_pem_private_key(ring.token_key_pem(key.id), password=None)
        assert isinstance(private, EllipticCurvePrivateKey)
        assert thumbprint(public_jwk(private.public_key())) == key.id


def test_a_secret_is_the_same_for_one_use_and_another_for_every_other(ring: KeyRing) -> None:
    secrets = [ring.secret(use) for use in ("cursor", "pseudonym:risk-a", "pseudonym:risk-b")]

    assert len(set(secrets)) == 3
    assert {len(secret) for secret in secrets} == {32}
    assert ring.secret("cursor") == secrets[0]


def test_a_new_wrapping_key_leaves_the_others_for_what_they_wrapped(ring: KeyRing) -> None:
    first, old = ring.wrapping_key_number, ring.wrapping_key(ring.wrapping_key_number)

    second = ring.rotate_wrapping_key()

    assert (first, second, ring.wrapping_key_number) == (1, 2, 2)
    assert ring.wrapping_key(first) == old != ring.wrapping_key(second)
    assert len(old) == 32
    with pytest.raises(BlobMissing):
        ring.wrapping_key(3)
