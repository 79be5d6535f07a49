"""`customs-connect verify-request`: what a sender signed, offline, from the request as the hub keeps it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.partner import EventUnsendable, events_of
from connectors.signing import ProofWrong, SignedRequest, read_proof

app = App(name="customs-connect verify-request")


@app.default
def check(file: Path, /, *, event: Path | None = None, json: JSON = False) -> int:
    """Check a signed request (RFC 9421) as the hub keeps it, without the hub. Exits with 0 if it holds, else with 1.

    Whose key it is, the hub's operator says: compare its thumbprint with the one that the company gave.

    Parameters
    ----------
    file
        The signed request, as GET /v1/proofs/{sha256} answers.
    event
        A file with an event's bytes, exactly as they were sent: are they among what was signed?
    json
        Print one JSON object.
    """
    try:
        proof = read_proof(file.read_bytes())
    except ProofWrong as e:
        raise ProofWrong(f"{file}: {e}") from e
    is_inside = None if event is None else _is_in(proof, event)
    if json:
        target = {"method": proof.method, "target": proof.target, "key": proof.key_id}
        target |= {"on_behalf_of": proof.on_behalf_of} if proof.on_behalf_of else {}
        print_json(target | ({} if is_inside is None else {"event_in_body": is_inside}))
    else:
        print(f"The signature holds.\nkey     {proof.key_id}\nsigned  {proof.method} {proof.target}")
        if proof.on_behalf_of:
            print(f"for     {proof.on_behalf_of}")
        print(f"body    {len(proof.body)} bytes, SHA-256 {sha256(proof.body).hexdigest()}")
        if is_inside is not None:
            print("event   in the body, to the letter" if is_inside else "event   NOT in the body")
    return 1 if is_inside is False else 0


def _is_in(proof: SignedRequest, event: Path) -> bool:
    """Whether a file holds the body itself, as in binary mode, or one of the events in it."""
    content = event.read_bytes()
    if content == proof.body:
        return True
    try:
        return content.strip() in events_of(proof.body)
    except EventUnsendable:
        return False
