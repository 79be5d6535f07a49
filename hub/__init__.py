"""The administration's side: the rooms stand in the order in which an event meets them.

intake ▸ (event log) ▸ fanout ▸ delivery; `core` and `trust` are pure, `ports` promise, `drivers` keep the promises,
`web` and `cli` translate, `assembly` alone knows who is who.
"""
