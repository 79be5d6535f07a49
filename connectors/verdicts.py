"""How verdicts on documents are told: to a person, in aligned lines and in two languages, or to a machine, in JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from connectors.commands.shared import print_json
from connectors.language import Language
from schemas.faults import Fault, Severity
from schemas.verdict import Judged, Verdict
from schemas.words import words


class _Labels(Struct, frozen=True):
    severities: dict[str, str]
    found: str
    expected: str
    fix: str
    verdicts: dict[Verdict, tuple[str, str]]
    """One, several."""
    unopened: str
    warned: str
    nothing: str
    left_out: str


_ENGLISH = _Labels(
    {Severity.ERROR: "error", Severity.WARNING: "warning"},
    "found:",
    "expected:",
    "fix:",
    {
        Verdict.ACCEPTED: ("accepted", "accepted"),
        Verdict.REJECTED: ("refused", "refused"),
        Verdict.NOT_SHARED: ("not shared", "not shared"),
    },
    "refused as a whole",
    "with warnings",
    "no events",
    "Not judged here: whether an agreement covers these events, and whether the hub has them already.",
)
_FRENCH = _Labels(
    {Severity.ERROR: "erreur", Severity.WARNING: "alerte"},
    "trouvé :",
    "attendu :",
    "remède :",
    {
        Verdict.ACCEPTED: ("accepté", "acceptés"),
        Verdict.REJECTED: ("refusé", "refusés"),
        Verdict.NOT_SHARED: ("non partagé", "non partagés"),
    },
    "refusé en entier",
    "avec alertes",
    "aucun événement",
    "Non jugé ici : si un accord couvre ces événements, et si le hub les connaît déjà.",
)


def print_faults(faults: Iterable[Mapping[str, str]], language: Language) -> None:
    """Faults as they are answered (`schemas/formats/problem.md`): where, what it means, what was found and expected."""
    labels = _FRENCH if language == "fr" else _ENGLISH
    severity_width = max(map(len, labels.severities.values()))
    label_width = max(map(len, (labels.found, labels.expected, labels.fix)))
    indent = " " * (6 + severity_width)
    for each in faults:
        severity = labels.severities.get(each.get("severity", ""), labels.severities[Severity.ERROR])
        place = words().said(each.get("place", ""), language)
        lead = (severity.ljust(severity_width), place, each.get("code", ""))
        print("    " + "  ".join(word for word in lead if word))
        for label, name in (("", "text"), (labels.found, "found"), (labels.expected, "expected"), (labels.fix, "fix")):
            if text := each.get(name):
                print(f"{indent}{label:<{label_width}} {text}" if label else f"{indent}{text}")


class Teller:
    """Prints verdicts as a person reads them: what is refused or warned about in full, of the rest the count."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._labels = _FRENCH if language == "fr" else _ENGLISH

    def unopened(self, file: str, faults: Sequence[Fault]) -> None:
        """A document in which nothing could be looked at."""
        print(f"{file}: {self._labels.unopened}")
        self._print_faults(faults)

    def opened(self, file: str, format_: str, judged: Iterable[Judged]) -> bool:
        """The items of a document; whether one of them is refused."""
        print(f"{file} ({format_})")
        counts: Counter[Verdict] = Counter()
        warned: Counter[Verdict] = Counter()
        for each in judged:
            counts[each.verdict] += 1
            if each.faults:
                warned[each.verdict] += each.verdict is not Verdict.REJECTED
                self._print_item(each)
        self._print_counts(counts, warned)
        return counts[Verdict.REJECTED] > 0

    def end(self) -> None:
        print(self._labels.left_out)

    def _print_item(self, judged: Judged) -> None:
        verdict, _ = self._labels.verdicts[judged.verdict]
        kind = judged.kind.name if judged.kind is not None else ""
        words_ = (words().said(judged.item.place, self._language), verdict, kind, judged.item.id)
        print("  " + "  ".join(word for word in words_ if word))
        self._print_faults(judged.faults)

    def _print_faults(self, faults: Sequence[Fault]) -> None:
        print_faults([words().fault(each, self._language) for each in faults], self._language)

    def _print_counts(self, counts: Counter[Verdict], warned: Counter[Verdict]) -> None:
        told = []
        for verdict, count in sorted(counts.items()):
            of_these = f" ({warned[verdict]} {self._labels.warned})" if warned[verdict] else ""
            told.append(f"{count} {self._labels.verdicts[verdict][count > 1]}{of_these}")
        print("  " + (", ".join(told) or self._labels.nothing))


class JSONTeller(Teller):
    """Prints one JSON object for each event, and one for each file."""

    def unopened(self, file: str, faults: Sequence[Fault]) -> None:
        told = [words().fault(each, self._language) for each in faults]
        print_json({"kind": "file", "file": file, "verdict": Verdict.REJECTED, "faults": told})

    def opened(self, file: str, format_: str, judged: Iterable[Judged]) -> bool:
        counts: Counter[Verdict] = Counter()
        for each in judged:
            counts[each.verdict] += 1
            print_json({"kind": "event", "file": file, **self._item(each)})
        print_json(
            {
                "kind": "file",
                "file": file,
                "format": format_,
                "counts": {verdict.value: counts[verdict] for verdict in Verdict},
            }
        )
        return counts[Verdict.REJECTED] > 0

    def end(self) -> None:
        """Machines are told nothing that is the same each time."""

    def _item(self, judged: Judged) -> dict[str, object]:
        item = judged.item
        return {
            "index": item.index,
            "place": item.place,
            "id": item.id,
            "source": str((item.event or {}).get("source", "")),
            "type": judged.kind.name if judged.kind is not None else "",
            "verdict": judged.verdict,
            "faults": [words().fault(each, self._language) for each in judged.faults],
        }
