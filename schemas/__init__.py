"""The contract that both sides share, as data and as the pure code that applies it.

Here: JSON Schemas and vocabularies, the formats that outlive the code (a page and golden vectors each in `formats/`),
the parsing rules, canonical bytes, identity, record headers, identifiers and check rules, faults and their texts.
May import: the standard library's pure parts, orjson, jiter, msgspec, jsonschema-rs, rfc8785.
Never here: I/O, a clock, chance, an import of `hub` or `connectors`.
"""
