"""The verbs of `customs-connect`, one file each.

Here: arguments in, lines out. May import: all of `connectors`. Never here: what a program would want to call.
"""
