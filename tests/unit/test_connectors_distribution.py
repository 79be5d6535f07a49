"""`customs-connect` is a distribution of its own: a partner's machine needs nothing of the hub."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import orjson
import pytest

from schemas.catalogue import catalogue
from schemas.translate.tabular.template import template

ROOT = Path(__file__).parents[2]
MOVES = (
    b"type;occurred_at;time_kind;container;place.unlocode;empty\n"
    b"customs.container.gate_in;2026-06-21T10:00:00+01:00;ACTUAL;MSKU1234565;NLRTM;no\n"
)


def test_the_small_distribution_asks_for_no_other_versions_than_the_whole() -> None:
    small, whole = (
        tomllib.loads((ROOT / path).read_text())["project"] for path in ("connectors/pyproject.toml", "pyproject.toml")
    )
    needed = {*small["dependencies"], *(each for extra in small["optional-dependencies"].values() for each in extra)}

    assert needed <= set(whole["dependencies"])
    assert (small["version"], small["requires-python"]) == (whole["version"], whole["requires-python"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_connectors_install_alone_in_a_clean_environment_verify_a_receipt_and_judge_tables(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    vectors = orjson.loads((ROOT / "schemas/formats/vectors.json").read_bytes())
    (tmp_path / "receipt.json").write_bytes(orjson.dumps(vectors["receipts"][1]))
    (tmp_path / "event.json").write_bytes(vectors["events"][1]["raw"].encode())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": vectors["key"]["x"]}
    (tmp_path / "keys.json").write_bytes(orjson.dumps({"hub": vectors["hub"], "keys": [jwk]}))

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [scripts / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    installed = run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT / "connectors")
    assert installed.returncode == 0, installed.stderr
    helped = run("customs-connect", "--help")
    verified = run("customs-connect", "verify", "receipt.json", "event.json", "--keys", "keys.json")
    (tmp_path / "moves.csv").write_bytes(MOVES)
    (tmp_path / "moves.xlsx").write_bytes(template(catalogue().types[0], "xlsx", "en"))
    judged = run("customs-connect", "validate", "moves.csv")
    empty = run("customs-connect", "validate", "moves.xlsx")
    modules = run("python", "-c", "import connectors.partner, connectors.risk, schemas.guard; import hub")

    assert "Usage: customs-connect" in helped.stdout
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "The receipt holds." in verified.stdout
    assert (judged.returncode, judged.stderr, judged.stdout.count("1 accepted")) == (0, "", 1)
    assert (empty.returncode, empty.stderr, "no events" in empty.stdout) == (0, "", True)
    assert "No module named 'hub'" in modules.stderr
