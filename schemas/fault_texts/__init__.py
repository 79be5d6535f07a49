"""The texts of the fault codes, by family: rows of code, English, French, fix; and `WARNING` where it refuses nothing.

`schemas/faults.py` makes the table of them; those of documents stand with documents.
"""
