"""What is known of an event: what was judged of it, and its receipts, read from the index and the log whenever asked.

May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, writing anything; never on the accept path.
"""
