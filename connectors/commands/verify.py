"""`customs-connect verify`: offline, with the hub's public key alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.verify import KeyHistory, ReceiptInvalid, Verdict, verify

app = App(name="customs-connect verify")


@app.default
def check(
    receipt: Path, event: Path, /, *, keys: Path | None = None, hub_key: Path | None = None, json: JSON = False
) -> int:
    """Check a receipt against its event, without the hub. Give `--keys` or `--hub-key`.

    Parameters
    ----------
    receipt
        A file with the receipt, or with the hub's whole answer to a post or to GET /v1/receipts.
    event
        A file with the event's bytes, exactly as they were sent (in binary mode the body), or with the event in JSON.
    keys
        The hub's key history: customs-hub-keys.json, or keys.json beside the receipts.
    hub_key
        The hub's public seal key in PEM, instead of its key history.
    json
        Print one JSON object.
    """
    known = key_history(keys, hub_key)
    if known is None:
        return 2
    with _about(receipt):
        verdict = verify(receipt.read_bytes(), event.read_bytes(), known)
    if json:
        checks = [{"claim": c.claim, "holds": c.holds, "seen": c.seen} for c in verdict.checks]
        proofs = {"proves": verdict.proves, "does_not_prove": verdict.does_not_prove}
        print_json(
            {
                "valid": verdict.valid,
                "checks": checks,
                "statement": verdict.statement,
                "warnings": verdict.warnings,
                **proofs,
            }
        )
    else:
        _print(verdict)
    return 0 if verdict.valid else 1


def key_history(keys: Path | None, hub_key: Path | None) -> KeyHistory | None:
    """The keys that were given; None, said so, where not just one of the two was. Raises `ReceiptInvalid`."""
    if (keys is None) == (hub_key is None):
        print("Give either --keys (the hub's key history) or --hub-key (its public key in PEM).")
        return None
    with _about(keys or hub_key):
        return KeyHistory.from_json(keys.read_bytes()) if keys else KeyHistory.from_pem(Path(str(hub_key)).read_bytes())


@contextmanager
def _about(file: Path | None) -> Iterator[None]:
    """Name the file that is not what it should be."""
    try:
        yield
    except ReceiptInvalid as e:
        raise ReceiptInvalid(f"{file}: {e}") from e


def _print(verdict: Verdict) -> None:
    for check in verdict.checks:
        print(f"{'ok  ' if check.holds else 'FAIL'}  {check.claim}: {check.seen}")
    stated = verdict.statement
    if verdict.valid:
        print(f"\nThe receipt holds. {stated['hub']} stated at {stated['received']} that it had accepted the event")
        print(f"{stated['id']} of {stated['source']} from {stated['publisher']}. It proves:")
    else:
        print("\nThe receipt does not hold and proves nothing.")
    for warning in verdict.warnings:
        print(f"  ! {warning}")
    for claim in verdict.proves:
        print(f"  + {claim}")
    print("It does not prove:" if verdict.valid else "Even one that holds does not prove:")
    for claim in verdict.does_not_prove:
        print(f"  - {claim}")
