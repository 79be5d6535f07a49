"""`customs-connect verify-request`: a kept signature says who signed what, and nothing that was changed passes."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.cli import run
from connectors.keys import SigningKey, generate, public_jwk, signing_key
from connectors.signing import PROOF_FORMAT, _sign, signature_headers
from hub.trust.keys import encode_base64url

URL = "https://hub.example/v1/events?answer=dcsa"
ONE, TWO = b'{"id": "1", "data": {"id": "inner"}}', b'{"id":"2"}'
BODY = b"[" + ONE + b", " + TWO + b"]"
KEY = generate("ES256")
RSA = signing_key(rsa.generate_private_key(65_537, 2048))


def base_of(body: bytes = BODY, key: SigningKey = KEY) -> str:
    """What `key` signs, as the hub rebuilds it."""
    headers = signature_headers(key, "POST", URL, body, now=1)
    parameters = headers["Signature-Input"].removeprefix("customs=")
    lines = ['"@method": POST', f'"@target-uri": {URL}', f'"content-digest": {headers["Content-Digest"]}']
    return "\n".join([*lines, f'"@signature-params": {parameters}'])


def kept(base: str | None = None, body: bytes = BODY, key: SigningKey = KEY) -> bytes:
    """A signed request as the hub keeps it; with another base, the key signs that."""
    base = base or base_of(body, key)
    stated = {"base": base, "format": PROOF_FORMAT, "jwk": public_jwk(key)}
    signature = encode_base64url(_sign(key.private, base.encode()))
    return orjson.dumps(stated | {"signature": signature}, option=orjson.OPT_SORT_KEYS) + b"\n" + body


Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """The command over these contents of its files: exit code and all that it printed."""

    def checked(content: bytes, event: bytes | None = None, *options: str) -> tuple[int, str]:
        (tmp_path / "kept").write_bytes(content)
        (tmp_path / "event.json").write_bytes(event or b"")
        given = ["--event", str(tmp_path / "event.json")] if event is not None else []
        code = run(["verify-request", str(tmp_path / "kept"), *given, *options])
        said = capsys.readouterr()
        return code, said.out + said.err

    return checked


@pytest.mark.parametrize("key", [generate("ES256"), generate("EdDSA"), RSA], ids=["P-256", "Ed25519", "RSA"])
def test_it_says_by_which_key_and_to_where_the_request_was_signed(check: Check, key: SigningKey) -> None:
    code, said = check(kept(key=key))

    assert code == 0
    assert f"key     {key.id}\nsigned  POST {URL}\n" in said
    assert "\nevent" not in said


@pytest.mark.parametrize("event", [ONE, TWO, TWO + b"\n", BODY])
def test_an_event_that_was_signed_is_found_to_the_letter(check: Check, event: bytes) -> None:
    code, said = check(kept(), event, "--json")

    assert (code, orjson.loads(said)["event_in_body"]) == (0, True)


@pytest.mark.parametrize("event", [b'{"id": "2"}', b'{"id": "inner"}', b"", ONE + b", " + TWO])
def test_another_event_and_a_part_of_one_were_not_signed(check: Check, event: bytes) -> None:
    code, said = check(kept(), event)

    assert code == 1
    assert "NOT in the body" in said


def test_a_body_that_is_no_json_was_signed_as_a_whole_only(check: Check) -> None:
    body = b"UNA:+.? 'UNB+UNOC:3"

    assert check(kept(body=body), body)[0] == 0
    assert check(kept(body=body), body[:4])[0] == 1


def test_the_parts_of_a_target_and_the_longer_digest_count_as_well(check: Check) -> None:
    parts = '"@authority": hub.example\n"@path": /v1/events\n"@query": ?answer=dcsa'
    digest = f"sha-512=:{b64encode(sha512(BODY).digest()).decode()}:"
    base = re.sub(r'"@target-uri": .*', parts, base_of())
    base = re.sub(r"sha-256=.*:", digest, base)

    code, said = check(kept(base))

    assert code == 0
    assert "signed  POST hub.example/v1/events?answer=dcsa\n" in said


def test_it_says_for_whom_an_agent_signed(check: Check) -> None:
    base = base_of().replace('"@signature-params"', '"hub-on-behalf-of": terminal\n"@signature-params"')

    assert "for     terminal\n" in check(kept(base))[1]
    assert orjson.loads(check(kept(base), None, "--json")[1])["on_behalf_of"] == "terminal"
    assert "on_behalf_of" not in check(kept(), None, "--json")[1]


@pytest.mark.parametrize(
    ("pattern", "instead", "words"),
    [
        (r'"@method".*\n', "", "no method"),
        (r'"@target-uri".*\n', "", "no method and target"),
        (r'"content-digest".*\n', "", "body"),
        (r'"content-digest":', '"content-digest";sf:', "body"),
        (r"sha-256=:.", "sha-256=:!", "body"),
        (r"$", ', sha-512=:AAAA:', "key"),
        (r'^', '"@method": DELETE\n', "twice"),
        (r'keyid="..', 'keyid="__', "key"),
    ],
)  # fmt: skip
def test_a_signature_over_less_or_over_something_else_proves_nothing(
    check: Check, pattern: str, instead: str, words: str
) -> None:
    code, said = check(kept(re.sub(pattern, instead, base_of(), count=1)))

    assert code == 1
    assert words in said.partition("kept: ")[2]


def test_anothers_signature_a_changed_body_and_what_is_no_request_are_told_by_file(check: Check) -> None:
    other = kept(key=generate("ES256")).partition(b'"signature":')[2]
    forged = kept().partition(b'"signature":')[0] + b'"signature":' + other

    told = [check(each) for each in (forged, kept() + b" ", b"{}", b"", BODY, kept().replace(b"proof/1", b"proof/2"))]

    assert {code for code, _ in told} == {1}
    assert all(said.startswith("customs-connect verify-request: ") and "kept: " in said for _, said in told)
