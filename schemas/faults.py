"""What is wrong with something a partner sent: code, place, found, expected; and the texts of the codes.

The table is closed: a code never changes its meaning; texts may improve. A place is a JSON Pointer (RFC 6901) into what
the partner sent, or `line L, column C` (both from 1, the column in bytes) where it is not JSON; in a table, a cell; in
EDIFACT, a segment or element of a message (`formats/translated.md`).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from schemas.documents.fault_texts import ROWS

FOUND_CHARACTERS_MAX = 64
EXPECTED_CHARACTERS_MAX = 300
FAULTS_MAX = 100
"""Per event; a fault `TOO_MANY_FAULTS` says that there are more."""


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, as its sender can act on it. `found` is shown to the sender only."""

    code: str
    place: str
    found: str
    expected: str
    severity: Severity = Severity.ERROR


class FaultText(Struct, frozen=True):
    """What a fault code means, in both languages, an obvious fix where there is one, and how grave it is."""

    code: str
    en: str
    fr: str
    fix: str
    severity: Severity = Severity.ERROR


def fault(code: str, place: str, found: object, expected: str) -> Fault:
    """A fault of the table, with what was found cut to what may be shown, and the severity that the code has."""
    return Fault(code, place, shown(found), cut(expected, EXPECTED_CHARACTERS_MAX), FAULTS[code].severity)


def shown(value: object) -> str:
    """A value as it may be echoed to its sender: JSON-like, at most 64 characters."""
    if isinstance(value, str):
        text = value[: FOUND_CHARACTERS_MAX + 1]
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "an array"
    else:
        text = _LITERALS.get(value, repr(value)) if isinstance(value, bool | None) else repr(value)
    return cut(text, FOUND_CHARACTERS_MAX)


def cut(text: str, characters_max: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


_LITERALS = {True: "true", False: "false", None: "null"}


def pointer(*names: str | int) -> str:
    """The JSON Pointer (RFC 6901 §3) of a path of member names and indices."""
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)


def capped(faults: list[Fault], most: int = FAULTS_MAX) -> list[Fault]:
    """Each fault once, errors first, at most `most`; the last one then says that there are more."""
    unique = sorted(dict.fromkeys(faults), key=lambda each: each.severity is Severity.WARNING)
    if len(unique) <= most:
        return unique
    left_out = len(unique) - (most - 1)
    return [*unique[: most - 1], fault("TOO_MANY_FAULTS", "", f"{left_out} more", f"at most {most} faults")]


