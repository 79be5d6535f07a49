"""Tables: the file, its columns, its rows, and what spreadsheets do to the values in their cells."""

from __future__ import annotations

ROWS: tuple[tuple[str, ...], ...] = (
    (
        "TABLE_UNREADABLE",
        "The file cannot be read as a table.",
        "Le fichier ne peut pas être lu comme un tableau.",
        "Save it anew as an Excel workbook (.xlsx) without a password, or as CSV in UTF-8.",
    ),
    (
        "TABLE_TOO_LARGE",
        "The table is larger than the hub takes at once.",
        "Le tableau est plus grand que ce que le hub accepte en une fois.",
        "Delete empty rows and columns that only have a format, or send several files.",
    ),
    (
        "TABLE_TYPE_MISSING",
        "Nothing says which event the rows are about.",
        "Rien n'indique de quel événement il s'agit dans les lignes.",
        "Fill a column named type, name the sheet after an event type, or say it when sending: ?type= or --type.",
    ),
    (
        "HEADER_MISSING",
        "No row of column names was found at the top of the table.",
        "Aucune ligne d'en-têtes n'a été trouvée en haut du tableau.",
        "Write the column names of the template into the first row.",
    ),
    (
        "COLUMN_MISSING",
        "A column that must be there is missing.",
        "Une colonne obligatoire est absente.",
        "Add the column named, or correct the name of the one that was meant.",
    ),
    (
        "COLUMN_UNKNOWN",
        "The column is not known for this event; its values are kept and not checked.",
        "Cette colonne est inconnue pour cet événement ; ses valeurs sont conservées sans contrôle.",
        "Check the spelling of the column's name against the template.",
        "WARNING",
    ),
    (
        "COLUMN_REPEATED",
        "Two columns say the same thing.",
        "Deux colonnes disent la même chose.",
        "Keep one of them.",
    ),
    (
        "COLUMN_UNNAMED",
        "There is a value in a column that has no name.",
        "Une valeur se trouve dans une colonne sans en-tête.",
        "Name the column, or empty the cell.",
    ),
    (
        "ROW_MALFORMED",
        "The line cannot be told apart into cells.",
        "La ligne ne peut pas être séparée en cellules.",
        "Put cells that hold the separator, a quote or a new line in double quotes, and double the quotes in them.",
    ),
    (
        "ROW_REPEATED",
        "The row says the same as another row of this file.",
        "La ligne dit la même chose qu'une autre ligne de ce fichier.",
        "Delete one of them.",
        "WARNING",
    ),
    (
        "ROW_CONFLICT",
        "Two rows of this file are about the same event and differ.",
        "Deux lignes de ce fichier portent sur le même événement et diffèrent.",
        "Keep the right one; or give each an id, or the later one a later time in the column Updated at.",
    ),
    (
        "CELL_ERROR",
        "The cell holds an error of the spreadsheet.",
        "La cellule contient une erreur du tableur.",
        "Correct the formula, or write the value.",
    ),
    (
        "CELL_NOT_COMPUTED",
        "The cell holds a formula whose result was not saved; the hub computes none.",
        "La cellule contient une formule dont le résultat n'a pas été enregistré ; le hub n'en calcule aucune.",
        "Open the workbook in Excel and save it, or paste the values.",
    ),
    (
        "CELL_MERGED",
        "The cell is merged with others.",
        "La cellule est fusionnée avec d'autres.",
        "Unmerge the cells and write the value into each row.",
    ),
    (
        "CELL_ROUNDED",
        "The spreadsheet took the code for a number and cut it to 15 digits; the rest is lost.",
        "Le tableur a pris le code pour un nombre et l'a réduit à 15 chiffres ; le reste est perdu.",
        "Format the column as text, and enter the code again from its origin.",
    ),
    (
        "CELL_MAYBE_ROUNDED",
        "The code ends in zeros after 15 digits, as one does that a spreadsheet has rounded.",
        "Le code se termine par des zéros après 15 chiffres, comme un nombre arrondi par un tableur.",
        "Compare it with the original.",
        "WARNING",
    ),
    (
        "CELL_ZEROS_LOST",
        "The code has lost its leading zeros: the spreadsheet took it for a number.",
        "Le code a perdu ses zéros initiaux : le tableur l'a pris pour un nombre.",
        "Format the column as text, and enter the code again.",
    ),
    (
        "CELL_ZEROS_RESTORED",
        "The code had lost its leading zeros; its check digit tells them, and they were put back.",
        "Le code avait perdu ses zéros initiaux ; sa clé de contrôle les confirme, et ils ont été rétablis.",
        "Format the column as text.",
        "WARNING",
    ),
    (
        "CELL_NOT_TEXT",
        "The spreadsheet has turned the code into a date, a time or a number.",
        "Le tableur a transformé le code en date, en heure ou en nombre.",
        "Format the column as text, and enter the code again.",
    ),
    (
        "NUMBER_AMBIGUOUS",
        "The comma or point may part thousands or decimals.",
        "La virgule ou le point peut séparer les milliers ou les décimales.",
        "Write the number without a separator of thousands.",
    ),
    (
        "DATE_AMBIGUOUS",
        "Day and month can be read in two ways.",
        "Le jour et le mois peuvent se lire de deux façons.",
        "Write the year first: 2026-11-22.",
    ),
    (
        "DATE_SERIAL",
        "The spreadsheet has turned the date into a number of days.",
        "Le tableur a transformé la date en un nombre de jours.",
        "Format the column as date and time, or as text, and write the date again.",
    ),
    (
        "OFFSET_MISSING",
        "The time has no offset from UTC, and no zone is agreed for it.",
        "L'heure n'a pas de décalage par rapport à l'UTC, et aucun fuseau n'est convenu.",
        "Fill the column UTC offset, such as +01:00, or write the offset after the time.",
    ),
)
