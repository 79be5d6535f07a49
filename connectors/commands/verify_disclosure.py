"""`customs-connect verify-disclosure`: whether a disclosed member belongs to the event of a record, offline."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.commands.verify import key_history
from connectors.disclosure import DOES_NOT_PROVE, PROVES, verify_disclosure

app = App(name="customs-connect verify-disclosure")


@app.default
def check(
    disclosure: Path, /, *pages: Path, keys: Path | None = None, hub_key: Path | None = None, json: JSON = False
) -> int:
    """Check a disclosed member against a record that withholds it, without the hub. Give `--keys` or `--hub-key`.

    Exits with 0 if it is proved, else with 1.

    Parameters
    ----------
    disclosure
        The file that `customs-connect disclose` printed at the sender.
    pages
        What GET /v1/feeds/{feed}/records?proof=yes answered, as it came; or what `customs-connect read --proof` kept.
    keys
        The hub's key history: customs-hub-keys.json.
    hub_key
        The hub's public seal key in PEM, instead of its key history.
    json
        Print one JSON object.
    """
    known = key_history(keys, hub_key)
    if known is None:
        return 2
    checks = verify_disclosure(disclosure.read_bytes(), [page.read_bytes() for page in pages], known)
    proved = all(check.holds for check in checks)
    if json:
        steps = [{"claim": c.claim, "holds": c.holds, "seen": c.seen} for c in checks]
        print_json({"valid": proved, "checks": steps, "proves": PROVES if proved else ""})
        return 0 if proved else 1
    for step in checks:
        print(f"{'ok  ' if step.holds else 'FAIL'}  {step.claim}: {step.seen}")
    print(f"\nIt proves:\n  + {PROVES}" if proved else "\nThe disclosure does not hold and proves nothing.")
    print(f"It does not prove:\n  - {DOES_NOT_PROVE}")
    return 0 if proved else 1
