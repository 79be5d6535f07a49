"""Empty tables to fill in: made once for each type, form and language, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Literal

from aiohttp import web

from hub.core.errors import Refusal
from hub.web.edge import Handler, language_of
from hub.web.problems import Refused
from hub.web.route import CSV, XLSX
from schemas.catalogue import EventType, catalogue
from schemas.faults import Fault

Language = Literal["en", "fr"]
Form = Literal["xlsx", "csv"]

_MEDIA_TYPES: dict[Form, str] = {"xlsx": XLSX, "csv": CSV}


class Templates:
    """Handlers of templates; they are nobody's secret."""

    def handlers(self) -> Mapping[str, Handler]:
        return {"get_xlsx_template": self.xlsx, "get_csv_template": self.csv}

    async def xlsx(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        return await _answer(request, names["type"], "xlsx")

    async def csv(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        return await _answer(request, names["type"], "csv")


async def _answer(request: web.BaseRequest, name: str, form: Form) -> web.Response:
    language = wanted_language(request)
    kind = catalogue().find(name)
    if isinstance(kind, Fault):
        raise Refused(Refusal("NOT_FOUND", f"{kind.found}: {kind.expected}"))
    file = await asyncio.to_thread(_template, kind.name, form, language)
    headers = {
        "Content-Type": _MEDIA_TYPES[form],
        "Content-Disposition": f'attachment; filename="{kind.name}.{form}"',
        "Cache-Control": "public, max-age=3600",
    }
    return web.Response(body=file, headers=headers)


def wanted_language(request: web.BaseRequest) -> Language:
    """`lang` of the query, else what `Accept-Language` asks for. Raises `Refused`."""
    lang = request.query.get("lang") or language_of(request)
    if lang == "en":
        return "en"
    if lang == "fr":
        return "fr"
    raise Refused(Refusal("BAD_REQUEST", "lang: en or fr"))


@cache
def _template(name: str, form: Form, language: Language) -> bytes:
    from schemas.translate.tabular.template import template

    kind = catalogue().find(name)
    assert isinstance(kind, EventType)
    return template(kind, form, language)
