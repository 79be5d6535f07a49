"""Values and pure rules that the stages share: partners, agreements, feeds, evidence, records, the error table.

May import: `schemas`. Never here: await, log, time, environment, files.
"""
