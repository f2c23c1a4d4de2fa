"""Files that tests write to be read: workbooks and archives."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """sheets: rows of cells by name."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def write_shared_workbook(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """A workbook as Excel writes it: its texts stand in a part of their own, and cells name them by number."""
    namespace = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    texts = list(dict.fromkeys(text for row in rows for text in row))
    cells = "".join(
        "<row>" + "".join(f'<c t="s"><v>{texts.index(text)}</v></c>' for text in row) + "</row>" for row in rows
    )
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    write_workbook(path, {"s": [["x"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = f"<worksheet {namespace}><sheetData>{cells}</sheetData></worksheet>".encode()
    parts["xl/sharedStrings.xml"] = f"<sst {namespace}>{strings}</sst>".encode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    listed = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}" /></Types>'.encode()
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", listed)
    return write_zip(path, parts)


def write_zip(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
