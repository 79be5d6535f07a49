"""`customs-connect outbox`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from connectors.commands.shared import JSON, print_json
from connectors.language import language
from connectors.partner.outbox import Outbox, RefusedEvent
from connectors.verdicts import print_faults

app = App(name="customs-connect outbox")


@app.default
def outbox(
    file: Path,
    /,
    *,
    send_again: Annotated[bool, Parameter(negative=())] = False,
    drop: Annotated[bool, Parameter(negative=())] = False,
    json: JSON = False,
) -> int:
    """Show an outbox: how many events wait, and each that was refused with what the hub found.

    Parameters
    ----------
    file
        The file that `push --outbox` keeps its events in.
    send_again
        Put the refused ones back to be sent, unchanged: their cause, such as a missing agreement, is gone.
    drop
        Forget the refused ones: they were seen to.
    json
        Print one JSON object.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no outbox {file}; `customs-connect push --outbox {file}` makes one")
    if send_again and drop:
        print("Give --send-again or --drop, not both.")
        return 2
    box = Outbox(file)
    refused = box.refused()
    if send_again:
        box.send_again(refused)
    elif drop:
        box.drop(refused)
    _print(len(box), refused, json=json)
    box.close()
    return 0


def _print(waiting_count: int, refused: list[RefusedEvent], *, json: bool) -> None:
    if json:
        told = [
            {"source": r.source, "id": r.id, "code": r.code, "detail": r.detail, "faults": r.faults, "at": r.refused_at}
            for r in refused
        ]
        print_json({"waiting": waiting_count, "refused": told})
        return
    print(f"{waiting_count} waiting, {len(refused)} refused")
    for event in refused:
        print(f"{event.refused_at}  {event.source}  {event.id}  {event.code} {event.detail}".rstrip())
        print_faults(event.faults, language())
