"""What a notebook opens: one chapter of one cohort, answered and protected, ready to be shown.

Inside a run the answer was made and protected before the notebook started, and is only loaded here. By hand the same
functions answer and protect on the spot; the estimates are identical, and a banner says that no run stands behind them.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from mentorship_eval.errors import MentorshipEvalError, UsageError
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.section import told_to
from mentorship_eval.report.cache import load_private
from mentorship_eval.report.estimates import ESTIMATES_MIME, estimate_rows, planned_outcomes
from mentorship_eval.report.exhibits import draw, file_stem
from mentorship_eval.report.fragments import Fragment, banner_html, estimates_table, exhibit_html, gaps_html, lead_html, methods_html
from mentorship_eval.report.parameters import NOTEBOOKS, check_chapters, resolve_cohort
from mentorship_eval.report.progress import told_in_notebook

__all__ = ["RUN_VARIABLE", "ChapterView", "open_chapter"]

RUN_VARIABLE = "MENTORSHIP_EVAL_RUN"  # names the private folder of the run that started this kernel


class ChapterView:
    """One chapter as a notebook shows it. ``answer`` is protected; nothing else is reachable from here."""

    def __init__(self, answer: Answer, planned: list[str], *, by_hand: bool, figures: Path | None = None) -> None:
        self.answer, self.by_hand = answer, by_hand
        self._planned, self._figures = planned, figures
        self._asked: set[str] = set()

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return estimate_rows([self.answer], self._planned)

    def _banner(self) -> str:
        return banner_html() if self.by_hand else ""

    def lead(self) -> Fragment:
        """The chapter's sentences, its cautions and its gaps."""
        return Fragment(self._banner() + lead_html(self.answer), "\n".join(map(str, self.answer.lead)))

    def show(self, exhibit_id: str) -> Any:
        """Draw one exhibit; where the chapter does not have it, a line says why."""
        self._asked.add(exhibit_id)
        return self._drawn(exhibit_id)

    def _drawn(self, exhibit_id: str) -> Any:
        exhibit = self.answer.exhibit(exhibit_id)
        if exhibit is None:
            return _absent(exhibit_id, self.answer)
        try:
            shown = draw(exhibit)
        except MentorshipEvalError as error:
            text = f"{exhibit.title or exhibit_id}: not shown. {error.problem}"
            return Fragment(f'<p class="absent">{_escape(text)}</p>', text)
        if self._figures is None:
            return shown  # by hand a figure stays a figure, so that it can be saved
        return _kept(shown, self._figures, file_stem(exhibit_id))

    def show_all(self, prefix: str = "") -> Any:
        """All exhibits whose id starts with ``prefix``, in the chapter's order."""
        wanted = [item.id for item in self.answer.exhibits if item.id.startswith(prefix)]
        self._asked.update(wanted)
        return self._several(wanted) or _absent(prefix, self.answer)

    def section(self, title: str, *prefixes: str, words: str = "") -> Fragment | None:
        """A heading, ``words`` and all exhibits not shown so far whose id is one of ``prefixes`` or begins with one, in the order of these.

        A star in a prefix stands for one part of an id: ``incidents.*.chart`` is the chart of every outcome.
        Nothing at all, not even the heading, where the chapter has none of them.
        """
        wanted: list[str] = []
        for prefix in prefixes:
            begins = re.compile(re.escape(prefix).replace(r"\*", "[^.]+"))
            mine = (item.id for item in self.answer.exhibits if begins.match(item.id))
            wanted += [name for name in mine if name not in self._asked and name not in wanted]
        self._asked.update(wanted)
        shown = self._several(wanted)
        if shown is None:
            return None
        html = f"<h2>{_escape(title)}</h2>" + (f"<p>{_escape(words)}</p>" if words else "") + shown.html
        return Fragment(html, "\n\n".join(filter(None, [title, words, shown.text])))

    def show_rest(self, *, but: tuple[str, ...] = ()) -> Fragment | None:
        """Every exhibit that no ``show`` before this has asked for, without those in ``but``: nothing stays unseen."""
        return self._several([item.id for item in self.answer.exhibits if item.id not in self._asked and item.id not in but])

    def _several(self, wanted: list[str]) -> Fragment | None:
        shown = [self._drawn(name)._repr_mimebundle_() for name in wanted]
        if not shown:
            return None
        return Fragment("\n".join(each["text/html"] for each in shown), "\n\n".join(each["text/plain"] for each in shown))

    def estimates(self) -> Fragment:
        """The chapter's results as a table, with the full-precision rows of estimates.csv beside it for programs."""
        status = {row["id"]: row["status"] for row in self._rows}
        text = "\n".join(result.estimate.statement() for result in self.answer.results) or "no estimates"
        return Fragment(self._banner() + estimates_table(self.answer, status), text, bundle={ESTIMATES_MIME: self._rows})

    def methods(self) -> Fragment:
        """How the numbers came about, as text for a methods section."""
        return Fragment(methods_html(self.answer), "\n".join(self.answer.methods))

    def gaps(self) -> Fragment:
        """What these data cannot answer, and what would unlock it."""
        return Fragment(gaps_html(self.answer.gaps), "\n".join(f"{gap.question}: {gap.reason}" for gap in self.answer.gaps))

    def __repr__(self) -> str:
        return f"<Chapter {self.answer.chapter}: {len(self.answer.results)} estimates, {len(self.answer.exhibits)} exhibits>"

    def _repr_html_(self) -> str:
        return self.lead().html


