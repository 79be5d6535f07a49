"""`customs-connect keygen`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.keys import KeyUnusable, generate, write_key

app = App(name="customs-connect keygen")


@app.default
def keygen(file: Path, /, *, algorithm: Literal["ES256", "EdDSA"] = "ES256", json: JSON = False) -> None:
    """Make a private key that stays on this machine, and the public key that the hub's operator registers.

    Parameters
    ----------
    file
        Where to write the private key; the public one goes beside it. An existing file is never overwritten.
    algorithm
        ES256 (P-256) or EdDSA (Ed25519).
    json
        Print one JSON object.
    """
    try:
        key = generate(algorithm)
        public = write_key(key, file)
    except FileExistsError as e:
        raise KeyUnusable(
            f"{file} is there already; choose another name, or move it away if it is no longer used"
        ) from e
    if json:
        print_json({"private": str(file), "public": str(public), "kid": key.id, "algorithm": algorithm})
    else:
        print(f"Private key: {file}  (keep it here, readable by you alone)")
        print(f"Public key:  {public}  (give it to the hub's operator)")
        print(f"Key id:      {key.id}")
