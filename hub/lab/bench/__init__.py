"""`customs-hub bench`: what the hub does on this machine, beside what the machine can do at all.

Theory of operation. Everything measured is a process of its own, so that its CPU time can be told: the hub
(`customs-hub serve`, once without and once with a feed), a bare aiohttp server, and a process that feeds the log
directly (`ceiling.py`). The load comes from one process (`load.py`, raw sockets, prepared requests of which only the
ids are patched), a risk engine's place is taken by another (`pull.py`); both answer one JSON line for each job line.
`run.py` does every measure once a round, each round beginning with another one, so that what else the machine does
meets all alike; figures are medians over the rounds. A run during which the load process used more than 80 % of a core
measured that process rather than the hub: it is void.
"""