def _escape(text: str) -> str:
    from html import escape

    return escape(text)


def _kept(shown: Any, folder: Path, stem: str) -> Fragment:
    """A figure or table as a page shows it, under the name by which the page refers to it; a figure's files are written on the way."""
    bundle = shown._repr_mimebundle_() if not hasattr(shown, "figure") else {"text/plain": f"{shown.caption}\n{shown.alt}"}
    if hasattr(shown, "figure"):
        picture = shown.render("png")
        (folder / f"{stem}.png").write_bytes(picture)
        (folder / f"{stem}.svg").write_bytes(shown.render("svg"))
        bundle["text/html"] = shown.as_html(picture)
    return Fragment(exhibit_html(stem, bundle["text/html"]), bundle["text/plain"])


def _absent(exhibit_id: str, answer: Answer) -> Fragment:
    if len(answer.gaps) == 1:
        reason = f"{answer.gaps[0].reason} {answer.gaps[0].unlock}"
    elif answer.gaps:
        reason = "what is missing is said at the top of this chapter."
    else:
        reason = ""
    text = f"Not shown ({exhibit_id}): {reason}" if reason else f"Nothing to show here ({exhibit_id})."
    return Fragment(f'<p class="absent">{_escape(text)}</p>', text)


def open_chapter(name: str, *, cohort: str | Path, **unused: Any) -> ChapterView:
    """One chapter of one cohort.

    name: cohort, retention, incidents or summary. cohort: the folder, as `resolve_cohort` finds it.

    Raises
    ------
    UsageError : unknown chapter or keyword, or ``cohort`` arrived as a number.
    CohortError : the data stop the work; the message names file, row and column.
    """
    if name not in NOTEBOOKS:
        raise UsageError(f"There is no chapter {name!r}.", fix=f"The chapters are {', '.join(NOTEBOOKS)}.")
    if unused:
        raise UsageError(f"open_chapter does not take {', '.join(unused)}.", fix="Its parameters are the chapter's name and cohort.")
    if not isinstance(cohort, str | Path) or not str(cohort).strip():
        resolve_cohort(cohort)  # explains, and raises
    staged = os.environ.get(RUN_VARIABLE)
    if staged:
        answer, planned = load_private(Path(staged) / f"{name}.pickle", name)
        return ChapterView(answer, planned, by_hand=False, figures=Path(staged) / "figures")
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.questions import CHAPTERS
    from mentorship_eval.report.answers import answer_chapters, protect_answers

    with told_in_notebook() as say:
        say(f"reading {cohort}")
        read = read_cohort(resolve_cohort(cohort))
        # the summary weighs what all others found, the costs what retention found; the others stand alone
        needed = check_chapters(None) if name == "summary" else [*CHAPTERS[name].needs, name]
        with told_to(lambda part: say(f"answering: {part}")):
            answers = answer_chapters(read, needed, say)
        say("protecting")
        shown, _ = protect_answers(answers, read)
    return ChapterView(shown[name], planned_outcomes(read.study.plan), by_hand=True)
