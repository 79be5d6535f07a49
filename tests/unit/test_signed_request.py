"""Signed requests (RFC 9421): what holds is a proof of the sender's, and everything else says why it is none."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import http_sf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec.structs import replace

from hub.core.jwk import PublicKeyObject
from hub.trust.signature_base import Message, signature_base
from hub.trust.signed_request import Proven, Wrong, holds, is_signed, verify_request

NOW = 1_618_884_480
BODY = b'{"hello": "world"}'
URL = "https://hub.example/v1/events?lang=fr"
COVERED = ("@method", "@target-uri", "content-digest")
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(7, ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
KEYS: dict[str, PublicKeyObject] = {
    "ed": ED25519.public_key(),
    "p256": P256.public_key(),
    "rsa": RSA.public_key(),
}

RFC = Message(
    "POST",
    "https://example.com/foo?param=Value&Pet=dog",
    (
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ),
)
"""RFC 9421 Appendix B.2."""


def digest(body: bytes) -> tuple[str, str]:
    return "content-digest", f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def message(body: bytes = BODY, url: str = URL) -> Message:
    return Message("POST", url, (("content-type", "application/json"), digest(body)))


def signature_of(key: str, base: bytes) -> bytes:
    match key:
        case "ed":
            return ED25519.sign(base)
        case "p256":
            r, s = decode_dss_signature(P256.sign(base, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return RSA.sign(base, PSS(mgf=MGF1(SHA512()), salt_length=64), SHA512())


def signed(unsigned: Message, covered: tuple[Any, ...] = COVERED, *, key: str = "ed", **parameters: Any) -> Message:
    """The message with a signature by one of the keys."""
    components: Any = [each if isinstance(each, tuple) else (each, {}) for each in covered]
    parameters = {"created": NOW - 5, "keyid": key, **parameters}
    base = signature_base(unsigned, components, parameters)
    signature = signature_of(key, base or b"")
    given = http_sf.ser({"sig1": (components, parameters)}), http_sf.ser({"sig1": (signature, {})})
    return replace(unsigned, fields=(*unsigned.fields, ("signature-input", given[0]), ("signature", given[1])))


def verified(request: Message, body: bytes = BODY) -> Proven | Wrong:
    return verify_request(request, body, key=KEYS.get, now=NOW)


def test_the_published_vector_of_ed25519_holds() -> None:
    """RFC 9421 B.2.6, key of B.1.4."""
    key = load_der_public_key(b64decode("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="))
    assert isinstance(key, ed25519.Ed25519PublicKey)
    names = ("date", "@method", "@path", "@authority", "content-type", "content-length")
    signature = b64decode("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")

    base = signature_base(RFC, [(name, {}) for name in names], {"created": 1618884473, "keyid": "test-key-ed25519"})

    assert base is not None
    assert holds(key, signature, base)
    assert not holds(key, signature, base.replace(b"/foo", b"/fop"))


def test_the_base_has_a_line_for_each_component_as_the_standard_writes_it() -> None:
    """RFC 9421 §2.2 and §2.5."""
    components: Any = [(name, {}) for name in ("@authority", "@scheme", "@request-target", "@query", "@target-uri")]
    components += [("@query-param", {"name": "Pet"}), ("date", {"bs": True})]

    base = signature_base(RFC, components, {"created": 1618884473})

    assert base is not None
    assert base.decode().split("\n") == [
        '"@authority": example.com',
        '"@scheme": https',
        '"@request-target": /foo?param=Value&Pet=dog',
        '"@query": ?param=Value&Pet=dog',
        '"@target-uri": https://example.com/foo?param=Value&Pet=dog',
        '"@query-param";name="Pet": dog',
        '"date";bs: :VHVlLCAyMCBBcHIgMjAyMSAwMjowNzo1NSBHTVQ=:',
        '"@signature-params": ("@authority" "@scheme" "@request-target" "@query" "@target-uri" '
        '"@query-param";name="Pet" "date";bs);created=1618884473',
    ]


@pytest.mark.parametrize("key", KEYS)
def test_a_signature_by_a_key_of_the_sender_is_a_proof(key: str) -> None:
    proven = verified(signed(message(), key=key))

    assert isinstance(proven, Proven)
    assert (proven.key_id, proven.created) == (key, NOW - 5)
    assert holds(KEYS[key], proven.signature, proven.base)


@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@authority", "@path", "@query", "content-digest", "content-type"),
        (*COVERED, ("@query-param", {"name": "lang"})),
    ],
)
def test_more_may_be_covered_and_the_target_in_parts(covered: tuple[Any, ...]) -> None:
    assert isinstance(verified(signed(message(), covered)), Proven)


@pytest.mark.parametrize(
    ("covered", "wrong"),
    [
        (("@method", "@target-uri"), Wrong.COMPONENTS),
        (("@target-uri", "content-digest"), Wrong.COMPONENTS),
        (("@method", "@authority", "@path", "content-digest"), Wrong.COMPONENTS),
        (("@method", "@path", "@query", "content-digest"), Wrong.COMPONENTS),
        ((*COVERED, "x-missing"), Wrong.MISSING),
        ((*COVERED, "@method"), Wrong.MISSING),
        ((*COVERED, "@status"), Wrong.MISSING),
        ((*COVERED, ("content-type", {"req": True})), Wrong.MISSING),
        ((*COVERED, ("content-type", {"tr": True})), Wrong.MISSING),
        ((*COVERED, ("@query-param", {"name": "none"})), Wrong.MISSING),
        (("@method", "@target-uri", ("content-digest", {"key": "sha-256"})), Wrong.COMPONENTS),
    ],
)
def test_what_does_not_cover_the_request_is_no_proof(covered: tuple[Any, ...], wrong: Wrong) -> None:
    assert verified(signed(message(), covered)) is wrong


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ({"created": NOW - 301}, Wrong.TIME),
        ({"created": NOW + 11}, Wrong.TIME),
        ({"expires": NOW}, Wrong.TIME),
        ({"created": "now"}, Wrong.PARAMETERS),
        ({"alg": "hmac-sha256"}, Wrong.ALGORITHM),
        ({"alg": "rsa-pss-sha512"}, Wrong.ALGORITHM),
        ({"surprise": 1}, Wrong.PARAMETERS),
        ({"nonce": 7}, Wrong.PARAMETERS),
        ({"keyid": "somebody else's"}, Wrong.KEY),
        ({"keyid": 7}, Wrong.KEY),
    ],
)
def test_parameters_of_another_time_key_or_algorithm_are_refused(parameters: dict[str, Any], wrong: Wrong) -> None:
    assert verified(signed(message(), **parameters)) is wrong


def test_another_body_another_target_another_method_and_another_key_are_found_out() -> None:
    good = signed(message())

    assert verified(good, BODY + b" ") is Wrong.DIGEST
    assert verified(replace(good, url=URL + "x")) is Wrong.SIGNATURE
    assert verified(replace(good, method="PUT")) is Wrong.SIGNATURE
    assert verify_request(good, BODY, key=lambda _: KEYS["p256"], now=NOW) is Wrong.SIGNATURE


@pytest.mark.parametrize("name", ["signature", "signature-input"])
@pytest.mark.parametrize("value", ["", "sig1", "sig1=()", "sig1=:AA==:", "sig2=:AA==:", "x" * 5_000, "sig1=?1", "\xe9"])
def test_fields_that_cannot_be_read_never_pass(name: str, value: str) -> None:
    good = signed(message())
    fields = tuple((each, value if each == name else text) for each, text in good.fields)

    assert isinstance(verified(replace(good, fields=fields)), Wrong)


def test_a_signature_of_a_proxy_beside_the_senders_own_is_in_nobodys_way() -> None:
    good = signed(message())
    more = (("signature-input", 'proxy=("@method");created=1;keyid="p"'), ("signature", "proxy=:AAAA:"))

    assert isinstance(verified(replace(good, fields=(*good.fields, *more))), Proven)


def test_each_of_several_signatures_by_keys_of_the_sender_has_to_hold() -> None:
    """As of a system that has two keys while it changes them."""
    first, other = signed(message()), signed(message(), key="p256")
    both = tuple((name, value.replace("sig1=", "sig2=")) for name, value in other.fields[2:])
    broken = ((both[0][0], both[0][1].replace("@method", "@scheme")), both[1])

    assert verified(replace(first, fields=(*first.fields, *both))) == verified(first)
    assert verified(replace(first, fields=(*first.fields, *broken))) is Wrong.COMPONENTS
    assert verified(replace(first, fields=(*broken, *first.fields))) is Wrong.COMPONENTS


def test_a_request_with_half_a_signature_counts_as_signed() -> None:
    assert is_signed((("signature", "a=:AA==:"),))
    assert not is_signed((("content-digest", "sha-256=:AA==:"),))


@pytest.mark.parametrize("value", ["\u20ac", "caf\xe9", "\udcff"])
def test_a_field_that_is_no_ascii_is_covered_by_its_bytes_and_breaks_nothing(value: str) -> None:
    unsigned = message()
    unsigned = replace(unsigned, fields=(*unsigned.fields, ("x-note", value)))

    assert isinstance(verified(signed(unsigned, (*COVERED, ("x-note", {"bs": True})))), Proven)
    assert verified(signed(unsigned, (*COVERED, "x-note"))) is Wrong.MISSING
