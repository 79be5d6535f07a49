"""`customs-connect disclose`: show one member of an event to whom it was withheld, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclopts import App

from connectors.disclosure import disclose, receipts_in
from connectors.errors import ConnectorError
from connectors.partner.receipts import ReceiptBook
from connectors.verify import ReceiptInvalid

app = App(name="customs-connect disclose")


@app.default
def show(receipt: Path, event: Path, /, *, member: str, leaf: str = "") -> int:
    """Print what proves to a reader of a cut record that the event had this member with this value.

    It opens no other member: the receipt itself would, and stays here.

    Parameters
    ----------
    receipt
        The event's receipt, an answer with it, or the directory in which receipts are kept.
    event
        A file with the event's bytes, exactly as sent (in binary mode the body), or as GET /v1/events gives it.
    member
        Which member: a JSON Pointer, as `hubwithheld` of the record names it, such as /data/goods.
    leaf
        The record's `hubleaf`, where an event that was sent again has several receipts.
    """
    try:
        receipts = ReceiptBook(receipt) if receipt.is_dir() else receipts_in(receipt.read_bytes())
    except ReceiptInvalid as e:
        raise ConnectorError(f"{receipt}: {e}") from e
    sys.stdout.buffer.write(disclose(receipts, event.read_bytes(), member, leaf).encoded() + b"\n")
    sys.stdout.buffer.flush()
    return 0
