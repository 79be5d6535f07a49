"""One table of everything the hub answers: code, HTTP status, whether to try again, metric label, and words that help.

A code never changes its meaning. What a partner sent wrong is a value (`Refusal`, with every fault and its place); what
the hub could not keep is an exception (`HubError`); what the hub cannot tell is `Unknown`.
Status codes: RFC 9110; the document they are rendered as: RFC 9457.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from msgspec import Struct

from schemas.faults import Fault


class ErrorRow(Struct, frozen=True):
    """What one code means, in both languages, and what its reader should do."""

    code: str
    status: int
    retryable: bool
    label: str
    """The metric label: from a closed set, shared by codes that an operator counts together."""
    en: str
    fr: str
    fix: str
    explain: str


def _row(
    code: str, status: int, label: str, en: str, fr: str, fix: str, explain: str, *, retry: bool = False
) -> ErrorRow:
    return ErrorRow(code, status, retry, label, en, fr, fix, explain)


_ROWS = (
    # The bearer of the request.
    _row(
        "UNAUTHENTICATED", 401, "unauthenticated",
        "The access token is missing, unknown, expired or not accepted.",
        "Le jeton d'accès est absent, inconnu, expiré ou refusé.",
        "Ask the token endpoint for a new access token and send it as `Authorization: DPoP …` with a new proof.",
        "Every refused token gets this one answer, whatever was wrong with it, so that a forger learns nothing. "
        "If a fresh token is refused too, the key may be revoked: ask the administration's operator.",
    ),
    _row(
        "PARTNER_SUSPENDED", 403, "suspended",
        "The partner is suspended; nothing is accepted from it or delivered to it.",
        "Le partenaire est suspendu ; rien n'est accepté de lui ni remis à lui.",
        "Contact the administration. Keep your events: they can be sent with the same ids when the suspension ends.",
        "An operator used the full stop (`customs-hub partner suspend`). Live tokens are refused, streams end.",
    ),
    _row(
        "SCOPE_MISSING", 403, "forbidden",
        "The access token does not carry the scope that this route asks for.",
        "Le jeton d'accès ne porte pas la portée exigée par cette route.",
        "Ask for a token with the scope named in `detail`; the operator grants scopes per system.",
        "Scopes are events:write, feeds:read, receipts:read, aeo:write, mandates:sign, agreements:sign and "
        "notices:write. A system gets those that its operator granted.",
    ),
    _row(
        "NOT_PERMITTED", 403, "forbidden",
        "No agreement in force lets this partner send this type of event.",
        "Aucun accord en vigueur ne permet à ce partenaire d'envoyer ce type d'événement.",
        "Ask the administration for an agreement that covers the event type named in the item.",
        "The hub takes only what an agreement with a purpose asks for. `customs-hub agreement list` shows the operator "
        "which agreements are in force; dates, partner class and event type must all match.",
    ),
    _row(
        "ROLE_NOT_PERMITTED", 403, "forbidden",
        "This type of event is not taken from partners with your roles.",
        "Ce type d'événement n'est pas accepté de partenaires ayant vos rôles.",
        "Leave it to a partner with a role named in `detail`, or ask the administration to register that role for you.",
        "Each type says which trades report it; the operator registers the roles of a partner. No agreement changes "
        "that.",
    ),
    _row(
        "SUBJECT_NOT_PERMITTED", 403, "forbidden",
        "Partners with your roles do not report this type of event about such an object.",
        "Les partenaires ayant vos rôles ne déclarent pas ce type d'événement pour un tel objet.",
        "Report it about an object named in `detail`, or leave it to the partner who handles this one.",
        "The naming table says, role by role, what an event may be about: each trade speaks of what it handles itself. "
        "`customs-hub why PARTNER TYPE` shows the rule.",
    ),
    _row(
        "AEO_REQUIRED", 403, "forbidden",
        "This type of event is taken only from a partner whose AEO status is valid.",
        "Ce type d'événement n'est accepté que d'un partenaire dont le statut d'OEA est valide.",
        "Renew or restore the AEO authorisation named in `detail`; other types are not affected.",
        "The rule of an event type may ask for AEO status; it is checked at each event against the authorisation's "
        "status and dates. The rest of the partner's traffic goes on.",
    ),
    _row(
        "MANDATE_MISSING", 403, "forbidden",
        "No mandate in force lets you report this for that partner.",
        "Aucun mandat en vigueur ne vous permet de déclarer cela pour ce partenaire.",
        "Ask the partner named in `Hub-On-Behalf-Of` for a mandate that covers what `detail` names; `GET /v1/mandates` "
        "lists those that you have.",
        "A principal grants a mandate under two signatures: agent, event types, sources, subjects, dates. It is looked "
        "at for each event. `customs-hub why PARTNER TYPE --agent AGENT` shows the decision.",
    ),
    _row(
        "ENROLMENT_REFUSED", 403, "forbidden",
        "The enrolment code is unknown, used or expired, or the proof over it is not accepted.",
        "Le code d'enrôlement est inconnu, utilisé ou expiré, ou la preuve qui l'accompagne n'est pas acceptée.",
        "Compare the code with what the administration gave you, and your clock with the time; ask for another code.",
        "A code is good once, for 72 hours. Whatever is wrong gets this one answer, so that nobody learns which codes "
        "there are; the reason is counted. The same key may ask again with the same code while it waits for approval.",
    ),
    _row(
        "ENROLMENT_KEY_KNOWN", 409, "conflict",
        "The code is good, and this key was registered before.",
        "Le code est valable, mais cette clé a déjà été enregistrée.",
        "Make a new key and enrol with that; the code is not used up.",
        "A key belongs to one system and never comes back.",
    ),
    _row(
        "RECEIPT_NOT_OURS", 422, "invalid",
        "This is no receipt of this hub for an event of yours.",
        "Ce n'est pas un accusé de réception de ce hub pour un de vos événements.",
        "Send the receipt in the form *alone*, as it was answered, or as `GET /v1/receipts` gives it.",
        "The statement must stand under a seal that a key of this hub has signed, and name you as its publisher.",
    ),
    # What was asked for.
    _row(
        "NOT_FOUND", 404, "not_found",
        "There is nothing here for you under this name.",
        "Il n'y a rien ici pour vous sous ce nom.",
        "Check the path and every name in it; `GET /v1/openapi.json` lists what can be asked.",
        "What belongs to another organisation is answered as if it did not exist.",
    ),
    _row(
        "METHOD_NOT_ALLOWED", 405, "bad_request",
        "This route does not take this method.",
        "Cette route n'accepte pas cette méthode.",
        "Use a method named in the `Allow` header.",
        "The route exists, with other methods.",
    ),
    _row(
        "BAD_REQUEST", 400, "bad_request",
        "The request cannot be read as HTTP, or one of its headers or parameters is wrong.",
        "La requête n'est pas lisible en HTTP, ou un en-tête ou un paramètre est erroné.",
        "Correct what `detail` names.",
        "The request never reached a stage that looks at events; nothing was stored.",
    ),
    _row(
        "REQUEST_SIGNATURE_INVALID", 400, "bad_request",
        "The request is signed, and its signature does not hold.",
        "La requête est signée et sa signature n'est pas valable.",
        "Sign @method, @target-uri and content-digest with a key of this client that is in force, or leave the "
        "signature out.",
        "HTTP Message Signatures (RFC 9421) are optional; one that is sent is kept with the events as the sender's own "
        "proof, and so has to hold. Nothing was stored.",
    ),
    _row(
        "CURSOR_INVALID", 400, "bad_request",
        "The cursor was not made by this hub for this feed and reader.",
        "Le curseur n'a pas été émis par ce hub pour ce flux et ce lecteur.",
        "Leave the cursor out to start at your last acknowledged place, or use one that this feed gave you.",
        "Cursors are sealed: they cannot be edited, moved to another feed or used by another organisation.",
    ),
    _row(
        "ACK_SIGNATURE_INVALID", 400, "bad_request",
        "The acknowledgement is signed, and its signature does not hold.",
        "L'accusé de traitement est signé et sa signature n'est pas valable.",
        "Sign the text of schemas/formats/ack.md with a key of this client that is in force, or leave time and "
        "signature out.",
        "A signed acknowledgement is evidence for the publisher: it has to be by the system that sends it, over just "
        "what it acknowledges, made now. Nothing was acknowledged.",
    ),
    _row(
        "CURSOR_EXPIRED", 410, "gone",
        "The cursor has expired; a fresh one is in `cursor`.",
        "Le curseur a expiré ; un nouveau est donné dans `cursor`.",
        "Go on with the cursor in this answer: it starts at the earliest record kept and remembers what you have seen.",
        "Cursors live as long as the feed keeps records. The fresh one keeps your mark, so nothing is shown twice.",
    ),
    _row(
        "FEED_GONE", 410, "gone",
        "This feed has ended.",
        "Ce flux a pris fin.",
        "Ask the administration which feed replaces it.",
        "The feed, or the last agreement behind it, was ended by an operator.",
    ),
    # The body.
    _row(
        "BODY_TOO_LARGE", 413, "too_large",
        "The body, the batch or one event in it is larger than the hub takes.",
        "Le corps, le lot ou un de ses événements dépasse la taille admise.",
        "Send smaller batches; the limits are in `detail`.",
        "Sizes are checked before the body is read. Nothing was stored.",
    ),
    _row(
        "BODY_TOO_SLOW", 408, "too_slow",
        "The body did not arrive in time.",
        "Le corps n'est pas arrivé à temps.",
        "Send it again with the same ids; send smaller batches on a slow line.",
        "A body has a deadline so that slow senders cannot hold places. Nothing was stored.",
        retry=True,
    ),
    _row(
        "MEDIA_TYPE_UNSUPPORTED", 415, "bad_request",
        "The hub does not take this media type or content encoding here.",
        "Le hub n'accepte pas ce type de média ou cet encodage ici.",
        "Use one of the media types in `detail`, without Content-Encoding.",
        "Bodies are never decompressed: a small body must not become a large one.",
    ),
    _row(
        "BODY_MALFORMED", 400, "malformed",
        "The body cannot be parsed.",
        "Le corps ne peut pas être analysé.",
        "Correct the place that the fault names and send it again.",
        "Parsing is strict: UTF-8 without a byte-order mark, no duplicate member names, depth at most 64, integers "
        "within 2^53, no NaN or Infinity.",
    ),
    _row(
        "DOCUMENT_NOT_TAKEN", 422, "invalid",
        "The hub does not take this kind of document.",
        "Le hub n'accepte pas ce genre de document.",
        "Send what the fault names instead.",
        "The first bytes and members of a document tell what it is; the faults say what was recognised, and what the "
        "hub takes. Nothing was stored.",
    ),
    _row(
        "DIGEST_DIFFERS", 400, "malformed",
        "The body is not what its digest says.",
        "Le corps ne correspond pas à son empreinte.",
        "Send it again; `detail` says what came.",
        "Content-Digest and Repr-Digest (RFC 9530) are compared with what was received. Nothing was stored.",
    ),
    _row(
        "DOCUMENT_REFUSED", 422, "invalid",
        "The document holds something that the hub does not take.",
        "Le document contient quelque chose que le hub n'accepte pas.",
        "Save it anew as a plain PDF, JPEG, PNG, XML or JSON file, without what the faults name.",
        "Every document is examined before it is kept; the policy says what is refused and what is set apart.",
    ),
    _row(
        "DOCUMENT_WITHDRAWN", 410, "gone",
        "The document was withdrawn by its publisher.",
        "Le document a été retiré par son éditeur.",
        "Ask for the state of the document; a later version counts again.",
        "A withdrawn document is kept with its receipts, and handed to nobody.",
    ),
    _row(
        "DOCUMENT_QUARANTINED", 409, "conflict",
        "The document is set apart: nobody is given it until an officer has decided.",
        "Le document est mis à part : nul ne le reçoit avant la décision d'un agent.",
        "Send a plain version of it, or ask the administration.",
        "The examination found something that the policy neither takes nor refuses; the publisher sees what.",
    ),
    _row(
        "COPY_REFUSED", 410, "gone",
        "Customs looked at the copy and refused it.",
        "La douane a examiné la copie et l'a refusée.",
        "Its publisher sees why: a plain version that replaces it is examined anew.",
        "The examination set the copy apart, and an officer refused it. Its event and receipt stay; its bytes are "
        "handed to nobody, and go with their age. The same bytes again get the same receipt, and no new event.",
    ),
    _row(
        "EVENT_INVALID", 422, "invalid",
        "The event breaks its schema or a rule of the trade.",
        "L'événement enfreint son schéma ou une règle du métier.",
        "Correct every fault listed and send the event again under the same id.",
        "All faults are listed at once, each with a JSON Pointer into what was sent. Nothing of it is kept.",
    ),
    _row(
        "CONFLICT", 409, "conflict",
        "Another event is already known under this identity.",
        "Un autre événement est déjà connu sous cette identité.",
        "Give a new event a new id; give a correction a later `data.updated_at`.",
        "Identity is (publisher, source, id, updated_at). The same identity with other content is refused.",
    ),
    _row(
        "BATCH_REFUSED", 422, "invalid",
        "The batch was to be taken whole, and at least one of its items was refused.",
        "Le lot devait être pris en entier, et au moins un de ses éléments a été refusé.",
        "Correct the refused items and send the whole batch again, or send it without `Hub-Batch: atomic`.",
        "With `Hub-Batch: atomic` nothing is stored unless every item is valid and permitted.",
    ),
    _row(
        "NOT_FINISHED", 409, "conflict",
        "The document is still being judged.",
        "Le document est encore en cours d'examen.",
        "Ask again when its `state` is `done`.",
        "What is asked for is made of all results of a document, and there are more to come.",
        retry=True,
    ),
    _row(
        "NOT_ACCEPTABLE", 406, "bad_request",
        "The hub cannot answer in the version or form that was asked for.",
        "Le hub ne peut répondre dans la version ou la forme demandée.",
        "Ask for what `detail` names.",
        "The EPCIS interface speaks EPCIS 2.0 and CBV 2.0 in JSON, and gives identifiers as they were sent.",
    ),
    _row(
        "NOT_OFFERED", 501, "bad_request",
        "The hub does not offer this part of the interface.",
        "Le hub n'offre pas cette partie de l'interface.",
        "Use what `detail` names.",
        "Of the EPCIS 2.0 REST interface the hub offers capture and one's own events; recipients read feeds.",
    ),
    # What customs tells of events and credentials by itself (`GET /v1/notices`).
    _row(
        "TRUST_WITHDRAWN", 409, "notice",
        "Events or notices that you received may be forged: the credential that they came under leaked.",
        "Des événements ou avis reçus pourraient être forgés : l'identifiant qui les couvrait a fuité.",
        "Rest no decision on what the notice names until it is confirmed or retracted.",
        "An operator reported a key or certificate as leaked since a moment (`customs-hub key leaked`). It was revoked "
        "with everything that was had by it; each recipient is told which of its events came under it from "
        "then on, and each company which notices.",
    ),
    _row(
        "TRUST_CONFIRMED", 409, "notice",
        "The events named were not their publisher's, or nobody can say that they were.",
        "Les événements nommés n'émanaient pas de leur éditeur, ou personne ne peut l'affirmer.",
        "Take back what you decided on them. Their publisher sends what is true under its new key.",
        "The inquiry into a leaked credential ended (`customs-hub key settle --confirm`). The records stay in the log: "
        "they prove what the hub took, not who made it.",
    ),
    _row(
        "TRUST_RETRACTED", 409, "notice",
        "The events named are their publisher's own: the suspicion is taken back.",
        "Les événements nommés émanent bien de leur éditeur : le soupçon est levé.",
        "Use them like any other event.",
        "The inquiry into a leaked credential ended (`customs-hub key settle --retract`). It stays revoked.",
    ),
    _row(
        "QUARANTINE_RELEASED", 409, "notice",
        "An event of yours that was set aside was released: it is passed on as a new version.",
        "Un de vos événements mis à l'écart a été libéré : il est transmis en tant que nouvelle version.",
        "Nothing is to be done; its receipt is under the new version.",
        "An operator settled it (`customs-hub quarantine release`). The version that came first stays as it was.",
    ),
    _row(
        "QUARANTINE_REPAIRED", 409, "notice",
        "An event of yours that was set aside was repaired by customs: a new version is passed on.",
        "Un de vos événements mis à l'écart a été réparé par la douane : une nouvelle version est transmise.",
        "Look at the new version, which says why; send a corrected version if it is not what happened.",
        "An operator gave corrected data (`customs-hub quarantine repair`). Both versions are kept; you stay "
        "publisher.",
    ),
    _row(
        "QUARANTINE_DISCARDED", 409, "notice",
        "An event of yours that was set aside is passed on to nobody; what you sent first stays.",
        "Un de vos événements mis à l'écart n'est transmis à personne ; votre premier envoi demeure.",
        "Send a corrected version, with data.updated_at, if the later content is right.",
        "An operator settled it (`customs-hub quarantine discard`); who, why and the content's digest are kept.",
    ),
    _row(
        "KEY_EXPIRES", 409, "notice",
        "A key or certificate of yours is about to expire.",
        "Une de vos clés ou un de vos certificats arrive à expiration.",
        "Rotate it before then: `customs-connect rotate`; a certificate is registered by the hub's operator.",
        "Told 30, 20, 10 and 1 days before the end of its validity. Behind it, the hub refuses it with 401.",
    ),
    # What customs answers (`POST /v1/notices`).
    _row(
        "CUSTOMS_RECEIVED", 409, "notice",
        "Customs has received this, and it is complete.",
        "La douane l'a reçu, et c'est complet.",
        "Nothing has to be done.",
        "It says nothing of what becomes of it.",
    ),
    _row(
        "CUSTOMS_INFORMATION_REQUESTED", 409, "notice",
        "Customs asks for information.",
        "La douane demande des informations.",
        "Send what `text` names before `deadline`, and acknowledge the notice.",
        "What is sent is sent like any other event or document.",
    ),
    _row(
        "CUSTOMS_HOLD", 409, "notice",
        "The goods are to be held.",
        "Les marchandises doivent être retenues.",
        "Hold them where they are until a release comes; acknowledge the notice.",
        "A hold says what to do, never why.",
    ),
    _row(
        "CUSTOMS_RELEASE", 409, "notice",
        "The goods are released.",
        "Les marchandises sont libérées.",
        "Go on with them; a hold of before has ended.",
        "It ends what customs asked for; what others ask for stays.",
    ),
    _row(
        "CUSTOMS_INSPECTION_APPOINTMENT", 409, "notice",
        "The goods are to be presented for an inspection.",
        "Les marchandises doivent être présentées à un contrôle.",
        "Present them where and when `text` says; acknowledge the notice.",
        "An appointment says where and when, never why.",
    ),
    _row(
        "CUSTOMS_RECALL", 409, "notice",
        "The goods are recalled.",
        "Les marchandises sont rappelées.",
        "Bring them to where `text` says, and pass them on to nobody; acknowledge the notice.",
        "It also concerns goods that were released.",
    ),
    _row(
        "CUSTOMS_DISRUPTION", 409, "notice",
        "There is a disturbance at customs or at the hub.",
        "Il y a une perturbation à la douane ou au hub.",
        "Do as `text` says; events that were not taken can be sent again with the same ids.",
        "It is told to all whom it may concern.",
    ),
    _row(
        "CUSTOMS_ADVICE", 409, "notice",
        "Customs has something to tell you.",
        "La douane a quelque chose à vous dire.",
        "Read `text`.",
        "It asks for nothing else.",
    ),
    _row(
        "CUSTOMS_DATA_QUALITY", 409, "notice",
        "The data of an event of yours is not as it should be.",
        "Les données d'un de vos événements ne sont pas comme elles devraient.",
        "Correct what `pointer` names, and send the event again with a later `data.updated_at`.",
        "`defect` says what is wrong with it; the event itself stays as it was taken.",
    ),
    _row(
        "NOTICE_NOT_AGREED", 403, "forbidden",
        "No agreement in force lets you send such a notice about this.",
        "Aucun accord en vigueur ne vous permet d'envoyer un tel avis à ce sujet.",
        "Ask for an agreement that covers the event and lists the kind in its `notices`.",
        "An agreement for the feed's recipient and purpose has to cover the event, and to list the kind of notice.",
    ),
    _row(
        "NOTICE_CONFLICT", 409, "conflict",
        "Another notice was sent under this id.",
        "Un autre avis a été envoyé sous cet id.",
        "Give a new notice a new id; what was sent is not changed any more.",
        "The same id with the same words is answered as the first time, and nothing is sent twice.",
    ),
    # How a recipient's endpoint does.
    _row(
        "ENDPOINT_FAILING", 409, "notice",
        "An endpoint of yours has taken nothing for hours.",
        "Un de vos points de réception n'accepte plus rien depuis des heures.",
        "See why it does not answer with 2xx; what it has missed is kept and sent again, or pulled from the cursor.",
        "Told after 1, 12, 24, 48, 72 and 96 hours. Records are tried for 72 hours each; after 120 hours without any "
        "success the endpoint is disabled.",
    ),
    _row(
        "ENDPOINT_RECOVERED", 409, "notice",
        "An endpoint of yours takes messages again.",
        "Un de vos points de réception accepte de nouveau les messages.",
        "Nothing has to be done; what waited is being sent.",
        "What was given up meanwhile is in quarantine, and can be pulled from the feed.",
    ),
    _row(
        "ENDPOINT_DISABLED", 409, "notice",
        "An endpoint of yours was disabled: for five days it took nothing.",
        "Un de vos points de réception a été désactivé : il n'a rien accepté pendant cinq jours.",
        "Mend it, then ask the hub's operator to resume it; pull what is missing from the cursor that you kept.",
        "It is verified again before anything is sent (`customs-hub delivery endpoint resume`).",
    ),
    _row(
        "ENDPOINT_GONE", 409, "notice",
        "An endpoint of yours answered 410: nothing is sent there any more.",
        "Un de vos points de réception a répondu 410 : plus rien n'y est envoyé.",
        "Have another endpoint registered if that was not meant; pull what is missing from the cursor that you kept.",
        "410 says that the address has gone for good.",
    ),
    _row(
        "DELIVERY_FAILED", 409, "notice",
        "A record could not be delivered to an endpoint for 72 hours.",
        "Un enregistrement n'a pas pu être remis à un point de réception pendant 72 heures.",
        "Look why the receiver refused it; it can be pulled from the feed, or sent again.",
        "It is in quarantine with what was tried last; the endpoint went on with other records.",
    ),
    # What an operator asked for.
    _row(
        "ACT_REFUSED", 422, "invalid",
        "The act cannot be done as asked; nothing was changed.",
        "L'acte ne peut être accompli tel que demandé ; rien n'a été modifié.",
        "Correct every fault listed and ask again.",
        "Every act of an operator is checked as a whole before anything is written; all faults are listed at once.",
    ),
    _row(
        "REGISTRY_MOVED", 409, "conflict",
        "The registry changed while the act was being prepared; nothing was written.",
        "Le registre a changé pendant la préparation de l'acte ; rien n'a été écrit.",
        "Look at the objects again and repeat the act.",
        "Every act names the revision that its author saw. If another act came in between, the first one wins.",
        retry=True,
    ),
    _row(
        "OPERATOR_REQUIRED", 403, "forbidden",
        "This act is an operator's: the user of the hub's machine alone can only stop.",
        "Cet acte revient à un opérateur : l'utilisateur de la machine du hub ne peut, seul, qu'arrêter.",
        "Repeat the command with `--as NAME --key FILE`.",
        "Operators are registered: four eyes bind everywhere. Stopping acts are performed and looked at afterwards.",
    ),
    _row(
        "SIGNATURE_NOT_ACCEPTED", 403, "forbidden",
        "The signature over the act is not accepted.",
        "La signature de l'acte n'est pas acceptée.",
        "Ask the hub for the statement of the act again and sign that, with a key that is registered for you.",
        "A statement is for one hub, in one spelling, signed soon after it was made by a key that an operator has now.",
    ),
    _row(
        "OPERATOR_NOT_PERMITTED", 403, "forbidden",
        "This operator may not do this act, or not sign it as the second.",
        "Cet opérateur ne peut pas accomplir cet acte, ou pas le signer en second.",
        "Ask a colleague with the role that `detail` names.",
        "Every act names the roles that may do it. The second signature is another person's, never a visitor's.",
    ),
    _row(
        "PROPOSAL_STALE", 409, "conflict",
        "What the act was to change has changed since it was signed; nothing was done.",
        "Ce que l'acte devait modifier a changé depuis sa signature ; rien n'a été fait.",
        "Look at the objects again and make the proposal anew.",
        "A signature is over the objects as they were. What happened in between might have changed the signer's mind.",
    ),
    _row(
        "PROPOSAL_CLOSED", 409, "conflict",
        "The proposal is no longer open; nothing was done.",
        "La proposition n'est plus ouverte ; rien n'a été fait.",
        "Make the proposal anew if it is still wanted.",
        "A proposal waits 72 hours for its second signature, unless it is refused or withdrawn.",
    ),
    # What the hub could not do now.
    _row(
        "TOO_MANY_REQUESTS", 429, "throttled",
        "There was too much from this sender for now: of what its quota allows, or of what `detail` names.",
        "Cet expéditeur en a trop envoyé pour le moment : au regard de son quota, ou de ce que nomme `detail`.",
        "Wait as long as `Retry-After` says and send again with the same ids.",
        "Quotas keep one partner from crowding out the others.",
        retry=True,
    ),
    _row(
        "OVERLOADED", 503, "overloaded",
        "The hub is full and took nothing of this request.",
        "Le hub est saturé et n'a rien pris de cette requête.",
        "Wait as long as `Retry-After` says and send again with the same ids.",
        "Every queue has a bound. A full queue refuses at once rather than growing.",
        retry=True,
    ),
    _row(
        "OUTCOME_UNKNOWN", 503, "unknown",
        "The hub cannot tell whether the event was stored.",
        "Le hub ne peut pas dire si l'événement a été enregistré.",
        "Send it again with the same id and the same content: a repeat never shows twice.",
        "Storage did not answer in time or the process lost its lease meanwhile. The event may appear later, once.",
        retry=True,
    ),
    _row(
        "NOT_ATTEMPTED", 503, "unknown",
        "It was not tried, because an item before it, or the batch or document that it is in, could not be taken.",
        "Il n'a pas été tenté : un élément antérieur, ou le lot ou document qui le contient, n'a pu être pris.",
        "Send it again with the same id, after what stopped it: a repeat never shows twice.",
        "Order within a source is kept: nothing overtakes an item whose outcome is unknown.",
        retry=True,
    ),
    _row(
        "REGISTRY_STALE", 503, "unavailable",
        "The hub cannot confirm its registry and decides nothing until it can.",
        "Le hub ne peut pas confirmer son registre et ne décide rien d'ici là.",
        "Send again later with the same ids.",
        "A worker whose last confirmation is older than a second does not decide who may do what.",
        retry=True,
    ),
    _row(
        "STORAGE_UNAVAILABLE", 503, "unavailable",
        "The hub's storage does not answer; nothing was stored.",
        "Le stockage du hub ne répond pas ; rien n'a été enregistré.",
        "Send again later with the same ids.",
        "`customs-hub doctor` tells the operator why.",
        retry=True,
    ),
    _row(
        "STORAGE_FULL", 507, "unavailable",
        "The hub's disk is full; nothing was stored.",
        "Le disque du hub est plein ; rien n'a été enregistré.",
        "Send again later with the same ids.",
        "The hub goes on by itself once there is room; no restart is needed.",
        retry=True,
    ),
    _row(
        "INTERNAL", 500, "internal",
        "The hub failed in a way that it did not expect.",
        "Le hub a échoué d'une manière imprévue.",
        "Send again with the same ids; give the operator the `instance` of this answer.",
        "This is a defect of the hub. The log holds the details under the same instance.",
        retry=True,
    ),
)  # fmt: skip

ERRORS = {row.code: row for row in _ROWS}


class Refusal(Struct, frozen=True):
    """What a partner sent and the hub does not take: a value, with every fault and its place."""

    code: str
    detail: str = ""
    faults: Sequence[Fault] = ()
    cursor: str | None = None
    """With `CURSOR_EXPIRED`: a fresh one."""
    retry_after: int = 0
    """Seconds, where it is known how long; 0: as long as usual."""

    @property
    def row(self) -> ErrorRow:
        return ERRORS[self.code]


class Unknown(Struct, frozen=True):
    """The hub cannot tell whether it was stored; it may appear later, once or not at all."""

    reason: str


class HubError(Exception):
    """What the hub failed to keep. Drivers raise it, or a subclass, `from` their library's error."""

    code = "INTERNAL"


