"""EDIFACT: the envelope, its messages, and what a message must hold."""

from __future__ import annotations

ROWS: tuple[tuple[str, ...], ...] = (
    (
        "UNSUPPORTED_MESSAGE",
        "The hub knows this message type, but takes no events from it.",
        "Le hub connaît ce type de message, mais n'en reçoit pas d'événements.",
        "Send one of the message types named.",
    ),
    (
        "SENDER_UNKNOWN",
        "The sender of the interchange is not one that you may send for.",
        "L'expéditeur de l'interchange ne fait pas partie de ceux pour lesquels vous pouvez envoyer.",
        "Check the sender in UNB, or have it added to your settings at the hub.",
    ),
    (
        "ENVELOPE_SEGMENT_MISSING",
        "The interchange has no header or no trailer; its messages were read as they are.",
        "L'interchange n'a pas d'en-tête ou pas de fin ; ses messages ont été lus tels quels.",
        "Send the whole interchange, from UNB to UNZ.",
        "WARNING",
    ),
    (
        "ENVELOPE_COUNT_WRONG",
        "The trailer counts other than what is in the interchange or group.",
        "Le segment de fin ne compte pas ce que contient l'interchange ou le groupe.",
        "Check that nothing was lost on the way.",
        "WARNING",
    ),
    (
        "ENVELOPE_REFERENCE_WRONG",
        "The trailer of the interchange or group has not the reference of its header.",
        "La référence du segment de fin de l'interchange ou du groupe n'est pas celle de son en-tête.",
        "Write the same reference in both.",
        "WARNING",
    ),
    (
        "SEGMENT_COUNT_WRONG",
        "The message does not have as many segments as its trailer says.",
        "Le message n'a pas autant de segments que l'indique son segment de fin.",
        "Check that nothing was lost on the way; count from UNH to UNT, both included.",
    ),
    (
        "TRAILER_REFERENCE_WRONG",
        "The trailer of the message has not the reference of its header.",
        "La référence du segment de fin du message n'est pas celle de son en-tête.",
        "Write the same reference in UNH and UNT.",
    ),
    (
        "MESSAGE_INCOMPLETE",
        "The message breaks off: it has no trailer.",
        "Le message est interrompu : il n'a pas de segment de fin.",
        "Send the whole message, from UNH to UNT.",
    ),
    (
        "SEGMENT_STRAY",
        "The segment stands in no message.",
        "Le segment ne se trouve dans aucun message.",
        "Check the separators: those in use are named by UNA, or else are : + . ? and '.",
    ),
    (
        "SEGMENT_MISSING",
        "A segment that the message must have is missing.",
        "Un segment obligatoire du message est absent.",
        "Add the segment named.",
    ),
    (
        "ELEMENT_MISSING",
        "An element that the segment must have is missing.",
        "Un élément obligatoire du segment est absent.",
        "Add the element named.",
    ),
    (
        "CHARACTER_SET_LEFT",
        "The message has characters that are not of the character set that its interchange names.",
        "Le message contient des caractères étrangers au jeu de caractères qu'annonce son interchange.",
        "Name the character set in use in UNB, such as UNOC for ISO 8859-1 or UNOY for UTF-8.",
        "WARNING",
    ),
    (
        "CODE_UNMAPPED",
        "What this code means to customs is not known.",
        "La signification douanière de ce code n'est pas connue.",
        "Use a code of the guide, or say in your mapping profile what yours means.",
        "WARNING",
    ),
    (
        "CANCELLED_NOT_NAMED",
        "The message takes back an earlier one, but nothing says which events that were.",
        "Le message annule un message antérieur, mais rien n'indique de quels événements il s'agit.",
        "Take the events back by their ids, or agree on a mapping profile in which document numbers name them.",
    ),
    (
        "REPLACED_NOT_NAMED",
        "The message replaces an earlier one, but nothing says which events that were: they stay beside the new ones.",
        "Le message en remplace un antérieur, mais rien n'indique de quels événements il s'agit : ils subsistent.",
        "Take the old events back by their ids, or agree on a mapping profile in which document numbers name them.",
        "WARNING",
    ),
    (
        "TEST_INTERCHANGE",
        "The interchange says that it is a test.",
        "L'interchange indique qu'il s'agit d'un test.",
        "Leave the test indicator of UNB empty in what is to count.",
    ),
    (
        "REFERENCE_REPEATED",
        "Two messages of this file have the same references and differ.",
        "Deux messages de ce fichier ont les mêmes références et diffèrent.",
        "Give each message a reference of its own.",
    ),
    (
        "TIME_OF_DAY_MISSING",
        "Only the day is told; midnight, when it begins, was taken.",
        "Seul le jour est indiqué ; minuit, à son début, a été retenu.",
        "Send the time of day as well, in format 203.",
        "WARNING",
    ),
    (
        "TIME_TWICE",
        "The clocks go back and this hour is there twice; the first was taken.",
        "L'heure recule et cette heure existe deux fois ; la première a été retenue.",
        "Send the time with its zone, in format 303 or 205.",
        "WARNING",
    ),
)
