"""A request becomes an accepted event: authenticate, authorise, decode, validate, accept, receipt.

Each stage takes the evidence of the one before as its argument type; `judging.py` and `pipeline.py` call them in order.
Documents (`documents.py`, `jobs.py`) bring their items to the same two.
May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, a stage importing its sibling.
"""
