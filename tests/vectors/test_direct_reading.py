"""A sealed password in the registry is opened by every later version of the hub."""

from __future__ import annotations

from importlib.resources import files

import orjson

from hub.trust.sealed_password import open_password, sealing_key

VECTOR = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())["kafka_password"]


def test_the_golden_password_opens_with_its_key() -> None:
    secret = bytes.fromhex(VECTOR["secret"])

    assert sealing_key(secret) == VECTOR["key"]
    assert open_password(VECTOR["sealed"], VECTOR["user"], secret) == VECTOR["password"]
