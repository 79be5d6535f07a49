"""Proofs of possession (RFC 9449): the one form that is taken, and everything beside it that is not."""

from __future__ import annotations

import builtins
import socket
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub.core.evidence import Credentials
from hub.core.settings import AuthSettings
from hub.intake.proofs import Proofs
from hub.trust.dpop import Proof, verify_proof
from hub.trust.jws import Flaw
from tests.clock import ManualClock
from tests.tokens_by_hand import (
    ED25519,
    EVENTS_URL,
    HELD,
    ISSUER,
    NOW,
    P256,
    RSA,
    Signer,
    b64,
    proof,
    proof_claims,
    proof_header,
    registered,
    sign,
)

TOKEN = "token"
JWK = proof_header()["jwk"]


def check(
    proof: str, *, url: str = EVENTS_URL, method: str = "POST", token: str | None = TOKEN, key: Signer = HELD
) -> Proof | Flaw:
    return verify_proof(
        proof,
        method=method,
        url=url,
        token=token,
        bound_to=registered(key).id if token is not None else None,
        nonces=("nonce",),
        now=NOW,
        settings=AuthSettings(),
    )


@pytest.mark.parametrize("key", [HELD, ED25519, RSA])
def test_a_proof_by_each_kind_of_key_is_taken(key: Signer) -> None:
    assert check(proof(TOKEN, key=key), key=key) == Proof(registered(key).id, "one", "nonce")


def test_at_the_token_endpoint_a_key_is_shown_for_the_first_time() -> None:
    assert check(proof(ath=None), token=None) == Proof(registered(HELD).id, "one", "nonce")


def test_other_claims_are_passed_over() -> None:
    assert isinstance(check(proof(TOKEN, exp=NOW - 1, more={"a": [1]})), Proof)


@pytest.mark.parametrize("iat", [NOW - 60, NOW, NOW + 10, NOW + 0.5])
def test_a_proof_of_this_minute_is_taken(iat: float) -> None:
    assert isinstance(check(proof(TOKEN, iat=iat)), Proof)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"jti": None}, Flaw.CLAIMS), ({"jti": ""}, Flaw.CLAIMS), ({"jti": 1}, Flaw.CLAIMS),
        ({"jti": "a" * 129}, Flaw.CLAIMS),
        ({"htm": None}, Flaw.CLAIMS), ({"htm": "GET"}, Flaw.METHOD), ({"htm": "post"}, Flaw.METHOD),
        ({"htm": ["POST"]}, Flaw.CLAIMS),
        ({"htu": None}, Flaw.CLAIMS), ({"htu": ""}, Flaw.URL), ({"htu": 1}, Flaw.CLAIMS),
        ({"iat": None}, Flaw.CLAIMS), ({"iat": str(NOW)}, Flaw.CLAIMS), ({"iat": True}, Flaw.CLAIMS),
        ({"iat": -1}, Flaw.CLAIMS),
        ({"iat": NOW - 61}, Flaw.EXPIRED), ({"iat": NOW + 11}, Flaw.EARLY), ({"iat": 2**53 - 1}, Flaw.EARLY),
        ({"ath": None}, Flaw.BINDING), ({"ath": b64(bytes(32))}, Flaw.BINDING), ({"ath": "TOKEN"}, Flaw.BINDING),
        ({"nonce": None}, Flaw.NONCE), ({"nonce": ""}, Flaw.NONCE), ({"nonce": "NONCE"}, Flaw.NONCE),
        ({"nonce": None, "iat": NOW - 61}, Flaw.EXPIRED),
    ],
)  # fmt: skip
def test_a_claim_that_is_missing_or_wrong_is_refused(changes: dict[str, Any], flaw: Flaw) -> None:
    assert check(proof(TOKEN, **changes)) is flaw


@pytest.mark.parametrize(
    "htu",
    [f"{EVENTS_URL}?a=1", f"{EVENTS_URL}#top", "HTTPS://HUB.EXAMPLE/v1/events", "https://hub.example:443/v1/events",
     "https://hub.example/%761/events"],
)  # fmt: skip
def test_a_url_that_means_the_same_is_taken(htu: str) -> None:
    assert isinstance(check(proof(TOKEN, htu=htu)), Proof)


@pytest.mark.parametrize(
    "htu",
    ["/v1/events", "http://hub.example/v1/events", "https://hub.example:8443/v1/events",
    "https://hub.example/v1/Events",
     "https://hub.example/v1/events/", "https://hub.example/v1%2Fevents", "https://hub.example//v1/events",
     "https://hub.example/x/../v1/events", "https://other.example/v1/events", "https://hub.example.other/v1/events",
     "https://u@hub.example/v1/events", "https://hub.example:port/v1/events", "https://[hub/v1/events",
     f" {EVENTS_URL}",
     f"{EVENTS_URL}\t", f"{EVENTS_URL}é"],
)  # fmt: skip
def test_another_url_is_refused(htu: str) -> None:
    assert check(proof(TOKEN, htu=htu)) is Flaw.URL


