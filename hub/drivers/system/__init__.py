"""The machine's own clock, chance and files: the only place that asks them."""
