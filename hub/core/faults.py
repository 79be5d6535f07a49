"""What can be wrong with an operator's request: the fault codes of `ACT_REFUSED`, with their texts.

What partners send has its own table in `schemas/faults.py`; the codes of the two tables never meet.
"""

from __future__ import annotations

from schemas.faults import FaultText

_TEXTS = (
    FaultText(
        "ACT_VALUE_INVALID",
        "The value is not one that can stand here.",
        "La valeur ne peut pas figurer ici.",
        "",
    ),
    FaultText(
        "ACT_NAME_TAKEN",
        "This name is in use, or was; names are never used again.",
        "Ce nom est ou a été utilisé ; un nom n'est jamais réutilisé.",
        "Choose another name.",
    ),
    FaultText(
        "ACT_NOT_REGISTERED",
        "Nothing is registered under this name.",
        "Rien n'est enregistré sous ce nom.",
        "Check the name with `list` or `show`, or add the object first.",
    ),
    FaultText(
        "ACT_KEY_REFUSED",
        "The key is not one that the hub takes.",
        "La clé n'est pas de celles que le hub accepte.",
        "Give the public half of an EC P-256, Ed25519 or RSA (2048 to 4096 bits) key, as PEM or JWK.",
    ),
    FaultText(
        "ACT_PROOF_REFUSED",
        "The proof does not show that its sender holds the new key.",
        "La preuve ne montre pas que son expéditeur détient la nouvelle clé.",
        "Sign `{hub, system, time}` under the new key, with its public half in the header `jwk`; look at your clock.",
    ),
    FaultText(
        "ACT_KEY_KNOWN",
        "This key was registered before; a key belongs to one system and never comes back.",
        "Cette clé a déjà été enregistrée ; une clé appartient à un seul système et ne revient jamais.",
        "Make a new key pair and register its public half.",
    ),
    FaultText(
        "ACT_KEYS_TOO_MANY",
        "The system would have more live keys than one system may have.",
        "Le système aurait plus de clés actives qu'un système ne peut en avoir.",
        "Revoke a key that is no longer used, or wait until the rotated one has run out.",
    ),
    FaultText(
        "ACT_KEY_ID_TAKEN",
        "The book holds another key of this issuer under the same id.",
        "Le registre contient une autre clé de cet émetteur sous le même identifiant.",
        "Ask the issuer which of the two is right; remove the other one first (`customs-hub issuer-key remove`).",
    ),
    FaultText(
        "ACT_OPERATORS_EXIST",
        "There are operators already: they add the next one.",
        "Il y a déjà des opérateurs : ce sont eux qui ajoutent le suivant.",
        "Ask a security officer for `customs-hub operator add`.",
    ),
    FaultText(
        "ACT_OPERATOR_FIRST",
        "A hub without operators gets its first administrator first.",
        "Un hub sans opérateur reçoit d'abord son premier administrateur.",
        "Use `customs-hub operator first` on the hub's machine.",
    ),
    FaultText(
        "ACT_LAST_SECURITY_OFFICER",
        "With fewer than two security officers nothing could ever be started again.",
        "Avec moins de deux responsables de la sécurité, plus rien ne pourrait jamais être engagé.",
        "Add another security officer first.",
    ),
    FaultText(
        "ACT_ROLE_MISSING",
        "Only an authority can receive events.",
        "Seule une autorité peut recevoir des événements.",
        "Name a recipient that has the role `authority`.",
    ),
    FaultText(
        "ACT_AGREEMENT_MISSING",
        "No agreement stands behind this feed: nothing could ever be delivered.",
        "Aucun accord ne fonde ce flux : rien ne pourrait jamais être remis.",
        "Add the agreement first (`customs-hub agreement add`), for this recipient, purpose and these event types.",
    ),
    FaultText(
        "ACT_NOT_DIRECT",
        "This feed cannot be read from Kafka itself: brokers show its streams as a whole.",
        "Ce flux ne peut pas être lu directement sur Kafka : les serveurs en montrent les données en entier.",
        "Open a feed that is read from Kafka, and see that every agreement behind it allows direct reading.",
    ),
    FaultText(
        "ACT_IDENTIFIER_TAKEN",
        "Another partner has this identifier.",
        "Un autre partenaire porte cet identifiant.",
        "Look at that partner; one of the two is wrong, or they are the same organisation.",
    ),
    FaultText(
        "STATUS_MALFORMED",
        "The line is not a message of a status feed.",
        "La ligne n'est pas un message d'un flux de statuts.",
        "Send one compact JWS a line, as schemas/formats/status-feed.md says.",
    ),
    FaultText(
        "STATUS_FOREIGN",
        "The message was not signed by the administration that it names, or that one has no status feed here.",
        "Le message n'a pas été signé par l'administration qu'il nomme, ou celle-ci n'a pas de flux de statuts ici.",
        "Ask that administration; register its keys with `customs-hub aeo feed add` if they are really its own.",
    ),
    FaultText(
        "STATUS_GAP",
        "Messages before this one are missing.",
        "Il manque des messages avant celui-ci.",
        "Ask the administration for the missing ones; nothing is taken in before they came.",
    ),
    FaultText(
        "STATUS_INVALID",
        "What the message says cannot be so.",
        "Ce que dit le message ne peut pas être vrai.",
        "Ask the administration to tell it again, rightly, under the same number.",
    ),
    FaultText(
        "ACT_MANDATE_MALFORMED",
        "This is not a mandate, or not a withdrawal.",
        "Ce n'est pas un mandat, ni un retrait.",
        "Make it with `customs-connect mandate draft`.",
    ),
    FaultText(
        "ACT_MANDATES_TOO_MANY",
        "The principal would have more mandates than one may have.",
        "Le mandant aurait plus de mandats qu'un mandant ne peut en avoir.",
        "Withdraw what is no longer needed, or let an officer decide of what waits.",
    ),
    FaultText(
        "ACT_MANDATE_TOO_WIDE",
        "The mandate allows more than the one that it rests on, or must not rest on it.",
        "Le mandat permet plus que celui sur lequel il repose, ou ne peut pas reposer sur lui.",
        "Look at that mandate with `customs-connect mandate list`, and grant no more than it allows.",
    ),
    FaultText(
        "ACT_SIGNATURE_REFUSED",
        "A signature does not count.",
        "Une signature ne compte pas.",
        "Sign it as it is, with `customs-connect`, under a live key with the scope named.",
    ),
    FaultText(
        "ACT_SIGNATURES_FEW",
        "Too few systems have signed.",
        "Trop peu de systèmes ont signé.",
        "Let a second person sign under a key of another system; one is enough only where there is but one for it.",
    ),
    FaultText(
        "ACT_AGREEMENT_CLOSED",
        "The agreement is not in a state in which this can be done.",
        "L'accord n'est pas dans un état où cela puisse être fait.",
        "Look at it with `customs-hub agreement show`; what has ended, or is stale, is agreed anew under another name.",
    ),
    FaultText(
        "ACT_FILTER_MALFORMED",
        "The text is no filter.",
        "Le texte n'est pas un filtre.",
        "Write it as `schemas/formats/feed.md` says, such as: place = NLRTM or not hs starts 93.",
    ),
    FaultText(
        "ACT_FILTER_FIELD_UNKNOWN",
        "No type that the feed asks for has this field.",
        "Aucun des types que le flux demande ne possède ce champ.",
        "Look at the members of the types with `customs-hub schema show`.",
    ),
    FaultText(
        "ACT_FILTER_FIELD_WITHHELD",
        "No agreement lets the recipient see this field as the filter asks for it.",
        "Aucun accord ne laisse le destinataire voir ce champ tel que le filtre le demande.",
        "Filter by what the agreements allow, or agree on the field first.",
    ),
    FaultText(
        "ACT_FILTER_VALUE_IMPOSSIBLE",
        "The field never has this value.",
        "Le champ n'a jamais cette valeur.",
        "Take a value of the field's vocabulary or form, in upper and lower case as it is there.",
    ),
    FaultText(
        "ACT_FILTER_EMPTY",
        "The conditions contradict each other: no event can ever pass the filter.",
        "Les conditions se contredisent : aucun événement ne peut franchir le filtre.",
        "Compare them with the schemas of the types that the feed asks for; alternatives are joined by `or`.",
    ),
)

ACT_FAULTS = {text.code: text for text in _TEXTS}
