"""API keys in a connector: from where one is taken, over what it travels, and that it is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.api_key import VARIABLE, ApiKey, ApiKeyUnusable, read_api_key
from connectors.cli import run
from connectors.commands.shared import HubOptions
from connectors.errors import ConnectorError
from connectors.keys import generate, write_key
from connectors.partner import mandates
from connectors.session import HubAddressInvalid, HubSession
from hub.core.codes import is_api_key, make_api_key

TEXT = make_api_key(bytes(range(17)))
HUB = "https://hub.example"


def kept(directory: Path, text: str = TEXT + "\n", mode: int = 0o600) -> Path:
    file = directory / "shop.key"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_key_is_read_from_a_file_of_its_owner_alone_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_file = HubOptions(HUB, api_key_file=kept(tmp_path)).credential()
    monkeypatch.setenv(VARIABLE, TEXT)
    from_environment = HubOptions(HUB).credential()

    assert from_file == from_environment == ApiKey(TEXT)
    assert is_api_key(TEXT)
    assert TEXT not in repr(from_file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o777])
def test_a_file_that_others_may_use_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ApiKeyUnusable, match="chmod 600"):
        read_api_key(kept(tmp_path, mode=mode))


@pytest.mark.parametrize("text", ["", TEXT[:-1], TEXT + "X", TEXT.lower(), "Bearer " + TEXT, TEXT + "\n" + TEXT, "é"])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ApiKeyUnusable, match="no API key") as refused:
        read_api_key(kept(tmp_path, text))

    assert TEXT[:20] not in str(refused.value)


def test_one_way_to_prove_oneself_is_given_and_a_key_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.pem"
    write_key(made := generate("EdDSA"), key)
    both, half = HubOptions(HUB, "acme.erp", key, kept(tmp_path)), HubOptions(HUB, key=key)

    with pytest.raises(ConnectorError, match="alone"):
        both.credential()
    with pytest.raises(ConnectorError, match="--api-key-file"):
        HubOptions(HUB).credential()
    monkeypatch.setenv(VARIABLE, TEXT)
    with pytest.raises(ConnectorError, match="--client and --key"):
        half.credential()
    assert getattr(HubOptions(HUB, "acme.erp", key).credential(), "id", "") == made.id


def test_a_key_travels_over_tls_or_on_this_machine_only() -> None:
    with pytest.raises(HubAddressInvalid, match="only over https"):
        HubSession("http://hub.example", client_id="", key=ApiKey(TEXT), scope="")

    assert HubSession("http://127.0.0.1:1", client_id="", key=ApiKey(TEXT), scope="").hub_url


@pytest.mark.parametrize("verb", [["rotate"], ["mandate", "withdraw", "FILE"]])
def test_what_a_key_pair_is_for_says_so_and_what_to_do(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mandates.write(mandates.withdrawal(hub=HUB, principal="shop", id="a", time=0), tmp_path / "file")
    given = ["--hub", HUB, "--api-key-file", str(kept(tmp_path))]

    assert run([str(tmp_path / "file") if each == "FILE" else each for each in verb] + given) == 1
    assert "give --client and --key; " in capsys.readouterr().err


def test_a_key_signs_no_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events").write_text("[]")
    given = ["--hub", HUB, "--api-key-file", str(kept(tmp_path)), "--sign"]

    assert run(["push", str(tmp_path / "events"), *given]) == 1
    assert "signs nothing" in capsys.readouterr().err
