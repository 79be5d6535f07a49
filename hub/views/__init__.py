"""What is known: of objects and events from a copy that follows the log; of one event's judgement and receipts, from
index and log whenever asked. Each caller is told what its agreements allow.

May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, writing anything but that copy; never on the
accept path.
"""
