"""`customs-hub demo`: an administration, three companies and two risk engines on this machine, with live traffic.

`cast` says who takes part, `day` and `shipment` what happens, `crew`, `company` and `child` run the processes,
`operator` acts on the hub while it works, `tally` counts what the processes report, `screen` and `lines` show it,
`play` puts it together.
May import: the assembly, the rest of the lab. Never here: a number that nobody reported, or an import of `connectors`.
"""
