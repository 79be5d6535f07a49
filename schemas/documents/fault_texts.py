"""The faults of documents, as rows of `schemas/faults.py`: code, English, French, fix.

Each is an error by itself; which of them a hub lets pass is its own policy (`hub/core/documents.py`).
"""

from __future__ import annotations

ROWS = (
    # What the bytes are.
    (
        "DOCUMENT_EMPTY",
        "The document is empty.",
        "Le document est vide.",
        "Check the file, and send it again.",
    ),
    (
        "DOCUMENT_STAYS_WITHDRAWN",
        "The document was withdrawn, and the same bytes again do not bring it back.",
        "Le document a été retiré, et les mêmes octets ne le rétablissent pas.",
        "To bring it back, send it with updated_at (document push --updated-at), the time of now.",
    ),
    (
        "DOCUMENT_TYPE_UNKNOWN",
        "The document is none of the types that are taken.",
        "Le document n'est d'aucun des types acceptés.",
        "Send it as PDF, JPEG, PNG, XML or JSON, or a credential as JWT.",
    ),
    (
        "DOCUMENT_TYPE_DIFFERS",
        "The document is not of the type that it is sent as.",
        "Le document n'est pas du type annoncé.",
        "Send the document with the media type of its bytes.",
    ),
    (
        "DOCUMENT_TRUNCATED",
        "The document breaks off.",
        "Le document est interrompu.",
        "Send the whole file; check Content-Length and the connection.",
    ),
    (
        "DOCUMENT_BROKEN",
        "The document is not built as its type asks.",
        "Le document n'est pas construit comme son type l'exige.",
        "Open it, save it anew with current software, and send that.",
    ),
    (
        "DOCUMENT_POLYGLOT",
        "The document can be taken for a file of another format as well.",
        "Le document peut aussi être pris pour un fichier d'un autre format.",
        "Make the document anew from its origin; check the machine that it comes from for malware.",
    ),
    (
        "DOCUMENT_PADDED",
        "Something stands before or after the document in its file.",
        "Quelque chose précède ou suit le document dans son fichier.",
        "Save it anew with current software, and send that.",
    ),
    (
        "DOCUMENT_ACTIVE",
        "The document is something that a browser or a processor runs.",
        "Le document est de ceux qu'un navigateur ou un processeur exécute.",
        "Send plain data, or print the page to PDF.",
    ),
    (
        "XML_DTD",
        "The XML has a document type declaration, which can make a reader fetch or inflate what is not there.",
        "Le XML porte une déclaration de type de document, qui peut faire charger ou enfler ce qui n'y est pas.",
        "Remove the declaration, and write characters in place of entities.",
    ),
    (
        "IMAGE_TOO_LARGE",
        "The image has more pixels than any scan of a document.",
        "L'image a plus de pixels qu'aucune numérisation d'un document.",
        "Scan it at 300 dpi or less.",
    ),
    # What is in a PDF.
    (
        "PDF_ENCRYPTED",
        "The PDF is encrypted: what is in it cannot be examined.",
        "Le PDF est chiffré : son contenu ne peut pas être examiné.",
        "Save it without password and without restrictions.",
    ),
    (
        "PDF_SCRIPT",
        "The PDF holds JavaScript.",
        "Le PDF contient du JavaScript.",
        "Print it to PDF again: that leaves scripts behind.",
    ),
    (
        "PDF_LAUNCH",
        "The PDF starts a program or opens a file.",
        "Le PDF lance un programme ou ouvre un fichier.",
        "Print it to PDF again: that leaves actions behind.",
    ),
    (
        "PDF_REMOTE",
        "The PDF sends or loads something, or leads into another file.",
        "Le PDF envoie ou charge quelque chose, ou mène dans un autre fichier.",
        "Print it to PDF again: that leaves actions behind.",
    ),
    (
        "PDF_LINK",
        "The PDF has links to the web.",
        "Le PDF contient des liens vers le web.",
        "",
    ),
    (
        "PDF_AUTOMATIC",
        "The PDF does something by itself when it is opened, turned over or printed.",
        "Le PDF agit de lui-même quand on l'ouvre, le feuillette ou l'imprime.",
        "Print it to PDF again: that leaves actions behind.",
    ),
    (
        "PDF_EMBEDDED",
        "The PDF carries other files.",
        "Le PDF transporte d'autres fichiers.",
        "Send each file as a document of its own.",
    ),
    (
        "PDF_XFA",
        "The PDF is a dynamic form (XFA), which most readers do not show.",
        "Le PDF est un formulaire dynamique (XFA), que la plupart des lecteurs n'affichent pas.",
        "Print the filled form to PDF.",
    ),
    (
        "PDF_MEDIA",
        "The PDF plays sound, film or 3D content.",
        "Le PDF joue du son, un film ou du contenu 3D.",
        "Print it to PDF again: that leaves such content behind.",
    ),
    (
        "PDF_LOOP",
        "Objects of the PDF contain themselves.",
        "Des objets du PDF se contiennent eux-mêmes.",
        "Make the document anew from its origin.",
    ),
    (
        "PDF_BROKEN",
        "The structure of the PDF is damaged: what is in it could not all be examined.",
        "La structure du PDF est endommagée : tout son contenu n'a pas pu être examiné.",
        "Open it, save it anew with current software, and send that.",
    ),
    (
        "PDF_REPAIRED",
        "The table of the PDF's objects is wrong; it was examined without it.",
        "La table des objets du PDF est fausse ; il a été examiné sans elle.",
        "Open it, save it anew with current software, and send that.",
    ),
    (
        "PDF_BOMB",
        "The PDF unpacks to far more than a document holds, or examining it takes more than is allowed for.",
        "Le PDF se décompresse en bien plus qu'un document ne contient, ou son examen dépasse ce qui est permis.",
        "Make the document anew from its origin; scan at 300 dpi or less.",
    ),
    (
        "PDF_UPDATED",
        "The PDF was changed after it was first written; earlier states of it are still in the file.",
        "Le PDF a été modifié après sa première écriture ; ses états antérieurs sont encore dans le fichier.",
        "",
    ),
    (
        "PDF_SIGNED",
        "The PDF carries signatures. They were not verified.",
        "Le PDF porte des signatures. Elles n'ont pas été vérifiées.",
        "",
    ),
    (
        "PDF_NOT_EXAMINED",
        "What is in the PDF was not examined.",
        "Le contenu du PDF n'a pas été examiné.",
        "Ask the administration; the document itself may be in order.",
    ),
    # What a virus scanner says.
    (
        "VIRUS_FOUND",
        "The virus scanner recognised malware in the document.",
        "L'antivirus a reconnu un logiciel malveillant dans le document.",
        "Check the machine that it comes from, and make the document anew.",
    ),
    (
        "VIRUS_NOT_EXCLUDED",
        "The virus scanner gave no answer on the document.",
        "L'antivirus n'a pas répondu sur le document.",
        "Ask the administration; the document itself may be in order.",
    ),
    # Verifiable credentials.
    (
        "CREDENTIAL_MALFORMED",
        "The credential lacks what a verifiable credential must have.",
        "Il manque à l'attestation ce qu'une attestation vérifiable doit comporter.",
        "Correct the place named, and have the credential issued again.",
    ),
    (
        "CREDENTIAL_EXPIRED",
        "The credential is no longer valid, by its own word.",
        "L'attestation n'est plus valable, selon ses propres termes.",
        "Send one that is valid, or have the administration decide on this one.",
    ),
    (
        "CREDENTIAL_NOT_YET_VALID",
        "The credential is not valid yet, by its own word.",
        "L'attestation n'est pas encore valable, selon ses propres termes.",
        "Send it once it is valid; check the clock of its issuer.",
    ),
    (
        "CREDENTIAL_DIFFERS",
        "The credential names another document than the request.",
        "L'attestation désigne un autre document que la requête.",
        "Give the kind and the reference of the document that the credential names.",
    ),
    (
        "CREDENTIAL_PROOF_WRONG",
        "The signature of the credential is not its issuer's.",
        "La signature de l'attestation n'est pas celle de son émetteur.",
        "Send the credential exactly as it was issued.",
    ),
    (
        "CREDENTIAL_NOT_PROVEN",
        "Nothing proves that the credential comes from its issuer.",
        "Rien ne prouve que l'attestation vient de son émetteur.",
        "Send it in its signed form, and ask the administration to register the issuer's key.",
    ),
)  # fmt: skip
