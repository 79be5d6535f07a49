"""A process without rights in which hostile documents are taken apart.

Three processes: the hub (`judge.py`) hands a sealed memory file to a *warden* (`warden.py`), which has the parser in
memory and forks a *child* for each document. The child drops every right (`rights.py`), examines (`examine.py`), writes
one report and ends. A fork takes some milliseconds where a new interpreter takes 250; a child sees one document only.
"""
