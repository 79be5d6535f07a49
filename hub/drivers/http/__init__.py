"""HTTP to addresses that others name: never to where the hub's own networks are, unless an operator allowed it."""
