"""A table as WordprocessingML: a real Word table whose header rows repeat on every page, with its caption above and its notes below.

Written by us because pandoc's own tables neither keep a row on one page nor set type by the room there is.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from mentorship_eval.display.table_model import Cell, TableColumn, TableModel, TableRow, aligned
from mentorship_eval.report.document.fit import WHOLE, Fit, fit

__all__ = ["caption_xml", "run_xml", "table_xml"]

# lines below cells: an eighth of a point each
_HEAVY = 'w:val="single" w:sz="8" w:color="000000"'
_MIDDLE = 'w:val="single" w:sz="4" w:color="000000"'
_FIRST = 5  # rows of a long table that stay with its header
_THIN = 'w:val="single" w:sz="2" w:color="B9BDC2"'


def run_xml(text: str, *, bold: bool = False, size: float = 0.0, raised: bool = False) -> str:
    """A run of text; size in points, 0 for that of the paragraph."""
    half = f'<w:sz w:val="{round(2 * size)}"/><w:szCs w:val="{round(2 * size)}"/>' if size else ""
    kind = ("<w:b/>" if bold else "") + half + ('<w:vertAlign w:val="superscript"/>' if raised else "")
    properties = f"<w:rPr>{kind}</w:rPr>" if kind else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{_clean(text)}</w:t></w:r>'


def caption_xml(number: str, caption: str, style: str = "TableCaption") -> str:
    """The paragraph above a table; it stays with the table."""
    label = run_xml(f"{number}. ", bold=True) if number else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/><w:keepNext/></w:pPr>{label}{run_xml(caption)}</w:p>'


def table_xml(table: TableModel, number: str = "") -> tuple[str, Fit]:
    """Caption, table and notes; and how it was fitted, so that who places it knows whether it needs a turned page."""
    fitted = fit(table)
    widths = [round(20 * width) for width in fitted.widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    edge = f"<w:top {_HEAVY}/><w:bottom {_HEAVY}/>"
    described = _clean(f"{number}. {table.caption}" if number else table.caption).replace('"', "&quot;")
    body = "".join(_body(table, fitted, widths))
    xml = (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{edge}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="80" w:type="dxa"/><w:right w:w="80" w:type="dxa"/></w:tblCellMar>'
        '<w:tblLook w:val="06A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
        f'<w:tblCaption w:val="{described}"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{_head(table, fitted, widths)}{body}</w:tbl>'
    )
    notes = [(mark, text) for mark, text in table.footnotes] + ([("", table.note)] if table.note else [])
    below = "".join(
        _paragraph("TableNote", run_xml(mark, raised=True) + run_xml(f" {text}") if mark else run_xml(text)) for mark, text in notes
    )
    return f"{caption_xml(number, table.caption)}{xml}{below}{'' if below else _paragraph('TableNote', '')}", fitted


def _clean(text: str) -> str:
    # what XML has no place for would make Word refuse the whole file
    return escape("".join(character for character in text if character >= " " or character in "\t\n"))


def _paragraph(style: str, runs: str, align: str = "", more: str = "") -> str:
    side = f'<w:jc w:val="{align}"/>' if align else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}{side}</w:pPr>{runs}</w:p>'


def _cell(
    runs: str, width: int, *, align: str, span: int = 1, merge: str = "", edge: str = "", middle: str = "", indent: int = 0, keep: bool = False
) -> str:
    properties = f'<w:tcW w:w="{width}" w:type="dxa"/>' + (f'<w:gridSpan w:val="{span}"/>' if span > 1 else "")
    properties += {"": "", "restart": '<w:vMerge w:val="restart"/>', "more": "<w:vMerge/>"}[merge]
    properties += f"<w:tcBorders><w:bottom {edge}/></w:tcBorders>" if edge else ""
    properties += f'<w:vAlign w:val="{middle}"/>' if middle else ""
    more = ("<w:keepNext/>" if keep else "") + (f'<w:ind w:left="{indent}"/>' if indent else "")
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{_paragraph('TableText', runs, align, more)}</w:tc>"


def _runs(text: str, mark: str, size: float, bold: bool = False) -> str:
    words = run_xml(text, bold=bold, size=size) if text else ""
    return words + (run_xml(mark, size=size, raised=True) if mark else "")


def _row(cells: str, *, header: bool = False) -> str:
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if header else ''}</w:trPr>{cells}</w:tr>"


def _head(table: TableModel, fitted: Fit, widths: list[int]) -> str:
    def header(place: int, column: TableColumn, merge: str = "", edge: str = _MIDDLE) -> str:
        runs = "" if merge == "more" else _runs(column.header, column.mark, fitted.size, bold=True)
        indent = round(20 * fitted.gaps[place])
        return _cell(runs, widths[place], align=column.align, merge=merge, edge=edge, middle="bottom", indent=indent, keep=True)

    if not table.has_spanners:
        return _row("".join(header(place, column) for place, column in enumerate(table.columns)), header=True)
    above, place = "", 0
    for spanner, width in table.spans():
        if spanner:
            across = sum(widths[place : place + width])
            runs = _runs(spanner, "", fitted.size, bold=True)
            above += _cell(runs, across, align="center", span=width, edge=_MIDDLE, middle="bottom", keep=True)
        else:
            above += header(place, table.columns[place], "restart", "")
        place += width
    below = "".join(header(place, column, "" if column.spanner else "more") for place, column in enumerate(table.columns))
    return _row(above, header=True) + _row(below, header=True)


def _body(table: TableModel, fitted: Fit, widths: list[int]) -> list[str]:
    if not table.rows:
        return [_row(_cell(_runs(table.empty, "", fitted.size), sum(widths), align="left", span=len(widths)))]
    texts = [
        aligned([row.cells[place].text for row in table.rows]) if column.align == "right" else [row.cells[place].text for row in table.rows]
        for place, column in enumerate(table.columns)
    ]
    last = len(table.rows) - 1
    # a short table stays on one page; a long one does not begin at the very end of a page
    together = last if len(table.rows) <= WHOLE else _FIRST
    return [
        _data(row, [column[at] for column in texts], table.columns, fitted, widths, "" if at == last else _THIN, at < together)
        for at, row in enumerate(table.rows)
    ]


def _data(
    row: TableRow, texts: list[str], columns: tuple[TableColumn, ...], fitted: Fit, widths: list[int], edge: str, keep: bool
) -> str:
    """One row; keep: on the page of the next."""
    if row.kind == "heading" and not any(cell.text for cell in row.cells[1:]):
        runs = _runs(texts[0], row.cells[0].mark, fitted.size, bold=True)
        return _row(_cell(runs, sum(widths), align="left", span=len(widths), edge=edge, keep=True))

    def cell(place: int, own: Cell) -> str:
        bold = row.kind == "total" or (row.kind == "heading" and place == 0)
        return _cell(
            _runs(texts[place], own.mark, fitted.size, bold), widths[place], align=columns[place].align, edge=edge,
            indent=200 * row.indent if place == 0 else round(20 * fitted.gaps[place]), keep=keep or row.kind == "heading",
        )  # fmt: skip

    return _row("".join(cell(place, own) for place, own in enumerate(row.cells)))