def test_a_path_is_compared_as_it_is_sent() -> None:
    sent = f"{ISSUER}/v1/objects/lpi/urn%3Aa%2Fb"

    assert isinstance(check(proof(TOKEN, htu=f"{ISSUER}/v1/objects/lpi/urn:a%2fb"), url=sent), Proof)
    assert check(proof(TOKEN, htu=f"{ISSUER}/v1/objects/lpi/urn:a/b"), url=sent) is Flaw.URL


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"typ": None}, Flaw.TYPE), ({"typ": "JWT"}, Flaw.TYPE), ({"typ": "DPOP+JWT"}, Flaw.TYPE),
        ({"typ": "at+jwt"}, Flaw.TYPE),
        ({"alg": None}, Flaw.HEADER), ({"alg": "none"}, Flaw.ALGORITHM), ({"alg": "HS256"}, Flaw.ALGORITHM),
        ({"alg": "RS256"}, Flaw.ALGORITHM),
        ({"alg": "es256"}, Flaw.ALGORITHM), ({"alg": "ES256K"}, Flaw.ALGORITHM), ({"alg": "EdDSA"}, Flaw.ALGORITHM),
        ({"alg": "PS256"}, Flaw.ALGORITHM),
        ({"kid": "any"}, Flaw.HEADER), ({"jku": "http://127.0.0.1:1/"}, Flaw.HEADER),
        ({"x5u": "http://127.0.0.1:1/"}, Flaw.HEADER),
        ({"x5c": []}, Flaw.HEADER), ({"crit": ["b64"]}, Flaw.HEADER), ({"b64": False}, Flaw.HEADER), ({"zip": "DEF"},
        Flaw.HEADER),
        ({"jwk": None}, Flaw.HEADER), ({"jwk": {}}, Flaw.HEADER), ({"jwk": "key"}, Flaw.HEADER),
        ({"jwk": [JWK]}, Flaw.HEADER),
        ({"jwk": {"kty": "oct", "k": b64(bytes(32))}}, Flaw.HEADER), ({"jwk": {"kty": "oct"}}, Flaw.KEY),
        ({"jwk": JWK | {"d": b64(bytes(32))}}, Flaw.HEADER),
        ({"jwk": JWK | {"x5u": "http://127.0.0.1:1/"}}, Flaw.HEADER),
        ({"jwk": JWK | {"crv": "P-384"}}, Flaw.BINDING), ({"jwk": JWK | {"x": JWK["y"]}}, Flaw.BINDING),
        ({"jwk": {"kty": "EC", "crv": "P-256", "x": JWK["x"]}}, Flaw.KEY), ({"jwk": JWK | {"x": 1}}, Flaw.HEADER),
        ({"jwk": JWK | {"use": "enc"}}, Flaw.KEY), ({"jwk": JWK | {"alg": "PS256"}}, Flaw.KEY),
    ],
)  # fmt: skip
def test_a_header_with_anything_else_in_it_is_refused(changes: dict[str, Any], flaw: Flaw) -> None:
    forged = sign(proof_header(**changes), proof_claims(TOKEN), HELD)

    assert check(forged) is flaw


