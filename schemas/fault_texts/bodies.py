"""What is wrong with a body before any event in it is looked at."""

from __future__ import annotations

ROWS: tuple[tuple[str, ...], ...] = (
    # Not JSON, or JSON that two readers could read in two ways (RFC 8259, RFC 7493).
    (
        "JSON_INVALID",
        "This is not JSON.",
        "Ceci n'est pas du JSON.",
        "Correct the place named; a JSON library makes no such text.",
    ),
    (
        "JSON_EMPTY",
        "There is nothing here.",
        "Il n'y a rien ici.",
        "Send one JSON value.",
    ),
    (
        "JSON_TRUNCATED",
        "The JSON ends before it is complete.",
        "Le JSON se termine avant d'être complet.",
        "Send the whole text; check Content-Length and the connection.",
    ),
    (
        "JSON_TRAILING",
        "Something follows the JSON value.",
        "Quelque chose suit la valeur JSON.",
        "Send one value; use a batch or NDJSON for several.",
    ),
    (
        "JSON_BOM",
        "The text begins with a byte-order mark.",
        "Le texte commence par une marque d'ordre des octets (BOM).",
        "Write UTF-8 without the three bytes EF BB BF (RFC 8259 §8.1).",
    ),
    (
        "JSON_NOT_UTF8",
        "The text is not UTF-8.",
        "Le texte n'est pas en UTF-8.",
        "Write UTF-8; the bytes named are something else, such as Latin-1.",
    ),
    (
        "JSON_UTF16",
        "The text is UTF-16 or UTF-32.",
        "Le texte est en UTF-16 ou en UTF-32.",
        "Write UTF-8 (RFC 8259 §8.1).",
    ),
    (
        "JSON_SURROGATE",
        "A \\u escape is half of a character.",
        "Une séquence \\u ne désigne que la moitié d'un caractère.",
        "Write both halves of the surrogate pair, or the character itself.",
    ),
    (
        "JSON_MEMBER_REPEATED",
        "An object has two members of one name.",
        "Un objet a deux membres du même nom.",
        "Send each member once (RFC 7493 §2.3): two readers would read two values.",
    ),
    (
        "JSON_TOO_DEEP",
        "Objects and arrays are nested too deeply.",
        "Les objets et tableaux sont imbriqués trop profondément.",
        "Nest at most 64 deep.",
    ),
    (
        "JSON_NUMBER_RANGE",
        "A number is beyond what every reader reads alike.",
        "Un nombre dépasse ce que tout lecteur lit de la même façon.",
        "Send integers within ±(2^53 - 1) and numbers within a double's range (RFC 7493 §2.2), or text.",
    ),
    (
        "JSON_NOT_FINITE",
        "NaN and Infinity are not JSON.",
        "NaN et Infinity ne sont pas du JSON.",
        "Leave the member out, or send null where it is allowed.",
    ),
    (
        "JSON_NOT_AN_OBJECT",
        "An event is a JSON object.",
        "Un événement est un objet JSON.",
        "Send an object; several events as an array or NDJSON, with the media type of a batch.",
    ),
    (
        "BATCH_NOT_AN_ARRAY",
        "A batch is a JSON array.",
        "Un lot est un tableau JSON.",
        "Send an array of events, or one event as application/cloudevents+json.",
    ),
    (
        "TOO_MANY_ITEMS",
        "The batch has more events than the hub takes at once.",
        "Le lot contient plus d'événements que le hub n'en accepte à la fois.",
        "Send several smaller batches.",
    ),
    (
        "EVENT_TOO_LARGE",
        "The event is larger than the hub takes.",
        "L'événement dépasse la taille admise par le hub.",
        "Leave out what nobody needs, or tell it in several events.",
    ),
    (
        "EMPTY",
        "There is no event in the batch.",
        "Le lot ne contient aucun événement.",
        "Send at least one event.",
    ),
    (
        "HEADER_ENCODING",
        "A header of a binary-mode event is not percent-encoded UTF-8.",
        "Un en-tête d'événement en mode binaire n'est pas en UTF-8 encodé en pourcentage.",
        "Encode attribute values as the CloudEvents HTTP binding (§3.1.3) says.",
    ),
    # A document that holds events in a format of the trade.
    (
        "FORMAT_UNKNOWN",
        "What kind of document this is cannot be told.",
        "La nature de ce document n'a pas pu être déterminée.",
        "Send a document of a format named, with its media type.",
    ),
    (
        "FORMAT_NOT_TAKEN",
        "The hub knows this kind of document, but takes no events from it.",
        "Le hub connaît ce type de document, mais n'en reçoit pas d'événements.",
        "Send what is named instead.",
    ),
    (
        "JSON_TOO_MANY_PARTS",
        "The document has far more objects and arrays than its size allows for.",
        "Le document contient bien plus d'objets et de tableaux que sa taille ne le justifie.",
        "Leave out empty objects and arrays, or send several smaller documents.",
    ),
)
