"""`customs-connect enrol`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.enrolment import Enrolled, EnrolmentImpossible, enrol

app = App(name="customs-connect enrol")


@app.default
def put(
    code: str, /, *, hub: str, key: Path = Path("key.pem"), save_revocation: Path | None = None, json: JSON = False
) -> None:
    """Make a key that stays on this machine, show the hub that it is held here, and wait for its approval. The same
    command again takes up what was interrupted.

    Parameters
    ----------
    code
        The code, `chi_…`; `-` reads it from standard input, so that it is in no list of processes.
    hub
        The hub's URL, such as https://hub.example.
    key
        Where the private key is, or goes. An existing one is never overwritten.
    save_revocation
        Where the offline revocation code goes, instead of being shown: a file for its owner alone, to be put away.
    json
        Print one JSON object.
    """
    if save_revocation is not None and save_revocation.exists():
        raise EnrolmentImpossible(f"{save_revocation} is there already: name another file for the revocation code")
    done = asyncio.run(enrol(hub, sys.stdin.readline() if code == "-" else code, key))
    if save_revocation is not None:
        _write(save_revocation, done.revocation_code)
    if json:
        told = {**asdict(done), "key_file": str(key)}
        if save_revocation is not None:
            told["revocation_code"] = str(save_revocation)
        print_json(told)
    else:
        _say(done, key, save_revocation)


def _write(file: Path, code: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(code + "\n")


def _say(done: Enrolled, key: Path, saved: Path | None) -> None:
    print(f"Read out:   {done.read_out}  (to the administration, by a number that you know: it then approves your key)")
    print(f"Client id:  {done.client_id}  ({', '.join(done.scopes)})")
    print(f"Key:        {key}  (keep it here, readable by you alone)")
    kept = str(saved) if saved else done.revocation_code
    print(f"Put away:   {kept}  (if the key is ever lost: `customs-connect revoke CODE` ends it)")
    print(f"Then:       customs-connect checklist --hub {done.hub} --client {done.client_id} --key {key}")
