"""Tokens as attackers write them, at every door that takes one: one 401 for all, and nothing is opened for a header.

The table follows the classes of the public attack suites (RFC 8725, the Wycheproof and jwt_tool lists). Each entry is
wrong in one thing only; what it is made of is signed by a key that the hub knows, unless the key is what is wrong.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.keys import signing_key
from hub.core.jwk import public_jwk
from tests.tokens_by_hand import b64, signature
from tests.wire.conftest import MakeWorld
from tests.world import ASSERTION_TYPE, Answer, Caller, HubWorld

HOLDER = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
PEM = HOLDER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = HOLDER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n of P-256 (SEC 2)."""
SQL = "' UNION SELECT 'secret' --"


@dataclass
class Bench:
    """A hub, a client whose key is on P-256, another client, and a server that nobody has reason to call."""

    world: HubWorld
    client: Caller
    other: Caller
    canary: str
    called: list[str] = field(default_factory=list)
    number: int = 0

    def header(self, **changes: Any) -> dict[str, Any]:
        good = {"alg": "ES256", "typ": "JWT", "kid": self.client.key.id}
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now, self.number = int(time.time()), self.number + 1
        good = {"iss": self.client.id, "sub": self.client.id, "aud": self.world.hub.url, "iat": now, "exp": now + 120}
        good["jti"] = f"hostile-{self.number}"
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def token(self, header: object, claims: object, key: Any = HOLDER) -> str:
        parts = [part if isinstance(part, bytes) else orjson.dumps(part) for part in (header, claims)]
        signed = ".".join(b64(part) for part in parts)
        made = key(signed.encode()) if callable(key) else signature(key, signed.encode())
        return f"{signed}.{b64(made)}"


def raw_signature(r: int, s: int) -> Callable[[bytes], bytes]:
    return lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big")


def in_der(message: bytes) -> bytes:
    return HOLDER.sign(message, ec.ECDSA(SHA256()))


def malleable_der(message: bytes) -> bytes:
    good = signature(HOLDER, message)
    return encode_dss_signature(int.from_bytes(good[:32], "big"), ORDER - int.from_bytes(good[32:], "big"))


def with_hmac(secret: bytes, digest: str = "sha256") -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(secret, message, digest)


ALGORITHMS = [
    "none", "None", "NONE", "nOnE", "none ", "", "HS256", "hs256", "HS384", "HS512", "RS256", "RS512", "PS256", "PS512",
    "ES256K", "ES384", "ES512", "EdDSA", "Ed25519", "es256", "ES256 ", "ES256\x00", "dir", "A128KW", "RSA-OAEP",
]  # fmt: skip
KIDS = [
    "../../../../../../dev/null", "/dev/null", "file:///etc/passwd", "..\\..\\keys\\hub", "key\x00.pem", SQL,
    "1 OR 1=1", "$(id)", "|id", "%2e%2e%2f", "{{7*7}}", "http://127.0.0.1/", "", "k" * 200, "💣", 7, None, [], {}, True,
]  # fmt: skip
SIGNATURES: dict[str, Any] = {
    "none at all": lambda _: b"",
    "psychic: r = s = 0": raw_signature(0, 0),
    "r = 0": raw_signature(0, 1),
    "s = 0": raw_signature(1, 0),
    "r = s = 1": raw_signature(1, 1),
    "r = n": raw_signature(ORDER, 1),
    "r = s = n": raw_signature(ORDER, ORDER),
    "r = n + 1, which is 1": raw_signature(ORDER + 1, ORDER + 1),
    "all ones": lambda _: b"\xff" * 64,
    "DER": in_der,
    "malleable, in DER": malleable_der,
    "a byte more": lambda message: signature(HOLDER, message) + b"\0",
    "a byte less": lambda message: signature(HOLDER, message)[:-1],
    "twice": lambda message: signature(HOLDER, message) * 2,
    "s before r": lambda message: signature(HOLDER, message)[32:] + signature(HOLDER, message)[:32],
    "of another message": lambda _: signature(HOLDER, b"another"),
    "a stranger's": STRANGER,
    "HMAC under the public PEM": with_hmac(PEM),
    "HMAC under the public DER": with_hmac(DER),
    "HMAC under nothing": with_hmac(b"\0"),
}
TIMES: dict[str, Any] = {
    "a float beyond": 1e400, "negative": -1, "minus zero": -0.0, "as text": "1795338000", "none": None, "true": True,
    "in a list": [1_795_338_000], "huge": 10**30, "past 2038": 2**63, "2^53 + 1": 2**53 + 1, "an object": {},
}  # fmt: skip
NAMES: dict[str, Any] = {"a list": ["delta.sys"], "empty": "", "none": None, "a number": 1, "an object": {"a": 1}}


