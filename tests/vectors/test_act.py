"""What operators sign, bound to its page (`schemas/formats/act.md`) by golden vectors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
import orjson
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.core.approval import ActStatement, replaced_digest, statement_id
from hub.core.operator import OperatorKey
from hub.trust.act import is_signed_by, load_key_pair, open_act
from hub.trust.jws import Flaw

ACT: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())["act"]
STATEMENT: bytes = ACT["statement"].encode()
KEY = OperatorKey(ACT["kid"], "EdDSA", ACT["jwk"])


def test_a_statement_is_canonical_json_and_its_id_the_digest_of_it() -> None:
    read = msgspec.json.decode(STATEMENT, type=ActStatement)

    assert read.canonical() == STATEMENT == rfc8785.dumps(orjson.loads(STATEMENT))
    assert statement_id(STATEMENT) == ACT["id"] == sha256(STATEMENT).hexdigest()


def test_what_it_replaces_is_the_digest_over_the_objects_with_their_revisions() -> None:
    named = orjson.loads(STATEMENT)

    assert replaced_digest([tuple(each) for each in ACT["replaces"]]) == named["replaces"]
    assert sha256(rfc8785.dumps(ACT["replaces"])).hexdigest() == named["replaces"]
    assert [each[:2] for each in ACT["replaces"]] == named["changes"]


def test_a_signature_is_a_detached_jws_that_anybody_can_check() -> None:
    head, between, signature = ACT["signature"].split(".")
    payload = ACT["signature"].encode()[: len(head)] + b"." + _base64url(STATEMENT)
    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ACT["seed"])).public_key()

    assert (between, orjson.loads(urlsafe_b64decode(head + "=="))) == (
        "", {"alg": "EdDSA", "kid": ACT["kid"], "typ": "customs-hub-act+jws"},
    )  # fmt: skip
    public.verify(urlsafe_b64decode(signature + "=="), payload)


def test_the_hub_signs_and_checks_as_its_page_says() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ACT["seed"]))
    pair = load_key_pair(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    opened = open_act(STATEMENT, ACT["signature"])

    assert pair.sign_act(STATEMENT) == ACT["signature"]
    assert not isinstance(opened, Flaw)
    assert is_signed_by(KEY, opened)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "..",
        ACT["signature"].replace("..", "."),
        ACT["signature"].replace("..", "." + "e30" + "."),
        ACT["signature"] + "=",
        ACT["signature"] + ".",
        "eyJhbGciOiJub25lIn0..",
        ACT["signature"].split(".")[0] + "..",
    ],
)
def test_another_spelling_is_no_signature(signature: str) -> None:
    opened = open_act(STATEMENT, signature)

    assert isinstance(opened, Flaw) or not is_signed_by(KEY, opened)


def test_a_signature_over_other_bytes_is_none() -> None:
    opened = open_act(STATEMENT + b" ", ACT["signature"])

    assert isinstance(opened, Flaw) or not is_signed_by(KEY, opened)


def _base64url(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
