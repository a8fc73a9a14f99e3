"""A table as LaTeX: one ``table`` environment with booktabs, to be put into a manuscript as it is."""

from __future__ import annotations

import re
import unicodedata

from mentorship_eval.display.table_model import Cell, TableModel, TableRow

__all__ = ["latex_text", "table_latex"]

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "−": "$-$", "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$", "±": r"$\pm$", "∞": r"$\infty$", "′": r"$'$", "→": r"$\to$",
    "–": "--", "—": "---", "…": r"\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~", "\u2007": r"\phantom{0}",
    "\u2008": r"\phantom{.}", "\u202f": r"\,", "\u2009": r"\,",
    "χ": r"$\chi$", "τ": r"$\tau$", "α": r"$\alpha$", "β": r"$\beta$", "δ": r"$\delta$", "λ": r"$\lambda$", "σ": r"$\sigma$",
    "²": "$^2$", "³": "$^3$", "†": r"\dag{}", "‡": r"\ddag{}",
}  # fmt: skip
_PREAMBLE = "% needs \\usepackage{booktabs}, and \\usepackage[T1]{fontenc} with pdfTeX\n"


def latex_text(text: str) -> str:
    """Plain text, escaped; signs that LaTeX sets in mathematics are put there. Other letters stay as UTF-8, which LaTeX reads."""
    plain = "".join(" " if unicodedata.category(character) == "Cc" else _SIGNS.get(character, character) for character in text)
    return re.sub(r"(?<!\\)\$\$", "", plain)  # neighbours share their mathematics


def table_latex(table: TableModel, number: str = "") -> str:
    """``table`` as LaTeX; number: "Table 2.1", said in a comment, since LaTeX counts its tables itself.

    Columns of numbers are flush right. Needs the package booktabs and nothing else. Ends with a line break.
    """
    sides = "".join("r" if column.align == "right" else "l" for column in table.columns)
    width = len(table.columns)
    lines = [
        _PREAMBLE.rstrip("\n"), *([f"% {number}"] if number else []), r"\begin{table}", r"\centering", rf"\caption{{{latex_text(table.caption)}}}",
        rf"\label{{tab:{table.name}}}", rf"\begin{{tabular}}{{{sides}}}", r"\toprule", *_head(table), r"\midrule",
    ]  # fmt: skip
    lines += [_row(row, width) for row in table.rows] or [rf"\multicolumn{{{width}}}{{l}}{{{latex_text(table.empty)}}} \\"]
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [rf"\textsuperscript{{{mark}}} {latex_text(text)}" for mark, text in table.footnotes]
    notes += [latex_text(table.note)] if table.note else []
    if notes:
        lines += ["", r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize", "\\\\\n".join(notes), r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table}", ""])


def _marked(text: str, mark: str) -> str:
    return latex_text(text) + (rf"\textsuperscript{{{mark}}}" if mark else "")


def _head(table: TableModel) -> list[str]:
    headers = " & ".join(_marked(column.header, column.mark) for column in table.columns) + r" \\"
    if not table.has_spanners:
        return [headers]
    cells, rules, place = [], [], 1
    for spanner, width in table.spans():
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{latex_text(spanner)}}}" if spanner else "")
        if spanner:
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
        place += width
    return [" & ".join(cells) + r" \\", "".join(rules), headers]


def _row(row: TableRow, width: int) -> str:
    first = _marked(row.cells[0].text, row.cells[0].mark)
    if row.kind == "heading" and not any(cell.text for cell in row.cells[1:]):
        return rf"\multicolumn{{{width}}}{{l}}{{\textbf{{{first}}}}} \\"

    def other(cell: Cell) -> str:
        text = _marked(cell.text, cell.mark)
        return rf"\textbf{{{text}}}" if row.kind == "total" and text else text

    first = rf"\textbf{{{first}}}" if row.kind in ("heading", "total") else rf"\quad {first}" if row.indent else first
    return " & ".join([first, *map(other, row.cells[1:])]) + r" \\"