def forged(bench: Bench) -> Iterator[tuple[str, str]]:
    """Every forged token, by what is wrong with it."""
    for each in (_headers, _signatures, _claims, _forms, _times, _repeated, _whose):
        yield from each(bench)


def _headers(bench: Bench) -> Iterator[tuple[str, str]]:
    header, claims, token = bench.header, bench.claims, bench.token
    for alg in ALGORITHMS:
        yield f"alg {alg!r}, unsigned", token(header(alg=alg), claims(), lambda _: b"")
        yield f"alg {alg!r}, signed", token(header(alg=alg), claims())
    for secret in (PEM, PEM.strip(), DER, b""):
        yield f"key confusion, {len(secret)}", token(header(alg="HS256"), claims(), with_hmac(secret))
    for number, kid in enumerate(KIDS):
        yield f"kid {number}: {kid!r}"[:60], token(header(kid=kid), claims(), STRANGER)
    own = {"jwk": public_jwk(STRANGER.public_key()), "x5c": ["MIIB"], "jku": f"{bench.canary}/jku"}
    own |= {"x5u": f"{bench.canary}/x5u", "x5t": "AA", "x5t#S256": "AA"}
    for name, value in own.items():
        yield f"{name}, signed by its key", token(header(**{name: value}), claims(), STRANGER)
        yield f"{name}, signed by its key, no kid", token(header(kid=..., **{name: value}), claims(), STRANGER)
        yield f"{name}, signed by the client", token(header(**{name: value}), claims())
    yield "kid is a URL", token(header(kid=f"{bench.canary}/kid"), claims(), STRANGER)
    others: list[dict[str, Any]] = [
        {"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": []}, {"crit": ["exp"]}, {"crit": ["x"], "x": 1},
        {"crit": "exp"}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"cty": "JWT"}, {"p2c": 2**31, "p2s": "AA"}, {"url": "/"},
        {"nonce": "x"}, {"epk": {}}, {"ppt": "shaken"}, {"alg": ["ES256"]}, {"alg": None}, {"alg": ...},
        {"typ": "at+jwt"}, {"typ": "dpop+jwt"}, {"typ": "JOSE+JSON"}, {"typ": "logout+jwt"},
        {"typ": "vc+jwt"}, {"typ": 1}, {"typ": ""},
    ]  # fmt: skip
    for more in others:
        yield f"header {more}", token(header(**more), claims())


def _signatures(bench: Bench) -> Iterator[tuple[str, str]]:
    for what, key in SIGNATURES.items():
        yield f"signature: {what}", bench.token(bench.header(), bench.claims(), key)


def _claims(bench: Bench) -> Iterator[tuple[str, str]]:
    header, claims, token, url = bench.header(), bench.claims, bench.token, bench.world.hub.url
    for name in ("iss", "sub", "aud", "exp", "iat", "jti"):
        yield f"without {name}", token(header, claims(**{name: ...}))
    for name in ("iss", "sub", "aud", "jti"):
        for what, value in NAMES.items():
            yield f"{name} is {what}", token(header, claims(**{name: value}))
    audiences: list[object] = [
        [url],
        [url, url],
        url + "/",
        url.upper(),
        url + "/oauth/token",
        "*",
        "https://other",
        SQL,
    ]
    for aud in audiences:
        yield f"aud {aud!r}", token(header, claims(aud=aud))
    for raw in (b"null", b"[]", b'"x"', b"1", b"", b"{}", b"{", b"\xff", b"{}{}", b"true"):
        yield f"claims {raw!r}", token(header, raw)


