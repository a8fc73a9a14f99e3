"""A run: three passes (answer, protect, show) from a cohort folder to a published folder."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval import __version__
from mentorship_eval.errors import UsageError
from mentorship_eval.report.parameters import NOTEBOOKS, TITLES, check_chapters, cohort_label, resolve_cohort

if TYPE_CHECKING:
    import pandas as pd

    from mentorship_eval.cohort import Cohort
    from mentorship_eval.questions.answer import Answer
    from mentorship_eval.report.hidden import Hidden

__all__ = ["run_cohort"]

Progress = Callable[[str], Any]


def _silent(_: str) -> None:
    return None


def run_cohort(
    cohort: str | Path, *, out: str | Path = "reports", chapters: Iterable[str] | str | None = None, jobs: int = 2,
    progress: Progress | None = None, record: bool = True, earlier: Iterable[str | Path] = ()
) -> Path:
    """Evaluate one cohort and return the run folder ``OUT/<cohort>/<content key>``.

    chapters: names, or None for all; the summary is always made, over the chapters of the run. jobs: chapters and
    notebooks at a time. progress: called with one line per step. A run whose inputs, plan and software were run before is not
    repeated: its folder is returned as it is. What was evaluated is recorded in looks.csv beside study.yaml, unless it is simulated
    or ``record`` is False, as where a run is only checked. earlier: published runs of the cohort with which counts are compared, besides
    those that are found in ``OUT/<cohort>``.

    Raises
    ------
    UsageError : wrong parameters, or ``out`` cannot be written. DataError, CohortError : the data stop the work.
    In every case nothing is left behind.
    """
    say = progress or _silent
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs is {jobs!r}.", fix="It is a whole number of notebooks at a time, 1 or more.")
    names = check_chapters(chapters)
    folder = resolve_cohort(cohort)
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.report.answers import rule_of
    from mentorship_eval.report.earlier import EARLIER, answers_of, as_inputs, earlier_runs, standing_run
    from mentorship_eval.report.fingerprint import ingredients, key_of

    started = time.time()
    say(f"reading {cohort_label(folder)}")
    read = read_cohort(folder)
    parts = ingredients(read, names)
    beside = Path(out).expanduser().resolve() / parts["cohort"]
    given = list(earlier)
    compared = earlier_runs(beside, parts, rule_of(read), given)
    stands = standing_run(beside, parts, given)
    if compared:
        parts[EARLIER] = as_inputs(compared)
    key = key_of(parts)
    place = stands or beside / key[:12]
    if (place / "manifest.json").is_file():
        say("the same inputs, plan and software were run before: that report stands")
        from mentorship_eval.report.publish import name_latest

        name_latest(place)
        return place

    from mentorship_eval.cohort.study.looks import LOOKS_FILE, record_look
    from mentorship_eval.report.answers import answer_chapters, protect_answers
    from mentorship_eval.report.hidden import hidden_counts
    from mentorship_eval.report.publish import name_latest, unfinished

    answers = answer_chapters(read, names, say, jobs)
    if compared:
        say(f"compared with {len(compared)} earlier run(s) of this cohort")
    shown, withheld = protect_answers(answers, read, answers_of(compared), jobs)
    say(f"protected: {len(withheld)} item(s) with something withheld" if len(withheld) else "protected: nothing had to be withheld")
    if record and not (folder / "truth.json").is_file() and not record_look(read.study, read.files, folder):
        say(f"{LOOKS_FILE} cannot be written beside study.yaml: this evaluation is not recorded as a look at the programme")
    hidden = hidden_counts(answers.values(), shown, rule_of(read))
    with unfinished(place) as work:
        private = Path(tempfile.mkdtemp(prefix="mentorship-eval-"))
        try:
            _write(work.folder, private, read, shown, withheld, parts, key[:12], jobs, say, started, hidden)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        work.keep()
    name_latest(place)
    return place


def _write(
    folder: Path, private: Path, cohort: Cohort, answers: Mapping[str, Answer], withheld: pd.DataFrame, parts: dict[str, Any],
    key: str, jobs: int, say: Progress, started: float, hidden: list[Hidden]
) -> None:
    """Everything that the run publishes, into ``folder``; hidden: counts that must not be found in it."""
    from mentorship_eval.report import lint
    from mentorship_eval.report.answers import rule_of
    from mentorship_eval.report.document.write import DOCUMENTS
    from mentorship_eval.report.manifest import build_manifest, write_json

    _write_tables(folder, cohort, answers, withheld)
    notebooks = _show(folder, private, cohort, answers, parts["cohort"], jobs, say)
    secrets = lint.machine_paths(private, folder, cohort.folder), lint.person_ids(cohort.tables), hidden
    # typesetting leaves Python's lock free: pages are written, and everything looked through, meanwhile
    with ThreadPoolExecutor(1) as aside:
        documents = aside.submit(_write_documents, folder, cohort, answers, parts, key, jobs, say)
        try:
            _write_pages(folder, cohort, answers, notebooks, parts, key)
            seen = frozenset(path for path in folder.rglob("*") if path.name not in DOCUMENTS)
            lint.scan(folder, *secrets, only=seen)
        finally:
            documents.result()
    for blocked in rule_of(cohort).blocked_figures:
        for picture in (folder / "figures").glob(f"*.{blocked}"):
            picture.unlink()
    write_json(folder / "manifest.json", build_manifest(folder, cohort, parts, answers))
    ended = time.time()
    write_json(folder / "run_info.json", {
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ended)), "seconds": round(ended - started, 1), "jobs": jobs,
    })  # fmt: skip
    lint.scan(folder, *secrets, only=frozenset(folder.rglob("*")) - seen)


def _write_tables(folder: Path, cohort: Cohort, answers: Mapping[str, Answer], withheld: pd.DataFrame) -> None:
    """answers.json, estimates.csv, the logs, and the frames of every exhibit as they were protected."""
    from mentorship_eval.disclosure import with_published_names
    from mentorship_eval.report.answers import rule_of
    from mentorship_eval.report.cells import without_formulas
    from mentorship_eval.report.estimates import estimate_rows, estimates_csv, planned_outcomes
    from mentorship_eval.report.exhibits import file_stem
    from mentorship_eval.report.repairs import published_log
    from mentorship_eval.report.stored import store_answers

    def save(frame: pd.DataFrame, name: str) -> None:
        without_formulas(frame).to_csv(folder / name, index=False, lineterminator="\n", encoding="utf-8")

    planned = planned_outcomes(cohort.study.plan)
    store_answers(folder, answers, planned)
    rows = estimate_rows(answers.values(), planned)
    (folder / "estimates.csv").write_text(estimates_csv(rows), encoding="utf-8", newline="")
    save(published_log(cohort, rule_of(cohort)), "repair_log.csv")
    save(withheld, "disclosure_log.csv")
    (folder / "tables").mkdir()
    (folder / "figures").mkdir()
    for answer in answers.values():
        for exhibit in answer.exhibits:
            for part, frame in exhibit.frames.items():
                stem = file_stem(exhibit.id) + ("" if part == "rows" else f"-{file_stem(part)}")
                save(with_published_names(frame, exhibit.counted.get(part), rule_of(cohort)), f"tables/{stem}.csv")


def _show(
    folder: Path, private: Path, cohort: Cohort, answers: Mapping[str, Answer], label: str, jobs: int, say: Progress
) -> dict[str, Any]:
    """Run the notebooks over the protected answers; figures and executed notebooks go into ``folder``."""
    from mentorship_eval.report.notebook_tools import load_notebook_tools

    load_notebook_tools()
    import nbformat

    from mentorship_eval.report.cache import store_private
    from mentorship_eval.report.chapter import RUN_VARIABLE
    from mentorship_eval.report.estimates import planned_outcomes
    from mentorship_eval.report.execute import execute_chapters
    from mentorship_eval.report.kernel import kernel_variables, surroundings

    planned = planned_outcomes(cohort.study.plan)
    for name, answer in answers.items():
        store_private(private / f"{name}.pickle", name, (answer, planned))
    (private / "figures").mkdir()
    (private / "work").mkdir()
    with surroundings({**kernel_variables(private), RUN_VARIABLE: str(private)}):
        notebooks = execute_chapters(list(answers), {"cohort": label}, private / "work", jobs=jobs, progress=say)
    for picture in sorted((private / "figures").iterdir()):
        shutil.copyfile(picture, folder / "figures" / picture.name)
    (folder / "notebooks").mkdir()
    for name, notebook in notebooks.items():
        text = nbformat.writes(notebook, version=4)
        (folder / "notebooks" / f"{NOTEBOOKS[name]}.ipynb").write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    return notebooks


def _write_pages(
    folder: Path, cohort: Cohort, answers: Mapping[str, Answer], notebooks: Mapping[str, Any], parts: Mapping[str, Any], key: str
) -> None:
    """index.html and one page per chapter."""
    from mentorship_eval.report.answers import rule_of
    from mentorship_eval.report.index import index_html
    from mentorship_eval.report.numbering import exhibit_numbers
    from mentorship_eval.report.page import chapter_html, navigation, style_sheet

    rule = rule_of(cohort)
    pages = {f"{NOTEBOOKS[name]}.html": TITLES[name] for name in answers}
    common = {"cohort": parts["cohort"], "key": key, "version": __version__, "style": style_sheet(),
              "unprotected": "" if rule.active else rule.describe()}
    beside = {path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.suffix.lstrip(".") not in rule.blocked_figures}
    for name, notebook in notebooks.items():
        href = f"{NOTEBOOKS[name]}.html"
        page = {**common, "title": TITLES[name], "nav": navigation(pages, href)}
        html = chapter_html(notebook, page, numbers=exhibit_numbers(answers[name]), files=beside)
        (folder / href).write_text(html, encoding="utf-8", newline="\n")
    facts = _facts(parts, key)
    page = {**common, "nav": navigation(pages, "index.html")}
    text = index_html(answers, cohort, page=page, pages=pages, facts=facts, disclosure=rule.describe())
    (folder / "index.html").write_text(text, encoding="utf-8", newline="\n")


def _facts(parts: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    """Label and value of what is needed to make the report again."""
    versions = ", ".join(f"{name} {version}" for name, version in parts["versions"].items() if version != "not installed")
    return [
        ("Command", f"mentorship-eval run {parts['cohort']}" + ("" if set(parts["chapters"]) == set(NOTEBOOKS)
                                                                else f" --chapters {','.join(parts['chapters'])}")),
        ("Content key", key),
        ("Evaluation of this programme", f"number {parts['look']['number']} on record"),
        ("Cohort (sha256)", parts["cohort_sha256"]),
        ("Package", f"mentorship-eval {__version__}, source {parts['source_sha256'][:12]}"),
        ("Software", versions),
    ]


def _write_documents(
    folder: Path, cohort: Cohort, answers: Mapping[str, Answer], parts: Mapping[str, Any], key: str, jobs: int, say: Progress
) -> None:
    """report.pdf and report.docx: the same as the pages, from the same answers and figures."""
    from mentorship_eval.report.answers import rule_of
    from mentorship_eval.report.document import About, write_documents
    from mentorship_eval.report.estimates import planned_outcomes
    from mentorship_eval.report.index import window_words

    rule = rule_of(cohort)
    about = About(
        name=cohort.name or parts["cohort"], label=parts["cohort"], window=window_words(cohort), key=key, version=__version__,
        disclosure=rule.describe(), unprotected="" if rule.active else rule.describe(), facts=tuple(_facts(parts, key)),
    )  # fmt: skip
    write_documents(folder, answers, planned_outcomes(cohort.study.plan), about, jobs=jobs, vector="svg" not in rule.blocked_figures)
    say("wrote report.pdf and report.docx")
