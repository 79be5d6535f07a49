"""The vectors of RFC 9421: what the standard signs is what is built here, and what it signed verifies, as far as policy
lets it be a proof."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import http_sf
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec.structs import replace

from hub.core.jwk import PublicKeyObject
from hub.trust.signature_base import Message, signature_base
from hub.trust.signed_request import Proven, Wrong, holds, verify_request

PSS, P256, ED = "test-key-rsa-pss", "test-key-ecc-p256", "test-key-ed25519"
BODY = b'{"hello": "world"}'
CREATED = 1_618_884_473
DIGEST = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"


def key(der: str) -> PublicKeyObject:
    loaded: Any = load_der_public_key(b64decode(der))
    public: PublicKeyObject = loaded
    return public


KEYS = {
    PSS: key(
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+"
        "Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgc"
        "hwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9"
        "v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB"
    ),
    P256: key(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdl"
        "dkkDXZCnTNnoXQ=="
    ),
    ED: key("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="),
}
"""Appendix B.1.2 to B.1.4."""

REQUEST = Message(
    "POST",
    "https://example.com/foo?param=Value&Pet=dog",
    (
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", DIGEST),
        ("content-length", "18"),
    ),
)
"""The request of Appendix B.2."""

PROXIED = Message(
    "POST",
    "https://service.internal.example/foo?param=Value&Pet=dog",
    (
        ("host", "service.internal.example"),
        (
            "client-cert",
            ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVk"
            "aWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
            "8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAf"
            "BgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMw"
            "EYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ"
            "0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:",
        ),
    ),
)
"""The request of Appendix B.3, behind the proxy."""

SIGNED = {
    "2.5": (
        REQUEST,
        PSS,
        '("@method" "@authority" "@path" "content-digest" "content-length" "content-type")',
        "HIbjHC5rS0BYaa9v4QfD4193TORw7u9edguPh0AW3dMq9WImrlFrCGUDih47vAxi4L2YRZ3XMJc1uOKk/J0ZmZ+wcta4nKIgBkKq0rM9hs3C"
        "QyxXGxHLMCy8uqK488o+9jrptQ+xFPHK7a9sRL1IXNaagCNN3ZxJsYapFj+JXbmaI5rtAdSfSvzPuBCh+ARHBmWuNo1UzVVdHXrl8ePL4ccc"
        "qlazIJdC4QEjrF+Sn4IxBQzTZsL9y9TP5FsZYzHvDqbInkTNigBcE9cKOYNFCn4D/WM7F6TNuZO9EgtzepLWcjTymlHzK7aXq6Am6sfOrpIC"
        "49yXjj3ae6HRalVc/g==",
    ),
    "B.2.1": (
        REQUEST,
        PSS,
        '();nonce="b3k2pp5k7z-50gnwp.yemd"',
        "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA"
        "7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0m"
        "KZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO"
        "5Nyt8C8ssinQ98Xw9Q==",
    ),
    "B.2.2": (
        REQUEST,
        PSS,
        '("@authority" "content-digest" "@query-param";name="Pet");tag="header-example"',
        "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+EC"
        "xCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7C"
        "l+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQ"
        "l3/XaVe4bXTugEjHSw==",
    ),
    "B.2.3": (
        REQUEST,
        PSS,
        '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length")',
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38"
        "K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCo"
        "C1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FU"
        "o5fTIztsDZKEgM4cUA==",
    ),
    "B.2.6": (
        REQUEST,
        ED,
        '("date" "@method" "@path" "@authority" "content-type" "content-length")',
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    ),
    "B.3": (
        PROXIED,
        P256,
        '("@path" "@query" "@method" "@authority" "client-cert")',
        "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==",
    ),
}
"""By section: the request, the key, what Signature-Input says beside both, and the signature."""


def member(key_id: str, covered: str, created: int = CREATED) -> str:
    """A member of Signature-Input, its parameters in the order of the standard: created, keyid, then others."""
    components, _, others = covered.partition(")")
    return f'{components});created={created};keyid="{key_id}"{others}'


def base_of(message: Message, stated: str) -> bytes | None:
    read: Any = http_sf.parse(stated.encode(), tltype="list")
    [(components, parameters)] = read
    return signature_base(message, components, parameters)


def carrying(message: Message, stated: str, signature: str, label: str = "sig") -> Message:
    more = (("signature-input", f"{label}={stated}"), ("signature", f"{label}=:{signature}:"))
    return replace(message, fields=(*message.fields, *more))


@pytest.mark.parametrize("section", SIGNED)
def test_what_the_standard_signed_verifies_and_nothing_near_it(section: str) -> None:
    message, key_id, covered, signature = SIGNED[section]

    base = base_of(message, member(key_id, covered))

    assert base is not None
    assert holds(KEYS[key_id], b64decode(signature), base)
    assert not holds(KEYS[key_id], b64decode(signature), base + b" ")


@pytest.mark.parametrize("section", SIGNED)
def test_of_these_only_the_one_that_covers_the_whole_request_is_a_proof(section: str) -> None:
    message, key_id, covered, signature = SIGNED[section]
    request = carrying(message, member(key_id, covered), signature)

    found = verify_request(request, BODY, key=KEYS.get, now=CREATED + 10)

    assert isinstance(found, Proven) if section == "B.2.3" else found is Wrong.COMPONENTS


def test_a_signature_of_a_response_covers_nothing_of_a_request() -> None:
    """Appendix B.2.4 (@status) and §2.4 (req)."""
    assert base_of(REQUEST, member(P256, '("@status" "content-type" "content-digest" "content-length")')) is None
    assert base_of(REQUEST, member(P256, '("@method";req)')) is None


@pytest.mark.parametrize(
    ("stated", "wrong"),
    [
        ('("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"', Wrong.KEY),
        (member(ED, '("@method");alg="hmac-sha256"'), Wrong.ALGORITHM),
        (member(PSS, '("@method");alg="rsa-v1_5-sha256"'), Wrong.ALGORITHM),
        (member(P256, '("@method");alg="ecdsa-p384-sha384"'), Wrong.ALGORITHM),
        (member(P256, '("@method");alg="none"'), Wrong.ALGORITHM),
    ],
)
def test_a_shared_secret_and_every_algorithm_but_the_keys_own_are_refused(stated: str, wrong: Wrong) -> None:
    """Appendix B.2.5 (HMAC), §3.3.2, §3.3.3, §3.3.5."""
    request = carrying(REQUEST, stated, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=")

    assert verify_request(request, BODY, key=KEYS.get, now=CREATED) is wrong


DEMO = Message(
    "GET",
    "https://example.org/demo?name1=Value1&Name2=value2",
    (
        ("host", "example.org"),
        ("date", "Fri, 15 Jul 2022 14:24:55 GMT"),
        ("accept", "application/json"),
        ("accept", "*/*"),
    ),
)
ACCEPT_TWICE, ACCEPT_TURNED = DEMO.fields[2:], (DEMO.fields[3], DEMO.fields[2])


@pytest.mark.parametrize(
    ("arrived", "verifies"),
    [
        (DEMO, True),
        (replace(DEMO, url=DEMO.url + "&param=added", fields=(*DEMO.fields, ("accept-language", "en-US"))), True),
        (replace(DEMO, fields=(("referer", "https://x.example"), ("accept", "application/json, */*"))), True),
        (replace(DEMO, fields=(*ACCEPT_TWICE, *DEMO.fields[:2])), True),
        (replace(DEMO, method="POST", url="https://example.com/demo?name1=Value1&Name2=value2"), False),
        (replace(DEMO, fields=(*DEMO.fields[:2], *ACCEPT_TURNED)), False),
    ],
)
def test_a_signature_lives_through_what_proxies_may_do_and_nothing_else(arrived: Message, verifies: bool) -> None:
    """Appendix B.4."""
    signature = b64decode("ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==")

    base = base_of(arrived, member(ED, '("@method" "@path" "@authority" "accept")'))

    assert base is not None
    assert holds(KEYS[ED], signature, base) is verifies


def test_the_signature_of_a_client_verifies_beside_that_of_a_proxy() -> None:
    """§4.3; the proxy's is by RSASSA-PKCS1-v1_5, and no key of the sender's."""
    stated = member(
        P256,
        '("@method" "@authority" "@path" "content-digest" "content-type" "content-length")',
        CREATED + 2,
    )
    proxy = carrying(REQUEST, member("test-key-rsa", '("@method");alg="rsa-v1_5-sha256"'), "AAAA", "proxy_sig")
    request = carrying(
        proxy, stated, "X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A=="
    )

    whole = replace(request, url="https://example.com/foo")

    assert isinstance(verify_request(whole, BODY, key=KEYS.get, now=CREATED + 10), Proven)
    assert verify_request(request, BODY, key=KEYS.get, now=CREATED + 10) is Wrong.COMPONENTS


FIELDS = (
    ("host", "www.example.com"),
    ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
    ("x-ows-header", "  Leading and trailing whitespace.   "),
    ("x-obs-fold-header", "Obsolete\r\n    line folding."),
    ("cache-control", "max-age=60"),
    ("cache-control", "   must-revalidate"),
    ("example-dict", " a=1,    b=2;x=1;y=2,   c=(a   b    c), d"),
    ("x-empty-header", ""),
    ("example-header", "value, with, lots"),
    ("example-header", "of, commas"),
    ("x-twice", "a;x=1"),
    ("x-twice", "a;x=2"),
)


@pytest.mark.parametrize(
    ("component", "line"),
    [
        # §2.1
        ('"x-ows-header"', "Leading and trailing whitespace."),
        ('"x-obs-fold-header"', "Obsolete line folding."),
        ('"cache-control"', "max-age=60, must-revalidate"),
        ('"example-dict"', "a=1,    b=2;x=1;y=2,   c=(a   b    c), d"),
        ('"x-empty-header"', ""),
        # §2.1.1
        ('"cache-control";sf', "max-age=60, must-revalidate"),
        ('"example-dict";sf', "a=1, b=2;x=1;y=2, c=(a b c), d"),
        ('"host";sf', "www.example.com"),
        # §2.1.2
        ('"example-dict";key="a"', "1"),
        ('"example-dict";key="d"', "?1"),
        ('"example-dict";key="b"', "2;x=1;y=2"),
        ('"example-dict";key="c"', "(a b c)"),
        ('"example-dict";sf;key="c"', "(a b c)"),
        # §2.1.3
        ('"example-header";bs', ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
        ('"x-obs-fold-header";bs', ":T2Jzb2xldGUgbGluZSBmb2xkaW5nLg==:"),
    ],
)
def test_a_field_is_a_line_as_the_standard_writes_it(component: str, line: str) -> None:
    base = base_of(Message("GET", "https://www.example.com/", FIELDS), f"({component})")

    assert base == f'{component}: {line}\n"@signature-params": ({component})'.encode()


@pytest.mark.parametrize(
    "components",
    [
        '"date";sf',  # It is none: no reading of it is one.
        '"x-twice";sf',  # As a list it says something else than as a dictionary.
        '"x-empty-header";sf',
        '"example-dict";key="e"',
        '"example-dict";key=a',
        '"x-ows-header";key="a"',
        '"example-header";bs;sf',
        '"example-dict";bs;key="a"',
        '"example-header";bs=1',
        '"example-header";tr',
        '"example-header";unknown',
        '"Host"',
        '"@signature-params"',
        '"@unknown"',
        '"@method";sf',
        '"host" "host"',
        '"example-dict";sf;key="a" "example-dict";key="a";sf',
        "host",
    ],
)
def test_a_component_that_cannot_be_made_or_stands_twice_makes_no_base(components: str) -> None:
    """§2.5, where it says that an error is to be produced."""
    assert base_of(Message("GET", "https://www.example.com/", FIELDS), f"({components})") is None


@pytest.mark.parametrize(
    ("url", "component", "line"),
    [
        # §2.2.2 to §2.2.7
        ("https://www.example.com/path?param=value", '"@target-uri"', "https://www.example.com/path?param=value"),
        ("https://WWW.Example.com:443/", '"@authority"', "www.example.com"),
        ("http://www.example.com:8080/", '"@authority"', "www.example.com:8080"),
        ("http://www.example.com/", '"@scheme"', "http"),
        ("https://www.example.com/path?param=value", '"@request-target"', "/path?param=value"),
        ("https://www.example.com/path?", '"@request-target"', "/path?"),
        ("https://www.example.com", '"@path"', "/"),
        ("https://www.example.com/path?param=value&foo=bar", '"@query"', "?param=value&foo=bar"),
        ("https://www.example.com/path?queryString", '"@query"', "?queryString"),
        ("https://www.example.com/path", '"@query"', "?"),
        # §2.2.8
        ("https://x.example/path?param=value&foo=bar&qux=", '"@query-param";name="qux"', ""),
        ("https://x.example/p?var=this%20is%20a%20big%0Amultiline%20value", '"@query-param";name="var"',
         "this%20is%20a%20big%0Amultiline%20value"),
        ("https://x.example/p?bar=with+plus+whitespace", '"@query-param";name="bar"', "with%20plus%20whitespace"),
        ("https://x.example/p?fa%C3%A7ade%22%3A%20=something", '"@query-param";name="fa%C3%A7ade%22%3A%20"',
         "something"),
        ("https://x.example/p?home=~a", '"@query-param";name="home"', "%7Ea"),
    ],
)  # fmt: skip
def test_what_a_request_is_for_is_a_line_as_the_standard_writes_it(url: str, component: str, line: str) -> None:
    base = base_of(Message("GET", url, ()), f"({component})")

    assert base == f'{component}: {line}\n"@signature-params": ({component})'.encode()


@pytest.mark.parametrize("component", ['"@query-param";name="a"', '"@query-param"', '"@query-param";name=b'])
def test_a_query_parameter_that_stands_twice_or_is_not_named_makes_no_base(component: str) -> None:
    """§2.2.8."""
    assert base_of(Message("GET", "https://x.example/?a=1&a=2&b=3", ()), f"({component})") is None
