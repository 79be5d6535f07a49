"""From the log to the feeds: judge, route, project, and the router that runs them for a partition.

Everything here is a function of the log and of the registry's revisions: after a crash it comes out the same.
May import: `core`, `trust`, `ports`, `schemas`. Never here: drivers, HTTP, intake.
"""
