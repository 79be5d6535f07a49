"""`customs-connect receipts`."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from connectors.commands.shared import JSON, print_json
from connectors.partner.receipts import ReceiptBook

app = App(name="customs-connect receipts")


@app.default
def receipts(directory: Path, source: str | None = None, id: str | None = None, /, *, json: JSON = False) -> int:  # noqa: A002
    """List the receipts in a directory, or print those of one event.

    Parameters
    ----------
    directory
        The directory that `push --receipts` keeps them in.
    source
        The source of one event.
    id
        The id of that event: its receipts are printed whole, one JSON object a line.
    json
        Print all receipts whole.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"there is no directory {directory}")
    book = ReceiptBook(directory)
    found = book if source is None or id is None else book.find(source, id)
    count = 0
    for receipt in found:
        count += 1
        stated = receipt["statement"]
        if json or id is not None:
            print_json(receipt)
        else:
            print(f"{stated['received']}  {stated['source']}  {stated['id']}  {stated.get('version', '')}".rstrip())
    return 0 if count or id is None else 1
