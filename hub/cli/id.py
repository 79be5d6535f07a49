"""`customs-hub id`: whether an identifier is right, and what else it is written as; works offline."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED, Misused
from hub.cli.show import Columns, Plain, lines, print_json, table
from schemas import gs1
from schemas.faults import FAULTS
from schemas.identifiers import OBJECTS, SCHEMES, objection
from schemas.words import words

app = App(name="id", help="Identifiers of the trade: their forms, check digits, and GS1 keys in all their forms.")


@app.command
def check(
    scheme: str,
    value: str,
    /,
    *,
    prefix_length: Annotated[int | None, Parameter(name="--prefix-length")] = None,
    lang: Literal["en", "fr"] = "en",
    json: bool = False,
) -> int:
    """Say whether a value is a right identifier of its scheme. Exits with 0 if it is, with 1 if form or check digit is
    wrong or a list does not have it, with 2 if there is no such scheme. A GS1 key is shown in its other forms too.

    Parameters
    ----------
    scheme
        As in `subjects`: iso6346, imo, mrn, sscc, … (`customs-hub id list`).
    value
        The identifier; for `uri` and `digital_link` also an EPC URN.
    prefix_length
        Digits of the GS1 Company Prefix, 6 to 12: to show the EPC URN of a Digital Link, which does not tell it.
    lang
        The language of the texts.
    json
        Print JSON.
    """
    if (row := SCHEMES.get(scheme)) is None:
        meant = OBJECTS.get(scheme.lower()) or get_close_matches(scheme.lower(), SCHEMES, n=1)
        hint = f"perhaps {' or '.join(meant)}; " if meant else ""
        raise Misused(f"there is no scheme {scheme}; {hint}`customs-hub id list` names them all")
    wrong = objection(row, value)
    said: Plain = {"scheme": scheme, "value": value, "right": wrong is None}
    if wrong is not None:
        text = FAULTS[wrong.code]
        means, spoken = text.fr if lang == "fr" else text.en, words()
        said |= {"code": wrong.code, "means": means, "expected": spoken.said(wrong.expected, lang)}
        said["fix"] = spoken.said(text.fix, lang)
    said |= _other_forms(value, prefix_length)
    print_json(said) if json else lines(said)
    return DONE if wrong is None else FAILED


def _other_forms(value: str, prefix_length: int | None) -> Plain:
    scheme, plain = gs1.identifier_of(value)
    forms: Plain = {
        "identifier": f"{scheme} {plain}" if scheme != "uri" else None,
        "digital_link": gs1.digital_link(value),
        "epc_urn": gs1.epc_urn(value, prefix_length),
    }
    return {name: form for name, form in forms.items() if form is not None}


@app.command(name="list")
def list_(*, json: bool = False) -> int:
    """Every scheme with an example and its standard."""
    rows: list[Plain] = [
        {"scheme": each.name, "example": each.example, "standard": each.standard, "meaning": each.meaning}
        for each in SCHEMES.values()
    ]
    print_json({"items": rows}) if json else table(rows, _COLUMNS)
    return DONE


_COLUMNS: Columns = {
    "SCHEME": "scheme",
    "EXAMPLE": "example",
    "STANDARD": "standard",
}
