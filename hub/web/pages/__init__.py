"""Pages for people: no script, nothing from elsewhere, one style sheet inside that the policy names by its hash."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.web.pages.labels import LABELS

STYLE = resources.files("hub.web.pages").joinpath("page.css").read_text().strip()
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'",
    f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page(name: str, language: str, **shown: Any) -> bytes:
    """One page in a language; everything put in is escaped."""
    said = LABELS[language]
    other = "en" if language == "fr" else "fr"
    text = _environment().get_template(name).render(language=language, other=other, said=said, style=STYLE, **shown)
    return text.encode()


def written(value: object) -> str:
    """A JSON value as a person reads it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("hub.web.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
