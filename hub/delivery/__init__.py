"""From a feed to its reader: pull with sealed cursors, acknowledgement, streams. The reader rule is applied here.

May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, what an agreement says (fan-out decided it).
"""
