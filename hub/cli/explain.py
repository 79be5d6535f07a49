"""`customs-hub explain CODE`: what a code of an answer means and what to do about it; works offline."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Literal

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.show import lines, print_json
from hub.core.errors import ERRORS
from hub.core.faults import ACT_FAULTS
from hub.core.words import words
from schemas.faults import FAULTS

app = App(name="explain", help="What a code of an answer means and what to do about it; works offline.")


@app.default
def explain(code: str | None = None, /, *, lang: Literal["en", "fr"] = "en", json: bool = False) -> int:
    """Explain one code; without one, list them all.

    Parameters
    ----------
    code
        As in the answer's `code`, or of one of its faults.
    lang
        The language of the text.
    json
        Print JSON.
    """
    if code is None:
        return _list(lang, json=json)
    explained = _explain(code.upper().replace("-", "_"), lang)
    if explained is None:
        guess = get_close_matches(code.upper(), [*ERRORS, *FAULTS, *ACT_FAULTS], n=1)
        print(f"there is no code {code}" + (f"; {guess[0]}?" if guess else ""), file=sys.stderr)
        return FAILED
    labels = _FRENCH if lang == "fr" else {}
    print_json(explained) if json else lines({labels.get(name, name): told for name, told in explained.items()})
    return DONE


_FRENCH = {
    "status": "statut",
    "retryable": "à retenter",
    "severity": "gravité",
    "means": "sens",
    "fix": "remède",
    "explained": "explication",
}
"""What people read before each line; machines read the English names."""


def _explain(code: str, lang: str) -> dict[str, object] | None:
    said = words().said
    if (row := ERRORS.get(code)) is not None:
        return {
            "code": row.code,
            "status": row.status,
            "retryable": row.retryable,
            "means": getattr(row, lang),
            "fix": said(row.fix, lang),
            "explained": said(row.explain, lang),
        }
    if (text := FAULTS.get(code) or ACT_FAULTS.get(code)) is not None:
        means, fix = getattr(text, lang), said(text.fix, lang)
        return {"code": text.code, "severity": text.severity.value, "means": means, "fix": fix}
    return None


def _list(lang: str, *, json: bool) -> int:
    texts = {code: getattr(row, lang) for code, row in {**ERRORS, **FAULTS, **ACT_FAULTS}.items()}
    print_json(texts) if json else lines(texts)
    return DONE
