"""Translators: from the formats that the trade already sends to canonical events, each with the way back to its source.

May import: `schemas`. Values in, values out: no I/O beyond a file object that the caller opened, no clock, nothing
fetched. Every translator is total: whatever the bytes, it answers with items and faults, and raises nothing.
The rules that outlive the code (source, id, version, time, place) are in `schemas/formats/translated.md`.
"""
