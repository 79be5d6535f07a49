"""Every text that the code may say of something sent, found by reading the code: what is handed to `fault`, to
`Refusal` and to what passes on to them, with `{}` where something is put in."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_MAKERS = {"fault": 4, "invalid": 3, "Objection": 2}
"""What faults are made by, and with how many arguments."""


@cache
def _modules(*rooms: str) -> dict[Path, ast.Module]:
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    return {file: ast.parse(file.read_text()) for file in files}


def expectations(*rooms: str) -> dict[str, str]:
    """What faults expect: the last argument of what makes them. Each text with a place where it stands."""
    found = {}
    for name, count in _MAKERS.items():
        for file, call in _calls(name, *rooms):
            if len(call.args) == count:
                for text in _texts(call.args[-1], file, rooms):
                    found[text] = f"{file.relative_to(ROOT)}:{call.lineno}"
    return found


def details(*rooms: str) -> dict[str, str]:
    """What refusals say in detail: the second argument of `Refusal`."""
    found = {}
    for file, call in _calls("Refusal", *rooms):
        given = call.args[1:2] + [each.value for each in call.keywords if each.arg == "detail"]
        for text in (text for each in given for text in _texts(each, file, rooms)):
            found[text] = f"{file.relative_to(ROOT)}:{call.lineno}"
    return found


def _calls(name: str, *rooms: str) -> Iterator[tuple[Path, ast.Call]]:
    for file, module in _modules(*rooms).items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and _last(node.func) == name:
                yield file, node


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(node: ast.expr, file: Path, rooms: tuple[str, ...]) -> Iterator[str]:
    """The texts that an expression may be, as far as they can be read off it."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr():
            text = "".join(_part(each) for each in node.values)
            if text.replace("{}", "").strip(" :,;.()"):
                yield text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            lefts, rights = (list(_texts(each, file, rooms)) or ["{}"] for each in (left, right))
            yield from (first + second for first in lefts for second in rights if first + second != "{}{}")
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, file, rooms)
            yield from _texts(orelse, file, rooms)
        case ast.BoolOp(values=values):
            yield from (text for each in values for text in _texts(each, file, rooms))
        case ast.Name(id=name):
            for source, value in _assigned(rooms).get(name, ()) if rooms else ():
                if source == file or name.isupper():
                    yield from _texts(value, source, ())


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


@cache
def _assigned(rooms: tuple[str, ...]) -> dict[str, list[tuple[Path, ast.expr]]]:
    """What names stand for: in modules and functions, not in classes."""
    found: dict[str, list[tuple[Path, ast.expr]]] = defaultdict(list)
    for file, module in _modules(*rooms).items():
        members = {id(each) for node in ast.walk(module) if isinstance(node, ast.ClassDef) for each in node.body}
        for node in ast.walk(module):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and id(node) not in members:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        found[target.id].append((file, node.value))
    return found
