"""A `TableModel` as HTML: header cells that say what they head, marks and notes below, its own box to scroll in on a narrow screen.

Styles stand inline because JupyterLab carries no style sheet of ours; a page can refine them by the classes ``data-table`` and ``long`` (the
box, and one with more rows than a screen has), ``heading``, ``total`` and ``under`` (rows). Colours of lines are the page's own (``--line``) where
it has them.
"""

from __future__ import annotations

import re
from html import escape

from mentorship_eval.display.table_model import Cell, TableColumn, TableModel, TableRow, aligned

__all__ = ["table_html"]

_CELL = "padding:0.25em 0.55em;vertical-align:top;border-bottom:1px solid var(--line, #d5d8dc);"
_RULE = "border-bottom:2px solid var(--quiet, #666);vertical-align:bottom;"
LONG = 40  # rows, above which a page lets a table scroll in its box: on paper all are printed
_NOTE = "font-size:0.85em;margin:0.3em 0 0"


def table_html(table: TableModel) -> str:
    """The whole fragment: ``<div role="region">`` with the table, its footnotes and its note; everything is escaped."""
    head = f"<tr>{_spanners(table)}</tr><tr>{_under_spanners(table)}</tr>" if table.has_spanners else f"<tr>{_headers(table.columns)}</tr>"
    notes = "".join(f'<p style="{_NOTE}"><sup>{escape(mark)}</sup> {escape(text)}</p>' for mark, text in table.footnotes)
    notes += f'<p style="{_NOTE}">{escape(table.note)}</p>' if table.note else ""
    box = "data-table long" if len(table.rows) > LONG else "data-table"
    return (
        f'<div class="{box}" role="region" aria-label="{escape(table.caption, quote=True)}" tabindex="0" '
        'style="overflow-x:auto;max-width:100%;margin:1em 0">'
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:0.92em;margin:0">'
        f'<caption style="caption-side:top;text-align:left;font-weight:bold;padding:0 0 0.4em;color:inherit">'
        # on a narrow screen the words stay in sight while the numbers scroll
        f'<span style="position:sticky;left:0;display:inline-block;max-width:min(100%,calc(100vw - 2.5rem))">{escape(table.caption)}</span></caption>'
        f"<thead>{head}</thead>{_bodies(table)}</table>{notes}</div>"
    )


def _sup(mark: str) -> str:
    return f"<sup>{escape(mark)}</sup>" if mark else ""


def _header(column: TableColumn, more: str = "") -> str:
    style = f"{_CELL}text-align:{column.align};{_RULE}"
    if not column.header:
        return f'<td{more} style="{style}"></td>'  # an empty header heads nothing
    return f'<th scope="col"{more} style="{style}">{_unbroken(column.header)}{_sup(column.mark)}</th>'


def _unbroken(header: str) -> str:
    """``95 % CI`` stays on one line."""
    return escape(re.sub(r"(\d) % CI", "\\1\u00a0%\u00a0CI", header))


def _headers(columns: tuple[TableColumn, ...]) -> str:
    return "".join(map(_header, columns))


def _spanners(table: TableModel) -> str:
    cells, place = [], 0
    for spanner, width in table.spans():
        if spanner:
            # the line under it ends before the next, so that what it spans is seen
            line = '<span style="display:block;border-bottom:1px solid var(--quiet, #666)">'
            style = "padding:0.25em 0.35em 0;vertical-align:bottom;text-align:center"
            cells.append(f'<th scope="colgroup" colspan="{width}" style="{style}">{line}{_unbroken(spanner)}</span></th>')
        else:
            cells.append(_header(table.columns[place], ' rowspan="2"'))
        place += width
    return "".join(cells)


def _under_spanners(table: TableModel) -> str:
    return _headers(tuple(column for column in table.columns if column.spanner))


def _bodies(table: TableModel) -> str:
    if not table.rows:
        return f'<tbody><tr><td colspan="{len(table.columns)}" style="{_CELL}text-align:left">{escape(table.empty)}</td></tr></tbody>'
    padded = [
        aligned([row.cells[i].text for row in table.rows]) if column.align == "right" else [row.cells[i].text for row in table.rows]
        for i, column in enumerate(table.columns)
    ]
    bodies, place = [], 0
    for group in table.groups():
        rows = []
        for row in group:
            rows.append(_row(row, [texts[place] for texts in padded], table.columns, len(group)))
            place += 1
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    return "".join(bodies)


def _row(row: TableRow, texts: list[str], columns: tuple[TableColumn, ...], group: int) -> str:
    scope = "rowgroup" if row.kind == "heading" and group > 1 else "row"
    weight = "600" if row.kind in ("heading", "total") else "normal"
    under = "padding-left:1.9em;" if row.indent else ""
    first = f"{_CELL}text-align:{columns[0].align};font-weight:{weight};{under}{_wide(columns)}" + _nowrap(columns[0])
    if row.kind == "heading" and not any(cell.text for cell in row.cells[1:]):
        cells = f'<th scope="{scope}" colspan="{len(columns)}" style="{first}">{_text(row.cells[0], texts[0])}</th>'
    else:
        cells = f'<th scope="{scope}" style="{first}">{_text(row.cells[0], texts[0])}</th>'
        for cell, text, column in zip(row.cells[1:], texts[1:], columns[1:], strict=True):
            style = f"{_CELL}text-align:{column.align};font-weight:{'600' if row.kind == 'total' else 'normal'}{_nowrap(column, ';')}"
            cells += f'<td style="{style}">{_text(cell, text)}</td>'
    name = {"heading": ' class="heading"', "total": ' class="total"'}.get(row.kind, ' class="under"' if row.indent else "")
    return f"<tr{name}>{cells}</tr>"


def _nowrap(column: TableColumn, before: str = "") -> str:
    return f"{before}white-space:nowrap" if column.align == "right" else ""


def _wide(columns: tuple[TableColumn, ...]) -> str:
    """Row headers keep room for their words beside numbers that do not wrap."""
    return "min-width:9em;" if len(columns) > 2 and columns[0].align == "left" else ""


def _text(cell: Cell, text: str) -> str:
    return f"{escape(text)}{_sup(cell.mark)}"
