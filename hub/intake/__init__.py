"""A request becomes an accepted event: authenticate, authorise, decode, validate, accept, receipt.

Each stage takes the evidence of the one before as its argument type; `pipeline.py` alone calls them in order.
May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, a stage importing its sibling.
"""