@pytest.mark.parametrize("key", [P256, ED25519, RSA])
def test_a_proof_by_another_key_is_refused_before_that_key_is_loaded(key: Signer) -> None:
    assert check(proof(TOKEN, key=key)) is Flaw.BINDING


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65_537, 1024),
        rsa.generate_private_key(3, 2048),
    ],
)
def test_a_key_that_is_not_of_ours_is_refused_at_the_token_endpoint_too(key: Any) -> None:
    numbers = key.public_key().public_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        jwk = {
            "kty": "EC",
            "crv": "P-384",
            "x": b64(numbers.x.to_bytes(48, "big")),
            "y": b64(numbers.y.to_bytes(48, "big")),
        }
    else:
        n, e = (b64(i.to_bytes((i.bit_length() + 7) // 8, "big")) for i in (numbers.n, numbers.e))
        jwk = {"kty": "RSA", "n": n, "e": e}

    forged = sign({"typ": "dpop+jwt", "alg": "PS256", "jwk": jwk}, proof_claims(ath=None), RSA)

    assert check(forged, token=None) is Flaw.KEY


def test_a_signature_by_another_key_or_of_other_bytes_is_refused() -> None:
    head, body, mark = proof(TOKEN).split(".")
    other = b64(b'{"jti":"two"}')

    assert check(sign(proof_header(), proof_claims(TOKEN), P256)) is Flaw.SIGNATURE
    assert check(f"{head}.{body}.") is Flaw.SIGNATURE
    assert check(f"{head}.{body}.{b64(bytes(64))}") is Flaw.SIGNATURE
    assert check(f"{head}.{other}.{mark}") is Flaw.CLAIMS
    assert check(sign(proof_header(alg="HS256"), proof_claims(TOKEN), b"secret")) is Flaw.ALGORITHM


@pytest.mark.parametrize(
    "spelt",
    ["", "a.b.c", "..", proof(TOKEN) + "=", proof(TOKEN) + ".", " " + proof(TOKEN), f"{proof(TOKEN)}, {proof(TOKEN)}",
     "é" + proof(TOKEN) + "é",
     proof(TOKEN, more="a" * 4_096), sign(b'{"typ":"dpop+jwt","alg":"ES256","alg":"ES256"}', b"{}", HELD),
     sign(proof_header(), b'{"jti":"a","jti":"b"}', HELD), sign(proof_header(), b"[]", HELD), sign(b"[]", b"{}", HELD)],
)  # fmt: skip
def test_another_spelling_is_refused(spelt: str) -> None:
    assert check(spelt) in {Flaw.MALFORMED, Flaw.HEADER, Flaw.CLAIMS}


@pytest.mark.parametrize(
    "members",
    [
        {name: address}
        for name in ("jku", "x5u", "kid", "jwk", "x5c")
        for address in ("http://127.0.0.1:9/k", "file:///etc/passwd", "../../etc/passwd")
    ],
)
def test_no_address_in_a_header_is_ever_looked_up(members: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def canary(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened, or a connection")

    header = proof_header() | members
    inside = proof_header(jwk=JWK | members | {"d": ""})
    forged = [sign(each, proof_claims(TOKEN), HELD) for each in (header, inside)]
    monkeypatch.setattr(builtins, "open", canary)
    monkeypatch.setattr(socket.socket, "connect", canary)
    monkeypatch.setattr(socket, "getaddrinfo", canary)

    answers = [check(each) for each in forged]

    assert answers == [Flaw.HEADER] * 2


# What one worker remembers.


class Chance:
    def __init__(self, byte: int) -> None:
        self._byte = byte

    def bytes(self, count: int) -> bytes:
        return bytes([self._byte] * count)


class Worker:
    def __init__(self, byte: int = 0, **settings: Any) -> None:
        self.clock = ManualClock(NOW * 1_000_000)
        self.proofs = Proofs(clock=self.clock, entropy=Chance(byte), settings=AuthSettings(**settings))

    def take(self, *sent: str) -> Proof | Flaw:
        credentials = Credentials("POST", EVENTS_URL, (), sent)
        now = self.clock.now_us() // 1_000_000
        return self.proofs.check(credentials, token=TOKEN, bound_to=registered(HELD).id, now=now)

    def proof(self, jti: str = "one", **changes: Any) -> str:
        now = self.clock.now_us() // 1_000_000
        return proof(TOKEN, **{"nonce": self.proofs.nonce(), "jti": jti, "iat": now} | changes)


def test_a_proof_is_good_once() -> None:
    worker = Worker()
    one = worker.proof()

    assert [isinstance(worker.take(one), Proof) for _ in range(3)] == [True, False, False]
    assert worker.take(one) is Flaw.REPLAYED


def test_a_jti_is_good_once_also_in_another_proof() -> None:
    worker = Worker()
    worker.take(worker.proof())

    assert worker.take(worker.proof(iat=NOW - 1)) is Flaw.REPLAYED


def test_a_nonce_is_good_for_two_of_its_lives_and_no_longer() -> None:
    worker = Worker()
    nonce = worker.proofs.nonce()

    worker.clock.advance(119)
    late = worker.take(worker.proof(nonce=nonce))
    worker.clock.advance(1)

    assert isinstance(late, Proof)
    assert worker.proofs.nonce() != nonce
    assert worker.take(worker.proof("two", nonce=nonce)) is Flaw.NONCE


def test_a_proof_is_not_good_again_under_the_next_nonce() -> None:
    worker = Worker()
    one = worker.proof(iat=NOW + 10)
    worker.take(one)

    answers = []
    for _ in range(14):
        worker.clock.advance(10)
        answers.append(worker.take(one))

    assert set(answers) == {Flaw.REPLAYED, Flaw.EXPIRED}


def test_a_nonce_of_one_worker_is_worth_nothing_at_another_or_after_its_restart() -> None:
    first, second = Worker(1), Worker(2)

    assert second.take(first.proof()) is Flaw.NONCE
    assert isinstance(first.take(first.proof()), Proof)


def test_memory_of_proofs_is_bounded_and_none_is_good_twice() -> None:
    worker = Worker(proofs_per_nonce_max=4)
    sent = []
    for number in range(20):
        sent.append(worker.proof(str(number)))
        assert isinstance(worker.take(sent[-1]), Proof)

    assert {worker.take(each) for each in sent} == {Flaw.NONCE, Flaw.REPLAYED}


def test_two_proofs_or_none_are_refused() -> None:
    worker = Worker()

    assert worker.take() is Flaw.BINDING
    assert worker.take(worker.proof("a"), worker.proof("b")) is Flaw.MALFORMED
