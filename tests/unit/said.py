"""Every text that the code may say of something sent, found by reading the code: what is handed to `fault`, to
`Refusal` and to what passes on to them, with `{}` where something is put in."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_MAKERS = {
    ("fault", 4): 3, ("wrong", 4): 3, ("_wrong", 3): 2, ("invalid", 3): 2, ("Objection", 2): 1, ("matching", 2): 1,
    ("Vocabulary", 4): 0, ("Vocabulary", 3): 0,
}  # fmt: skip
"""What faults are made by, with how many arguments, and which of them is what was expected."""


@cache
def nodes(room: str) -> dict[Path, list[ast.AST]]:
    """All that each file of a room is made of."""
    return {file: list(ast.walk(ast.parse(file.read_text()))) for file in sorted((ROOT / room).rglob("*.py"))}


def expectations(*rooms: str) -> dict[str, str]:
    """What faults expect, each text with a place where it stands."""
    found = {}
    for (name, count), which in _MAKERS.items():
        for file, call in _calls(*rooms).get(name, ()):
            if len(call.args) == count:
                for text in _texts(call.args[which], file, rooms):
                    found[text] = f"{file.relative_to(ROOT)}:{call.lineno}"
    return found


def details(*rooms: str) -> dict[str, str]:
    """What refusals say in detail: the second argument of `Refusal`."""
    found = {}
    for file, call in _calls(*rooms).get("Refusal", ()):
        given = call.args[1:2] + [each.value for each in call.keywords if each.arg == "detail"]
        for text in (text for each in given for text in _texts(each, file, rooms)):
            found[text] = f"{file.relative_to(ROOT)}:{call.lineno}"
    return found


@cache
def _calls(*rooms: str) -> dict[str, list[tuple[Path, ast.Call]]]:
    """Every call, by the name of what is called."""
    found: dict[str, list[tuple[Path, ast.Call]]] = defaultdict(list)
    for file, node in _nodes(rooms):
        if isinstance(node, ast.Call):
            found[called(node)].append((file, node))
    return found


def called(call: ast.Call) -> str:
    """The last name of what is called, if it has one."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _nodes(rooms: tuple[str, ...]) -> Iterator[tuple[Path, ast.AST]]:
    return ((file, node) for room in rooms for file, all_ in nodes(room).items() for node in all_)


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
        case ast.BoolOp(values=values) | ast.Dict(values=values):
            yield from (text for each in values for text in _texts(each, file, rooms))
        case ast.Subscript(value=ast.Name() as table):
            yield from _texts(table, file, rooms)
        case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="get"), args=[_, default]):
            yield from (text for each in (table, default) for text in _texts(each, file, rooms))
        case ast.Name(id=name) if rooms:
            yield from _meant(name, file, rooms)


def _meant(name: str, file: Path, rooms: tuple[str, ...]) -> Iterator[str]:
    for source, value in _assigned(rooms).get(name, ()):
        if source == file or (name.isupper() and not name.startswith("_")):
            yield from _texts(value, source, ())


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


@cache
def _assigned(rooms: tuple[str, ...]) -> dict[str, list[tuple[Path, ast.expr]]]:
    """What names stand for: in modules and functions, not in classes."""
    found: dict[str, list[tuple[Path, ast.expr]]] = defaultdict(list)
    members = {id(each) for _, node in _nodes(rooms) if isinstance(node, ast.ClassDef) for each in node.body}
    for file, node in _nodes(rooms):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and id(node) not in members:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found[target.id].append((file, node.value))
    return found