_WARNING = Severity.WARNING
_TEXTS = (
    # Not JSON, or JSON that two readers could read in two ways (RFC 8259, RFC 7493).
    FaultText(
        "JSON_INVALID",
        "This is not JSON.",
        "Ceci n'est pas du JSON.",
        "Correct the place named; a JSON library makes no such text.",
    ),
    FaultText(
        "JSON_EMPTY",
        "There is nothing here.",
        "Il n'y a rien ici.",
        "Send one JSON value.",
    ),
    FaultText(
        "JSON_TRUNCATED",
        "The JSON ends before it is complete.",
        "Le JSON se termine avant d'être complet.",
        "Send the whole text; check Content-Length and the connection.",
    ),
    FaultText(
        "JSON_TRAILING",
        "Something follows the JSON value.",
        "Quelque chose suit la valeur JSON.",
        "Send one value; use a batch or NDJSON for several.",
    ),
    FaultText(
        "JSON_BOM",
        "The text begins with a byte-order mark.",
        "Le texte commence par une marque d'ordre des octets (BOM).",
        "Write UTF-8 without the three bytes EF BB BF (RFC 8259 §8.1).",
    ),
    FaultText(
        "JSON_NOT_UTF8",
        "The text is not UTF-8.",
        "Le texte n'est pas en UTF-8.",
        "Write UTF-8; the bytes named are something else, such as Latin-1.",
    ),
    FaultText(
        "JSON_UTF16",
        "The text is UTF-16 or UTF-32.",
        "Le texte est en UTF-16 ou en UTF-32.",
        "Write UTF-8 (RFC 8259 §8.1).",
    ),
    FaultText(
        "JSON_SURROGATE",
        "A \\u escape is half of a character.",
        "Une séquence \\u ne désigne que la moitié d'un caractère.",
        "Write both halves of the surrogate pair, or the character itself.",
    ),
    FaultText(
        "JSON_MEMBER_REPEATED",
        "An object has two members of one name.",
        "Un objet a deux membres du même nom.",
        "Send each member once (RFC 7493 §2.3): two readers would read two values.",
    ),
    FaultText(
        "JSON_TOO_DEEP",
        "Objects and arrays are nested too deeply.",
        "Les objets et tableaux sont imbriqués trop profondément.",
        "Nest at most 64 deep.",
    ),
    FaultText(
        "JSON_NUMBER_RANGE",
        "A number is beyond what every reader reads alike.",
        "Un nombre dépasse ce que tout lecteur lit de la même façon.",
        "Send integers within ±(2^53 - 1) and numbers within a double's range (RFC 7493 §2.2), or text.",
    ),
    FaultText(
        "JSON_NOT_FINITE",
        "NaN and Infinity are not JSON.",
        "NaN et Infinity ne sont pas du JSON.",
        "Leave the member out, or send null where it is allowed.",
    ),
    FaultText(
        "JSON_NOT_AN_OBJECT",
        "An event is a JSON object.",
        "Un événement est un objet JSON.",
        "Send an object; several events as an array or NDJSON, with the media type of a batch.",
    ),
    FaultText(
        "BATCH_NOT_AN_ARRAY",
        "A batch is a JSON array.",
        "Un lot est un tableau JSON.",
        "Send an array of events, or one event as application/cloudevents+json.",
    ),
    FaultText(
        "TOO_MANY_ITEMS",
        "The batch has more events than the hub takes at once.",
        "Le lot contient plus d'événements que le hub n'en accepte à la fois.",
        "Send several smaller batches.",
    ),
    FaultText(
        "EVENT_TOO_LARGE",
        "The event is larger than the hub takes.",
        "L'événement dépasse la taille admise par le hub.",
        "Leave out what nobody needs, or tell it in several events.",
    ),
    FaultText(
        "EMPTY",
        "There is no event in the batch.",
        "Le lot ne contient aucun événement.",
        "Send at least one event.",
    ),
    FaultText(
        "HEADER_ENCODING",
        "A header of a binary-mode event is not percent-encoded UTF-8.",
        "Un en-tête d'événement en mode binaire n'est pas en UTF-8 encodé en pourcentage.",
        "Encode attribute values as the CloudEvents HTTP binding (§3.1.3) says.",
    ),
    # A document that holds events in a format of the trade.
    FaultText(
        "FORMAT_UNKNOWN",
        "What kind of document this is cannot be told.",
        "La nature de ce document n'a pas pu être déterminée.",
        "Send a document of a format named, with its media type.",
    ),
    FaultText(
        "FORMAT_NOT_TAKEN",
        "The hub knows this kind of document, but takes no events from it.",
        "Le hub connaît ce type de document, mais n'en reçoit pas d'événements.",
        "Send what is named instead.",
    ),
    FaultText(
        "JSON_TOO_MANY_PARTS",
        "The document has far more objects and arrays than its size allows for.",
        "Le document contient bien plus d'objets et de tableaux que sa taille ne le justifie.",
        "Leave out empty objects and arrays, or send several smaller documents.",
    ),
    # The event against its schema.
    FaultText(
        "MEMBER_MISSING",
        "A member that must be there is missing.",
        "Un membre obligatoire est absent.",
        "Add the member named.",
    ),
    FaultText(
        "MEMBER_UNKNOWN",
        "The schema does not know this member; it is kept and not checked.",
        "Le schéma ne connaît pas ce membre ; il est conservé sans être contrôlé.",
        "Check the spelling, or put it under data/extensions.",
        _WARNING,
    ),
    FaultText(
        "NAMESPACE_MISSING",
        "A member beyond the standard has no namespace.",
        "Un membre hors de la norme n'a pas d'espace de noms.",
        "Declare a prefix in @context and write prefix:name; or check the spelling.",
    ),
    FaultText(
        "CONTEXT_NOT_FETCHED",
        "The hub fetches no context: what this one declares is not known.",
        "Le hub ne va chercher aucun contexte : ce que celui-ci déclare n'est pas connu.",
        "Declare prefixes in the document's own @context.",
        _WARNING,
    ),
    FaultText(
        "ENTRIES_LEFT_OUT",
        "There are more entries than the hub's own event has room for; all are kept in the original.",
        "Il y a plus d'éléments que l'événement du hub ne peut en contenir ; tous restent dans l'original.",
        "Send several events where every entry matters.",
        _WARNING,
    ),
    FaultText(
        "TYPE_WRONG",
        "The value is of the wrong JSON type.",
        "La valeur n'est pas du bon type JSON.",
        "Send the type named.",
    ),
    FaultText(
        "VALUE_NOT_ALLOWED",
        "The value is not one of those allowed.",
        "La valeur ne fait pas partie de celles qui sont admises.",
        "Use one of the values named.",
    ),
    FaultText(
        "VALUE_MALFORMED",
        "The value does not have the form that it must have.",
        "La valeur n'a pas la forme requise.",
        "Write it in the form named.",
    ),
    FaultText(
        "VALUE_LENGTH",
        "The text is too short or too long.",
        "Le texte est trop court ou trop long.",
        "Keep to the length named.",
    ),
    FaultText(
        "VALUE_RANGE",
        "The number is too small or too large.",
        "Le nombre est trop petit ou trop grand.",
        "Keep to the range named.",
    ),
    FaultText(
        "COUNT_RANGE",
        "There are too few or too many entries.",
        "Il y a trop ou trop peu d'éléments.",
        "Keep to the count named.",
    ),
    FaultText(
        "VALUE_INVALID",
        "The value breaks a rule of the schema.",
        "La valeur enfreint une règle du schéma.",
        "Compare it with the schema's description and example.",
    ),
    FaultText(
        "IDENTITY_TOO_LONG",
        "Source and id together are too long to be stated in a receipt.",
        "La source et l'identifiant sont trop longs ensemble pour figurer dans un reçu.",
        "Use shorter ones, or ones with fewer quotes and backslashes.",
    ),
    FaultText(
        "TOO_MANY_SOURCES",
        "This publisher has opened as many sources as it may.",
        "Cet émetteur a ouvert autant de sources qu'il le peut.",
        "Use one of your sources; a source is a series of ids, not a message or a day.",
    ),
    FaultText(
        "TYPE_UNKNOWN",
        "There is no event type of this name.",
        "Il n'existe pas de type d'événement de ce nom.",
        "Use a type of the naming table.",
    ),
    FaultText(
        "TYPE_PLANNED",
        "The name of this event type is settled, but the hub does not take it yet.",
        "Le nom de ce type est fixé, mais le hub ne l'accepte pas encore.",
        "Keep the events; send them when the type is active.",
    ),
    FaultText(
        "DATASCHEMA_UNKNOWN",
        "There is no such version of this event type's schema.",
        "Cette version du schéma du type d'événement n'existe pas.",
        "Leave dataschema out to use the newest version, or name one that exists.",
    ),
    # The event against the rules of the trade.
    FaultText(
        "TIME_INVALID",
        "This is not a date and time with offset that exists.",
        "Ce n'est pas une date et heure existante avec décalage.",
        "Write RFC 3339 with Z or an offset, such as 2026-11-22T10:00:00+01:00; no leap second.",
    ),
    FaultText(
        "TIME_IN_FUTURE",
        "It says that something has happened that lies in the future.",
        "Un fait annoncé comme accompli se situe dans le futur.",
        "Set the clock, check the offset, or say ESTIMATED or PLANNED in time_kind.",
    ),
    FaultText(
        "TIME_IMPLAUSIBLE",
        "The time is more than two years away.",
        "L'heure est éloignée de plus de deux ans.",
        "Check the year.",
        _WARNING,
    ),
    FaultText(
        "TIME_BEFORE_FACT",
        "The event was made before it happened.",
        "L'événement a été créé avant les faits.",
        "Check clocks and offsets: time should not be earlier than occurred_at.",
        _WARNING,
    ),
    FaultText(
        "SUBJECT_MISSING",
        "No subject is of a scheme that this event type is about.",
        "Aucun sujet n'est d'un schéma propre à ce type d'événement.",
        "Add a subject of one of the schemes named.",
    ),
    FaultText(
        "SCHEME_UNKNOWN",
        "The naming table has no such identifier scheme; the value is kept and not checked.",
        "La table de noms ne connaît pas ce schéma d'identifiant ; la valeur est conservée sans contrôle.",
        "Check the spelling of the scheme.",
        _WARNING,
    ),
    FaultText(
        "IDENTIFIER_MALFORMED",
        "The identifier does not have the form of its scheme.",
        "L'identifiant n'a pas la forme de son schéma.",
        "Write it as in the example named.",
    ),
    FaultText(
        "CHECK_DIGIT_WRONG",
        "The identifier's check digit does not fit the rest of it.",
        "Le chiffre de contrôle de l'identifiant ne correspond pas au reste.",
        "Compare every character with the original: one is probably mistyped.",
        _WARNING,
    ),
    FaultText(
        "CODE_UNASSIGNED",
        "The code is well formed, but not one that its list has given out.",
        "Le code est bien formé, mais sa liste ne l'attribue pas.",
        "Check it against the list named; where the list is newer than the hub, leave it as it is.",
        _WARNING,
    ),
    FaultText(
        "COUNTRY_UNKNOWN",
        "The country code is not in ISO 3166-1.",
        "Le code de pays ne figure pas dans l'ISO 3166-1.",
        "Use the alpha-2 code.",
        _WARNING,
    ),
    # Tables: the file, its columns, its rows, and what spreadsheets do to the values in their cells.
    FaultText(
        "TABLE_UNREADABLE",
        "The file cannot be read as a table.",
        "Le fichier ne peut pas être lu comme un tableau.",
        "Save it anew as an Excel workbook (.xlsx) without a password, or as CSV in UTF-8.",
    ),
    FaultText(
        "TABLE_TOO_LARGE",
        "The table is larger than the hub takes at once.",
        "Le tableau est plus grand que ce que le hub accepte en une fois.",
        "Delete empty rows and columns that only have a format, or send several files.",
    ),
    FaultText(
        "TABLE_TYPE_MISSING",
        "Nothing says which event the rows are about.",
        "Rien n'indique de quel événement il s'agit dans les lignes.",
        "Fill a column named type, give the sheet the name of an event type, or name it with the upload.",
    ),
    FaultText(
        "HEADER_MISSING",
        "No row of column names was found at the top of the table.",
        "Aucune ligne d'en-têtes n'a été trouvée en haut du tableau.",
        "Write the column names of the template into the first row.",
    ),
    FaultText(
        "COLUMN_MISSING",
        "A column that must be there is missing.",
        "Une colonne obligatoire est absente.",
        "Add the column named, or correct the name of the one that was meant.",
    ),
    FaultText(
        "COLUMN_UNKNOWN",
        "The column is not known for this event; its values are kept and not checked.",
        "Cette colonne est inconnue pour cet événement ; ses valeurs sont conservées sans contrôle.",
        "Check the spelling of the column's name against the template.",
        _WARNING,
    ),
    FaultText(
        "COLUMN_REPEATED",
        "Two columns say the same thing.",
        "Deux colonnes disent la même chose.",
        "Keep one of them.",
    ),
    FaultText(
        "COLUMN_UNNAMED",
        "There is a value in a column that has no name.",
        "Une valeur se trouve dans une colonne sans en-tête.",
        "Name the column, or empty the cell.",
    ),
    FaultText(
        "ROW_MALFORMED",
        "The line cannot be told apart into cells.",
        "La ligne ne peut pas être séparée en cellules.",
        "Put cells that hold the separator, a quote or a new line in double quotes, and double the quotes in them.",
    ),
    FaultText(
        "ROW_REPEATED",
        "The row says the same as another row of this file.",
        "La ligne dit la même chose qu'une autre ligne de ce fichier.",
        "Delete one of them.",
        _WARNING,
    ),
    FaultText(
        "ROW_CONFLICT",
        "Two rows of this file are about the same event and differ.",
        "Deux lignes de ce fichier portent sur le même événement et diffèrent.",
        "Keep the right one; or give each an id, or the later one a later updated_at.",
    ),
    FaultText(
        "CELL_ERROR",
        "The cell holds an error of the spreadsheet.",
        "La cellule contient une erreur du tableur.",
        "Correct the formula, or write the value.",
    ),
    FaultText(
        "CELL_NOT_COMPUTED",
        "The cell holds a formula whose result was not saved; the hub computes none.",
        "La cellule contient une formule dont le résultat n'a pas été enregistré ; le hub n'en calcule aucune.",
        "Open the workbook in Excel and save it, or paste the values.",
    ),
    FaultText(
        "CELL_MERGED",
        "The cell is merged with others.",
        "La cellule est fusionnée avec d'autres.",
        "Unmerge the cells and write the value into each row.",
    ),
    FaultText(
        "CELL_ROUNDED",
        "The spreadsheet took the code for a number and cut it to 15 digits; the rest is lost.",
        "Le tableur a pris le code pour un nombre et l'a réduit à 15 chiffres ; le reste est perdu.",
        "Format the column as text, and enter the code again from its origin.",
    ),
    FaultText(
        "CELL_MAYBE_ROUNDED",
        "The code ends in zeros after 15 digits, as one does that a spreadsheet has rounded.",
        "Le code se termine par des zéros après 15 chiffres, comme un nombre arrondi par un tableur.",
        "Compare it with the original.",
        _WARNING,
    ),
    FaultText(
        "CELL_ZEROS_LOST",
        "The code has lost its leading zeros: the spreadsheet took it for a number.",
        "Le code a perdu ses zéros initiaux : le tableur l'a pris pour un nombre.",
        "Format the column as text, and enter the code again.",
    ),
    FaultText(
        "CELL_ZEROS_RESTORED",
        "The code had lost its leading zeros; its check digit tells them, and they were put back.",
        "Le code avait perdu ses zéros initiaux ; sa clé de contrôle les confirme, et ils ont été rétablis.",
        "Format the column as text.",
        _WARNING,
    ),
    FaultText(
        "CELL_NOT_TEXT",
        "The spreadsheet has turned the code into a date, a time or a number.",
        "Le tableur a transformé le code en date, en heure ou en nombre.",
        "Format the column as text, and enter the code again.",
    ),
    FaultText(
        "NUMBER_AMBIGUOUS",
        "The comma or point may part thousands or decimals.",
        "La virgule ou le point peut séparer les milliers ou les décimales.",
        "Write the number without a separator of thousands.",
    ),
    FaultText(
        "DATE_AMBIGUOUS",
        "Day and month can be read in two ways.",
        "Le jour et le mois peuvent se lire de deux façons.",
        "Write the year first: 2026-11-22.",
    ),
    FaultText(
        "DATE_SERIAL",
        "The spreadsheet has turned the date into a number of days.",
        "Le tableur a transformé la date en un nombre de jours.",
        "Format the column as date and time, or as text, and write the date again.",
    ),
    FaultText(
        "OFFSET_MISSING",
        "The time has no offset from UTC, and no zone is agreed for it.",
        "L'heure n'a pas de décalage par rapport à l'UTC, et aucun fuseau n'est convenu.",
        "Fill the column utc_offset, such as +01:00, or write the offset after the time.",
    ),
    # EDIFACT: the envelope, its messages, and what a message must hold.
    FaultText(
        "UNSUPPORTED_MESSAGE",
        "The hub knows this message type, but takes no events from it.",
        "Le hub connaît ce type de message, mais n'en reçoit pas d'événements.",
        "Send one of the message types named.",
    ),
    FaultText(
        "SENDER_UNKNOWN",
        "The sender of the interchange is not one that you may send for.",
        "L'expéditeur de l'interchange ne fait pas partie de ceux pour lesquels vous pouvez envoyer.",
        "Check the sender in UNB, or have it added to your settings at the hub.",
    ),
    FaultText(
        "ENVELOPE_SEGMENT_MISSING",
        "The interchange has no header or no trailer; its messages were read as they are.",
        "L'interchange n'a pas d'en-tête ou pas de fin ; ses messages ont été lus tels quels.",
        "Send the whole interchange, from UNB to UNZ.",
        _WARNING,
    ),
    FaultText(
        "ENVELOPE_COUNT_WRONG",
        "The trailer counts other than what is in the interchange or group.",
        "Le segment de fin ne compte pas ce que contient l'interchange ou le groupe.",
        "Check that nothing was lost on the way.",
        _WARNING,
    ),
    FaultText(
        "ENVELOPE_REFERENCE_WRONG",
        "The trailer of the interchange or group has not the reference of its header.",
        "La référence du segment de fin de l'interchange ou du groupe n'est pas celle de son en-tête.",
        "Write the same reference in both.",
        _WARNING,
    ),
    FaultText(
        "SEGMENT_COUNT_WRONG",
        "The message does not have as many segments as its trailer says.",
        "Le message n'a pas autant de segments que l'indique son segment de fin.",
        "Check that nothing was lost on the way; count from UNH to UNT, both included.",
    ),
    FaultText(
        "TRAILER_REFERENCE_WRONG",
        "The trailer of the message has not the reference of its header.",
        "La référence du segment de fin du message n'est pas celle de son en-tête.",
        "Write the same reference in UNH and UNT.",
    ),
    FaultText(
        "MESSAGE_INCOMPLETE",
        "The message breaks off: it has no trailer.",
        "Le message est interrompu : il n'a pas de segment de fin.",
        "Send the whole message, from UNH to UNT.",
    ),
    FaultText(
        "SEGMENT_STRAY",
        "The segment stands in no message.",
        "Le segment ne se trouve dans aucun message.",
        "Check the separators: those in use are named by UNA, or else are : + . ? and '.",
    ),
    FaultText(
        "SEGMENT_MISSING",
        "A segment that the message must have is missing.",
        "Un segment obligatoire du message est absent.",
        "Add the segment named.",
    ),
    FaultText(
        "ELEMENT_MISSING",
        "An element that the segment must have is missing.",
        "Un élément obligatoire du segment est absent.",
        "Add the element named.",
    ),
    FaultText(
        "CHARACTER_SET_LEFT",
        "The message has characters that are not of the character set that its interchange names.",
        "Le message contient des caractères étrangers au jeu de caractères qu'annonce son interchange.",
        "Name the character set in use in UNB, such as UNOC for ISO 8859-1 or UNOY for UTF-8.",
        _WARNING,
    ),
    FaultText(
        "CODE_UNMAPPED",
        "What this code means to customs is not known.",
        "La signification douanière de ce code n'est pas connue.",
        "Use a code of the guide, or say in your mapping profile what yours means.",
        _WARNING,
    ),
    FaultText(
        "CANCELLED_NOT_NAMED",
        "The message takes back an earlier one, but nothing says which events that were.",
        "Le message annule un message antérieur, mais rien n'indique de quels événements il s'agit.",
        "Take the events back by their ids, or agree on a mapping profile in which document numbers name them.",
    ),
    FaultText(
        "REPLACED_NOT_NAMED",
        "The message replaces an earlier one, but nothing says which events that were: they stay beside the new ones.",
        "Le message en remplace un antérieur, mais rien n'indique de quels événements il s'agit : ils subsistent.",
        "Take the old events back by their ids, or agree on a mapping profile in which document numbers name them.",
        _WARNING,
    ),
    FaultText(
        "TEST_INTERCHANGE",
        "The interchange says that it is a test.",
        "L'interchange indique qu'il s'agit d'un test.",
        "Leave the test indicator of UNB empty in what is to count.",
    ),
    FaultText(
        "REFERENCE_REPEATED",
        "Two messages of this file have the same references and differ.",
        "Deux messages de ce fichier ont les mêmes références et diffèrent.",
        "Give each message a reference of its own.",
    ),
    FaultText(
        "TIME_OF_DAY_MISSING",
        "Only the day is told; midnight, when it begins, was taken.",
        "Seul le jour est indiqué ; minuit, à son début, a été retenu.",
        "Send the time of day as well, in format 203.",
        _WARNING,
    ),
    FaultText(
        "TIME_TWICE",
        "The clocks go back and this hour is there twice; the first was taken.",
        "L'heure recule et cette heure existe deux fois ; la première a été retenue.",
        "Send the time with its zone, in format 303 or 205.",
        _WARNING,
    ),
    FaultText(
        "TOO_MANY_FAULTS",
        "There are more faults than are listed.",
        "Il y a plus d'anomalies que celles qui sont listées.",
        "Correct those listed and send the event again.",
        _WARNING,
    ),
)

FAULTS = {text.code: text for text in (*_TEXTS, *(FaultText(*row) for row in ROWS))}
