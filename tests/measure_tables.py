"""How long a table takes to be judged, and how much memory: `python -m tests.measure_tables`.

Each table is judged in a process of its own, from a file, row by row; the memory is the peak of the whole process.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter

from schemas.catalogue import catalogue
from schemas.check_digits import container_digit
from schemas.translate.item import Context
from schemas.translate.tabular import translate
from schemas.translate.tabular.marked import RowVerdict, marked_workbook
from schemas.verdict import judge

NOW_US = 1_795_342_200_000_000
HEADS = (
    "Container number", "Date and time", "UTC offset", "Kind of time", "Place: UN/LOCODE", "Place: facility code",
    "Place: facility code list", "Empty", "Size and type", "Verified gross mass (kg)", "Seal 1: number",
    "Seal 1: applied by", "Transport: mode", "Transport: licence plate", "Booking number", "Remarks",
)  # fmt: skip


def rows(count: int) -> Iterator[list[Any]]:
    for number in range(count):
        box = f"MSKU{number:06}"
        at = datetime(2026, 11, 1) + timedelta(seconds=number)
        yield [
            box + container_digit(box + "0"), at, "+01:00", "ACTUAL", "NLRTM", "DELTA", "SMDG", "no", "22G1", 14250.5,
            f"NL{number:06}", "SHI", "ROAD", "AB-12-CD", f"BK{number:08}", "nothing to remark",
        ]  # fmt: skip


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADS)
        writer.writerows(rows(count))


def write_xlsx(path: Path, count: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("container.gate_in")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, HEADS)
        for line, row in enumerate(rows(count), 1):
            for at, cell in enumerate(row):
                sheet.write_datetime(line, at, cell, moment) if at == 1 else sheet.write(line, at, cell)


def measure(path: str, *, mark: bool) -> None:
    """Judge every row of one table, and tell; with `mark`, make the workbook that goes back as well."""
    known = catalogue()
    began = time.perf_counter()
    verdicts: dict[str, RowVerdict] = {}
    accepted = count = 0
    with Path(path).open("rb") as file:
        translation = translate(file, Context(event_type="container.gate_in", items_max=1_000_000))
        assert not isinstance(translation, list), translation
        for item in translation.items:
            found = judge(item, translation, known, now_us=NOW_US)
            count += 1
            accepted += found.verdict == "ACCEPTED"
            if mark:
                verdicts[item.place] = RowVerdict(found.verdict, found.faults)
        if mark:
            marked_workbook(file, verdicts, "en", "container.gate_in")
    seconds = time.perf_counter() - began
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = "judged and marked" if mark else "judged"
    print(f"{Path(path).suffix} {count} rows ({accepted} accepted) {what}: {seconds:.2f} s, peak {peak_mib:.0f} MiB")


def main() -> None:
    if len(sys.argv) == 3:
        measure(sys.argv[1], mark=sys.argv[2] == "mark")
        return
    with TemporaryDirectory() as folder:
        sheet, values = Path(folder) / "table.xlsx", Path(folder) / "table.csv"
        write_xlsx(sheet, 10_000)
        write_csv(values, 100_000)
        for path, mark in ((sheet, "judge"), (sheet, "mark"), (values, "judge")):
            subprocess.run([sys.executable, "-m", "tests.measure_tables", str(path), mark], check=True)


if __name__ == "__main__":
    main()
