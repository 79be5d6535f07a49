"""What operators do: partners, systems, keys, agreements, feeds, as proposals that become registry revisions.

May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP.
"""
