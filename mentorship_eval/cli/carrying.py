"""``new DIR --like OLD``: what the next cohort takes over from an earlier one, and what has to be changed by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import click

from mentorship_eval.errors import DataError, listing

__all__ = ["new_like"]


def _without_year(name: str) -> str:
    return re.sub(r"\s*[-–(]?\s*(?<!\d)(?:19|20)\d\d(?:[/–-]\d\d(?:\d\d)?)?(?!\d)\)?", "", name).strip() or name


def new_like(folder: str, like: str, make: Callable[[str], Path]) -> None:
    """Write a cohort folder after the model of ``like``; ``make`` makes the empty folder. Works from a folder with errors, and says what is lost."""
    from mentorship_eval.cohort import check_cohort, data_dictionary, write_templates
    from mentorship_eval.cohort.open_levels import levels_seen
    from mentorship_eval.cohort.schema.tables import TABLES
    from mentorship_eval.cohort.study.carry import carry_over
    from mentorship_eval.cohort.study.document import STUDY_FILE, load_study
    from mentorship_eval.cohort.study.looks import data_digest, plan_digest, read_looks
    from mentorship_eval.cohort.study.models import Earlier
    from mentorship_eval.report.parameters import resolve_cohort

    model = resolve_cohort(like)
    try:
        text = (model / STUDY_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{like} has no study.yaml that can be read.", fix="Name a cohort folder, or leave out --like.") from None
    lost: list[str] = []
    findings, cohort = check_cohort(model)
    levels: dict[str, dict[str, list[str]]] = {}
    earlier, programme = read_looks(model), model.name
    try:
        study = cohort.study if cohort else load_study(model)
    except DataError:
        study = None
        lost.append("the study file has errors: no hash of its plan, and they are carried over with it")
    if cohort is not None:
        levels, many = levels_seen(cohort)
        lost += [f"{column} holds too many kinds: its levels are not written" for column in many]
    elif study is not None:
        lost.append(f"the data have {findings.summary()}: the levels of its categories are not written")
    if study is not None:
        programme = study.study.programme or _without_year(study.name)
        data = data_digest(cohort.files) if cohort else ""
        if not data or data not in {look.data for look in earlier}:
            earlier.append(Earlier(name=study.name, start=study.study.start, end=study.study.end, plan=plan_digest(study), data=data))
        earlier = [*(look for look in study.study.earlier if look.data not in {known.data for known in earlier if known.data}), *earlier]
    else:
        earlier = earlier or [Earlier(name=model.name)]
    name = re.sub(r"[^\w .-]", " ", Path(folder).expanduser().resolve().name).strip() or "My cohort"
    carried = carry_over(text, name=name, programme=programme, earlier=earlier, levels=levels)

    path = make(folder)
    head = f"# Taken over from the cohort {model.name}. Lines with `# change:` stand above what has to be changed or confirmed.\n"
    (path / STUDY_FILE).write_text(head + carried.text, encoding="utf-8", newline="\n")
    sources = study.tables if study is not None else {}
    for recipe in sorted({source.recipe for source in sources.values() if source.recipe}):
        if not Path(recipe).is_absolute() and (model / recipe).is_file() and (model / recipe).resolve().is_relative_to(model.resolve()):
            (path / recipe).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model / recipe, path / recipe)
        elif "/" in recipe or recipe.endswith((".yaml", ".yml")):
            lost.append(f"the recipe {Path(recipe).name} stands outside the folder and was not copied")
    ours = {table: source for table, source in sources.items() if not source.columns and not source.recipe}
    plain = [table for table, source in ours.items() if source.file in (f"{table}.csv", [f"{table}.csv"])]
    if plain:
        write_templates(path, plain)
    write_templates(path / "templates", [table for table in TABLES if table not in plain])
    (path / "DATA_DICTIONARY.md").write_text(data_dictionary(), encoding="utf-8", newline="\n")
    for words in carried.done:
        click.echo(f"  {words}", err=True)
    for words in [*lost, *carried.lost]:
        click.echo(f"  not carried over: {words}", err=True)
    if earlier:
        names = listing([look.name for look in earlier])
        click.echo(f"  looks before this one: {names}. Take out of study.earlier what was never evaluated.", err=True)
    click.echo(f"Put in the new files, see to the lines marked `# change:`, then: mentorship-eval check {folder}", err=True)
    click.echo(str(path))
