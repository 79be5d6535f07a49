"""What is wrong with an event, by its schema or by the rules of the trade."""

from __future__ import annotations

ROWS: tuple[tuple[str, ...], ...] = (
    # The event against its schema.
    (
        "MEMBER_MISSING",
        "A member that must be there is missing.",
        "Un membre obligatoire est absent.",
        "Add the member named.",
    ),
    (
        "FACT_NOT_CARRIED",
        "The document does not carry a fact that belongs to this type of event.",
        "Le document ne porte pas un fait qui appartient à ce type d'événement.",
        "Add it if the format has a place for it; if not, there is nothing to do.",
        "WARNING",
    ),
    (
        "MEMBER_UNKNOWN",
        "The schema does not know this member; it is kept and not checked.",
        "Le schéma ne connaît pas ce membre ; il est conservé sans être contrôlé.",
        "Check the spelling, or put it under data/extensions.",
        "WARNING",
    ),
    (
        "NAMESPACE_MISSING",
        "A member beyond the standard has no namespace.",
        "Un membre hors de la norme n'a pas d'espace de noms.",
        "Declare a prefix in @context and write prefix:name; or check the spelling.",
    ),
    (
        "CONTEXT_NOT_FETCHED",
        "The hub fetches no context: what this one declares is not known.",
        "Le hub ne va chercher aucun contexte : ce que celui-ci déclare n'est pas connu.",
        "Declare prefixes in the document's own @context.",
        "WARNING",
    ),
    (
        "ENTRIES_LEFT_OUT",
        "There are more entries than the hub's own event has room for; all are kept in the original.",
        "Il y a plus d'éléments que l'événement du hub ne peut en contenir ; tous restent dans l'original.",
        "Send several events where every entry matters.",
        "WARNING",
    ),
    (
        "TYPE_WRONG",
        "The value is of the wrong JSON type.",
        "La valeur n'est pas du bon type JSON.",
        "Send the type named.",
    ),
    (
        "VALUE_NOT_ALLOWED",
        "The value is not one of those allowed.",
        "La valeur ne fait pas partie de celles qui sont admises.",
        "Use one of the values named.",
    ),
    (
        "VALUE_MALFORMED",
        "The value does not have the form that it must have.",
        "La valeur n'a pas la forme requise.",
        "Write it in the form named.",
    ),
    (
        "VALUE_LENGTH",
        "The text is too short or too long.",
        "Le texte est trop court ou trop long.",
        "Keep to the length named.",
    ),
    (
        "VALUE_RANGE",
        "The number is too small or too large.",
        "Le nombre est trop petit ou trop grand.",
        "Keep to the range named.",
    ),
    (
        "COUNT_RANGE",
        "There are too few or too many entries.",
        "Il y a trop ou trop peu d'éléments.",
        "Keep to the count named.",
    ),
    (
        "VALUE_INVALID",
        "The value breaks a rule of the schema.",
        "La valeur enfreint une règle du schéma.",
        "Compare it with the schema's description and example.",
    ),
    (
        "IDENTITY_TOO_LONG",
        "Source and id together are too long to be stated in a receipt.",
        "La source et l'identifiant sont trop longs ensemble pour figurer dans un reçu.",
        "Use shorter ones, or ones with fewer quotes and backslashes.",
    ),
    (
        "TOO_MANY_SOURCES",
        "This publisher has opened as many sources as it may.",
        "Cet émetteur a ouvert autant de sources qu'il le peut.",
        "Use one of your sources; a source is a series of ids, not a message or a day.",
    ),
    (
        "TYPE_UNKNOWN",
        "There is no event type of this name.",
        "Il n'existe pas de type d'événement de ce nom.",
        "Use a type of the naming table.",
    ),
    (
        "TYPE_PLANNED",
        "The name of this event type is settled, but the hub does not take it yet.",
        "Le nom de ce type est fixé, mais le hub ne l'accepte pas encore.",
        "Keep the events; send them when the type is active.",
    ),
    (
        "DATASCHEMA_UNKNOWN",
        "There is no such version of this event type's schema.",
        "Cette version du schéma du type d'événement n'existe pas.",
        "Leave dataschema out to use the newest version, or name one that exists.",
    ),
    # The event against the rules of the trade.
    (
        "TIME_INVALID",
        "This is not a date and time with offset that exists.",
        "Ce n'est pas une date et heure existante avec décalage.",
        "Write RFC 3339 with Z or an offset, such as 2026-11-22T10:00:00+01:00; no leap second.",
    ),
    (
        "TIME_IN_FUTURE",
        "It says that something has happened that lies in the future.",
        "Un fait annoncé comme accompli se situe dans le futur.",
        "Set the clock, check the offset, or say ESTIMATED or PLANNED in time_kind.",
    ),
    (
        "TIME_IMPLAUSIBLE",
        "The time is more than two years away.",
        "L'heure est éloignée de plus de deux ans.",
        "Check the year.",
        "WARNING",
    ),
    (
        "TIME_BEFORE_FACT",
        "The event was made before it happened.",
        "L'événement a été créé avant les faits.",
        "Check clocks and offsets: time should not be earlier than occurred_at.",
        "WARNING",
    ),
    (
        "SUBJECT_MISSING",
        "No subject is of a scheme that this event type is about.",
        "Aucun sujet n'est d'un schéma propre à ce type d'événement.",
        "Add a subject of one of the schemes named.",
    ),
    (
        "SCHEME_UNKNOWN",
        "The naming table has no such identifier scheme; the value is kept and not checked.",
        "La table de noms ne connaît pas ce schéma d'identifiant ; la valeur est conservée sans contrôle.",
        "Check the spelling of the scheme.",
        "WARNING",
    ),
    (
        "IDENTIFIER_MALFORMED",
        "The identifier does not have the form of its scheme.",
        "L'identifiant n'a pas la forme de son schéma.",
        "Write it as in the example named.",
    ),
    (
        "CHECK_DIGIT_WRONG",
        "The identifier's check digit does not fit the rest of it.",
        "Le chiffre de contrôle de l'identifiant ne correspond pas au reste.",
        "Compare every character with the original: one is probably mistyped.",
        "WARNING",
    ),
    (
        "CODE_UNASSIGNED",
        "The code is well formed, but not one that its list has given out.",
        "Le code est bien formé, mais sa liste ne l'attribue pas.",
        "Check it against the list named; where the list is newer than the hub, leave it as it is.",
        "WARNING",
    ),
    (
        "COUNTRY_UNKNOWN",
        "The country code is not in ISO 3166-1.",
        "Le code de pays ne figure pas dans l'ISO 3166-1.",
        "Use the alpha-2 code.",
        "WARNING",
    ),
    # Of any of them.
    (
        "TOO_MANY_FAULTS",
        "There are more faults than are listed.",
        "Il y a plus d'anomalies que celles qui sont listées.",
        "Correct those listed and send the event again.",
        "WARNING",
    ),
)
