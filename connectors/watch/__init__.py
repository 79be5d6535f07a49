"""The folder drop: what is laid in a folder is sent to a hub, in any format that the hub takes, and answered there.

Here: the folder, the journal of what was taken from it, the sending of one file, the service that does both.
May import: `schemas`, the rest of `connectors` but `risk`.
Never here: a change to the bytes of a file (what is sent stripped is laid beside it); a file that is sent before it is
in the journal.

A file goes: journal (what it is) ▸ hub ▸ journal (its answer, and where it will lie) ▸ results beside its new place,
the details that lay beside it among them ▸ move ▸ journal (finished). Whatever is cut off is done again from the last
entry: a send again is a DUPLICATE at the hub, results are replaced by the same bytes, and a move has happened or has
not.
"""