def _forms(bench: Bench) -> Iterator[tuple[str, str]]:
    header, claims = bench.header(), bench.claims()
    good = bench.token(header, claims)
    head, body, sig = good.split(".")
    wrong = [
        "", ".", "..", "...", "a.b.c", head, f"{head}.{body}", f"{head}.{body}.", f".{body}.{sig}", f"{head}..{sig}",
        f"{good}.", f".{good}", f"{good}.{sig}", f"{good}.e30.e30", f"{good}=", f"{good}==", f"{head}==.{body}.{sig}",
        f"{head}.{body}==.{sig}", f"{head} .{body}.{sig}", f"{head}\t.{body}.{sig}", f"{good[:9]} {good[9:]}",
        f"{head}.{body}.+/{sig[2:]}", f"{good}%00", f"{good}%0a", f"{head}.{body}.{sig[:-1]}*", f"{good},{good}",
        orjson.dumps({"payload": body, "protected": head, "signature": sig}).decode(),
        orjson.dumps({"payload": body, "signatures": [{"protected": head, "signature": sig}]}).decode(),
        b64(good.encode()), f"{sig}.{body}.{head}", f"{body}.{head}.{sig}", good.lower(), good.swapcase(), "x" * 9_000,
    ]  # fmt: skip
    for number, each in enumerate(wrong):
        yield f"form {number}: {each[:20]!r}", each
    yield "nested", bench.token(bench.header(cty="JWT"), good.encode())
    yield "too long", bench.token(header, bench.claims(filler="f" * 9_000))
    yield "beyond 64 deep", bench.token(header, orjson.dumps(claims)[:-1] + b',"d":' + b"[" * 99 + b"]" * 99 + b"}")
    yield "with a byte-order mark", bench.token(header, b"\xef\xbb\xbf" + orjson.dumps(claims))
    yield "in UTF-16", bench.token(header, orjson.dumps(claims).decode().encode("utf-16-le"))


def _times(bench: Bench) -> Iterator[tuple[str, str]]:
    header, claims, token, now = bench.header(), bench.claims, bench.token, int(time.time())
    for name in ("exp", "iat", "nbf"):
        for what, value in TIMES.items():
            text = orjson.dumps(claims(**{name: ...}))[:-1] + f',"{name}":{_written(value)}}}'.encode()
            if (name, what) != ("nbf", "minus zero"):  # That is 1970, in one of its spellings.
                yield f"{name} {what}", token(header, text)
    spans = {
        "expired": (now - 300, now - 1), "of yesterday": (now - 86_400, now - 86_300), "to come": (now + 60, now + 120),
        "for too long": (now, now + 3_600), "for ever": (now, 2**53), "ends before it begins": (now, now - 5),
        "ends as it begins": (now + 5, now + 5),
    }  # fmt: skip
    for what, (iat, exp) in spans.items():
        yield f"time: {what}", token(header, claims(iat=iat, exp=exp))
    yield "not before to come", token(header, claims(nbf=now + 60))


def _written(value: object) -> str:
    return "1e400" if value == 1e400 else str(value) if type(value) is int else orjson.dumps(value).decode()


def _repeated(bench: Bench) -> Iterator[tuple[str, str]]:
    for what, part in (("header", bench.header()), ("claims", bench.claims())):
        for name, value in part.items():
            for spelling in (name, f"\\u{ord(name[0]):04x}{name[1:]}"):
                twice = orjson.dumps(part)[:-1] + f',"{spelling}":'.encode() + orjson.dumps(value) + b"}"
                both = (twice, bench.claims()) if what == "header" else (bench.header(), twice)
                yield f"{what}: {spelling} twice", bench.token(*both)


def _whose(bench: Bench) -> Iterator[tuple[str, str]]:
    theirs = {"iss": bench.other.id, "sub": bench.other.id}
    yield "another's name under one's own key", bench.token(bench.header(), bench.claims(**theirs))
    yield "the same, with its kid", bench.token(bench.header(kid=bench.other.key.id), bench.claims(**theirs))
    yield "the same, without kid", bench.token(bench.header(kid=...), bench.claims(**theirs))
    yield "another's kid", bench.token(bench.header(kid=bench.other.key.id), bench.claims())
    yield "issuer is another", bench.token(bench.header(), bench.claims(iss=bench.other.id))
    yield "subject is another", bench.token(bench.header(), bench.claims(sub=bench.other.id))
    yield "nobody", bench.token(bench.header(), bench.claims(iss="nobody.sys", sub="nobody.sys"))
    yield "the hub itself", bench.token(bench.header(), bench.claims(iss=bench.world.hub.url, sub=bench.world.hub.url))
    yield "an access token", bench.client.token
    yield "another's access token", bench.other.token


