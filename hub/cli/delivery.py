"""`customs-hub delivery`: how feeds are brought to their recipients."""

from __future__ import annotations

from cyclopts import App

from hub.cli.endpoint import app as endpoint

app = App(name="delivery", help="How feeds are brought to their recipients.")
app.command(endpoint)