class StorageUnavailable(HubError):
    """Storage does not answer; certainly nothing was stored."""

    code = "STORAGE_UNAVAILABLE"


class StorageFull(HubError):
    """There is no room; certainly nothing was stored."""

    code = "STORAGE_FULL"


class OutcomeUnknown(HubError):
    """The connection was lost before storage said whether it is stored: look, or do it again where that is harmless."""

    code = "OUTCOME_UNKNOWN"


class BlobMissing(HubError):
    """There is no such blob: it was never put, or has gone."""

    code = "NOT_FOUND"


class BlobDamaged(HubError):
    """A blob is not what was put: its storage lost or changed something of it."""


class Overloaded(HubError):
    """A queue is full; nothing was taken."""

    code = "OVERLOADED"


class StaleRegistry(HubError):
    """The process could not confirm its registry of late: it decides nothing."""

    code = "REGISTRY_STALE"


class DirectoryInUse(HubError):
    """Another process holds the data directory."""


class LeaseLost(HubError):
    """The lease's epoch is no longer current; nothing was written."""

    code = "STORAGE_UNAVAILABLE"


class StreamMissing(HubError):
    """The log has no such stream: it is not declared yet, or it was dropped."""

    code = "STORAGE_UNAVAILABLE"


class Trimmed(HubError):
    """The offset asked for is below what the log still holds."""

    code = "CURSOR_EXPIRED"

    def __init__(self, start: int) -> None:
        super().__init__(f"the log starts at {start}")
        self.start = start


def place_of(error: BaseException) -> str:
    """What was raised and where, without its words: those may hold what a partner sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename.rpartition('/')[2]}:{frame.lineno}"