@pytest.fixture
async def bench(make_world: MakeWorld) -> AsyncIterator[Bench]:
    called: list[str] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append((await reader.readline()).decode())
        writer.close()

    async with (
        await asyncio.start_server(listen, "127.0.0.1") as server,
        make_world(quotas={"failures_per_second": 1_000_000}) as world,
    ):
        await world.act("partner.add", id="delta", name="Delta", country="NL", roles=["terminal"])
        client = Caller(world, "delta.sys", signing_key(HOLDER))
        await world.add_key(client, scopes=("events:write", "receipts:read"))
        assert (await client.sign_in()).status == 200
        other = await world.company("other")
        port = server.sockets[0].getsockname()[1]
        yield Bench(world, client, other, f"http://127.0.0.1:{port}", called)


def body_of(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body


async def test_the_bench_makes_tokens_that_are_good_but_for_what_is_wrong(bench: Bench) -> None:
    for header in (bench.header(), bench.header(kid=...), bench.header(typ="client-authentication+jwt")):
        answer = await bench.client.sign_in(client_assertion=bench.token(header, bench.claims()))
        assert answer.status == 200, answer


async def test_no_forged_assertion_fetches_a_token_and_all_are_answered_alike(bench: Bench) -> None:
    expected = body_of(await bench.client.sign_in(client_assertion="x"))
    token, taken = "", []

    for what, forgery in forged(bench):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": forgery,
        }
        answer = await bench.world.ask("POST", "/oauth/token", data=form)
        taken += [(what, answer)] if body_of(answer) != expected else []
        token += answer.json.get("access_token", "")

    assert taken == []
    assert (expected[0], token, bench.called) == (401, "", [])


async def test_no_forged_access_token_lets_in_and_all_are_answered_alike(bench: Bench) -> None:
    expected = body_of(await bench.world.ask("GET", "/v1/events", headers={"Authorization": "Bearer x"}))
    taken = []

    for what, forgery in _as_access_tokens(bench):
        if not forgery.isascii() or not forgery.isprintable():
            continue  # No HTTP client can write it into a header.
        answer = await bench.world.ask("GET", "/v1/events", headers={"Authorization": f"Bearer {forgery}"})
        taken += [(what, answer)] if body_of(answer) != expected else []

    assert taken == []
    assert (expected[0], bench.called) == (401, [])


def _as_access_tokens(bench: Bench) -> Iterator[tuple[str, str]]:
    """Assertions, which are none; and the hub's own token with everything but its signature changed."""
    yield from (
        (what, token) for what, token in forged(bench) if what != "an access token" and "another's acc" not in what
    )
    head, body, sig = bench.client.token.split(".")
    header, claims = (orjson.loads(_decoded(part)) for part in (head, body))
    for alg in ALGORITHMS:
        yield f"access token, alg {alg!r}", bench.token(header | {"alg": alg}, claims, lambda _: b"")
    for what, key in SIGNATURES.items():
        yield f"access token, signature {what}", bench.token(header, claims, key)
    for name, value in {
        "scope": "feeds:read",
        "sub": bench.other.id,
        "client_id": bench.other.id,
        "exp": 2**40,
    }.items():
        yield f"access token, {name} changed", f"{head}.{b64(orjson.dumps(claims | {name: value}))}.{sig}"
    for name in ("jku", "x5u"):
        yield f"access token, {name}", bench.token(header | {name: bench.canary}, claims)
    yield "access token, jwk", bench.token(header | {"jwk": public_jwk(HOLDER.public_key())}, claims)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_of_a_forged_token_nobody_learns_anything(bench: Bench) -> None:
    wrong = []
    for what, forgery in forged(bench):
        if what == "an access token":
            continue
        form = bench.client.assertion() | {"token": forgery or "x"}
        answer = await bench.world.ask("POST", "/oauth/introspect", data=form)
        wrong += [(what, answer)] if (answer.status, answer.json) != (200, {"active": False}) else []

    assert wrong == []


async def test_a_hundred_uses_of_one_assertion_at_once_fetch_one_token(bench: Bench) -> None:
    form = {"grant_type": "client_credentials"} | bench.client.assertion()

    answers = await asyncio.gather(*[bench.world.ask("POST", "/oauth/token", data=form) for _ in range(100)])

    assert sorted(answer.status for answer in answers) == [200] + [401] * 99
    assert len({answer.body for answer in answers if answer.status == 401}) == 1
