"""What is signed, hashed or sealed: statements, seals, the Merkle tree, tokens, keys, cursors.

May import: `core`, `schemas`. Never here: I/O, a clock, chance (both are handed in).
"""
