"""GS1 EPCIS 2.0 in JSON and JSON-LD (format `epcis/2.0`), in and out.

- `translate(document, context)`: a capture document, a query document, an event by itself, or an array of such events,
  to canonical events.
- `event_hash(event, context)`: the id of an event without one (CBV 2.0 §8.9); `context` is its document's `@context`.
- `document(events)`: canonical events that came as EPCIS, as an `EPCISQueryDocument` again.
- `EPCIS_CONTEXT`: the address of the standard's context.

Nothing is fetched: a context that is not the standard's is taken as far as it stands in the document itself.
"""

from __future__ import annotations

from schemas.translate.epcis.hashing import event_hash
from schemas.translate.epcis.inwards import FORMAT, translate
from schemas.translate.epcis.namespaces import EPCIS_CONTEXT
from schemas.translate.epcis.outwards import document

__all__ = ["EPCIS_CONTEXT", "FORMAT", "document", "event_hash", "translate"]
