"""Tables: CSV and Excel workbooks of events, one row an event; templates to fill in; the workbook back, marked.

    translate(document: bytes | BinaryIO, context) -> Translation | list[Fault]
    meaning(event) -> bytes; same_meaning(one, other) -> bool; with_version(event, updated_at) -> event
    template.template(event_type, "xlsx" | "csv", "en" | "fr") -> bytes
    marked.marked_workbook(document: bytes | BinaryIO, verdicts: Mapping[str, Verdict], lang) -> bytes

`verdicts` goes by the place of an item (`row 5`, `<sheet>!5`). Templates and marked workbooks are written by
xlsxwriter, which only those who write them need: they are imported by their modules.
May import: `schemas`, python-calamine, xlsxwriter. Never here: a clock, a file that the caller has not opened, a
formula that is evaluated, a cell that starts one.
"""

from schemas.translate.tabular.identity import meaning, same_meaning, with_version
from schemas.translate.tabular.translate import translate

__all__ = ["meaning", "same_meaning", "translate", "with_version"]
