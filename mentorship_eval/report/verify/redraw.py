"""Every figure drawn again from answers.json, for which no data are needed, and compared byte by byte with the one that was published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mentorship_eval.errors import MentorshipEvalError
from mentorship_eval.report.verify.checked import Check

__all__ = ["FIGURES", "check_figures"]

FIGURES = "drawn again"


def check_figures(run: Path, progress: Callable[[str], Any] | None = None) -> Check:
    """PNG and SVG of each exhibit that has them. Bytes of a drawing depend on matplotlib and its fonts, so a difference counts only where the
    software is that of the run.
    """
    import matplotlib as mpl

    from mentorship_eval.report.exhibits import draw, file_stem
    from mentorship_eval.report.stored import load_answers

    say = progress or (lambda _: None)
    details, drawn = [], 0
    with mpl.rc_context():
        mpl.use("agg")
        for chapter, answer in load_answers(run)[0].items():
            say(f"drawing {chapter} again")
            for exhibit in answer.exhibits:
                there = {ending: run / "figures" / f"{file_stem(exhibit.id)}.{ending}" for ending in ("png", "svg")}
                if not any(path.is_file() for path in there.values()):
                    continue
                try:
                    shown: Any = draw(exhibit)
                    made = {ending: shown.render(ending) for ending in there}
                except (MentorshipEvalError, AttributeError, KeyError, TypeError, ValueError) as error:
                    details.append(f"{exhibit.id}: cannot be drawn from answers.json ({type(error).__name__})")
                    continue
                drawn += 1
                other = (path for ending, path in there.items() if not path.is_file() or path.read_bytes() != made[ending])
                details += [f"figures/{path.name}: other bytes" for path in other]
    if details:
        return Check(FIGURES, "differs", f"{len(details)} of {2 * drawn} pictures are not what answers.json draws", details)
    return Check(FIGURES, "ok", f"{drawn} figures drawn again from answers.json, byte for byte as PNG and SVG")
