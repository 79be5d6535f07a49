"""HTTP in, HTTP out: routes as data, the API, the admin socket, and `edge.py`, the only place that renders errors.

May import: stages, `ports`, `core`. Never here: rules, drivers.
"""
