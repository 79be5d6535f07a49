"""The catalogue as a document: types, versions, what they are called, and where each is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalogue import Catalogue, EventType, examples, meaning
from schemas.deprecation import Deprecations, path_of
from schemas.faults import FAULTS
from schemas.words import words

Document = dict[str, Any]
ROOT = "/v1/schemas"


def listing(catalogue: Catalogue, deprecations: Deprecations) -> Document:
    """Every type, and the names that are settled for later."""
    newest = {kind.name: kind for kind in sorted(catalogue.types, key=_number)}
    items = [_summary(kind, catalogue, deprecations) for _, kind in sorted(newest.items())]
    planned = [{"type": name, "status": "planned", "versions": []} for name in sorted(catalogue.planned)]
    return {"items": [*items, *planned], "next": None}


def detail(kind: EventType, catalogue: Catalogue, deprecations: Deprecations) -> Document:
    """One type by its newest version: who may send it, what it is about, and its examples."""
    return _summary(kind, catalogue, deprecations) | {
        "meaning": meaning(kind.name),
        "roles": sorted(kind.roles),
        "aeo": kind.aeo.value,
        "subject_schemes": list(kind.object_schemes),
        "personal": list(kind.personal),
        "examples": [_example(name, each) for name, each in examples(kind.name).items()],
    }


def versions(name: str, catalogue: Catalogue, deprecations: Deprecations) -> list[Document]:
    """The versions of a type, the newest first."""
    kinds = sorted((kind for kind in catalogue.types if kind.name == name), key=_number, reverse=True)
    return [_version(kind, current=kind is kinds[0], deprecations=deprecations) for kind in kinds]


def _summary(kind: EventType, catalogue: Catalogue, deprecations: Deprecations) -> Document:
    title = kind.schema.flat["title"]
    at = f"{ROOT}/{kind.name}"
    return {
        "type": kind.name,
        "status": "active",
        "title": {language: words().said(title, language) for language in ("en", "fr")},
        "versions": versions(kind.name, catalogue, deprecations),
        "links": {"self": at, "workbook": f"{at}/template.xlsx", "table": f"{at}/template.csv"},
    }


def _version(kind: EventType, *, current: bool, deprecations: Deprecations) -> Document:
    told: Document = {
        "version": kind.dataschema.rpartition(":")[2],
        "dataschema": kind.dataschema,
        "status": "current" if current else "superseded",
        "schema": path_of(kind.dataschema),
    }
    if (leaving := deprecations.get(kind.dataschema)) is not None:
        told |= {
            "status": "deprecated",
            "deprecated": leaving.since.isoformat(),
            "sunset": leaving.sunset.isoformat(),
            "successor": leaving.successor,
        }
    return told


def _example(name: str, example: Mapping[str, Any]) -> Document:
    """An event, and the faults that it has."""
    if "faults" not in example:
        return {"name": name, "event": example, "faults": []}
    faults = [
        {**each, "severity": FAULTS[each["code"]].severity.value, "text": FAULTS[each["code"]].en}
        for each in example["faults"]
    ]
    return {"name": name, "about": example.get("about", ""), "event": example["event"], "faults": faults}


def _number(kind: EventType) -> tuple[int, ...]:
    return tuple(map(int, kind.dataschema.rpartition(":")[2].split(".")))
