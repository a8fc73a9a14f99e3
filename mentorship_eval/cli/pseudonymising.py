"""The verb pseudonymise: what was done to each file on stderr, the new files on stdout. No identifier and no key is ever printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mentorship_eval.errors import UsageError, listing

__all__ = ["kinds_of", "pseudonymise"]


def kinds_of(columns: Sequence[str], normalise: Sequence[str]) -> dict[str, str]:
    """Column -> how its identifiers are normalised: a bare KIND holds for all columns, COL=KIND for one."""
    from mentorship_eval.cohort.pseudonyms.hashing import KINDS

    kinds = dict.fromkeys(columns, "text")
    for word in sorted(normalise, key=lambda word: "=" in word):
        name, equals, kind = word.rpartition("=")
        if kind not in KINDS or (equals and name not in kinds):
            what = f"there is no kind {kind!r}" if kind not in KINDS else f"{name!r} is not a --column"
            raise UsageError(f"--normalise {word}: {what}.", fix=f"Give one of {', '.join(KINDS)}, or COL=KIND for one column.")
        kinds.update({name: kind} if equals else dict.fromkeys(columns, kind))
    return kinds


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def pseudonymise(
    files: Sequence[str], out: str, key_file: str, columns: Sequence[str], normalise: Sequence[str], drop: Sequence[str], cleared: Sequence[str],
    lookup: bool, **reading: Any,
) -> None:
    """Replace identifiers by pseudonyms in copies of ``files`` below ``out``."""
    from mentorship_eval.cohort.pseudonyms.files import pseudonymise_files
    from mentorship_eval.cohort.pseudonyms.hashing import KINDS
    from mentorship_eval.cohort.pseudonyms.keys import open_key
    from mentorship_eval.cohort.study.document import STUDY_FILE

    both = set(columns) & {*drop, *cleared} or set(drop) & set(cleared)
    if both:
        raise UsageError(f"{listing(sorted(both))} is named twice, to different ends.", fix="Name it under one option.")
    kinds = kinds_of(columns, normalise)
    place = Path(out).expanduser()
    key = open_key(key_file, place)
    done = pseudonymise_files(
        [Path(file).expanduser() for file in files], place, key, columns=kinds, drop=drop, cleared=cleared, lookup=lookup, **reading
    )
    for item in done:
        click.echo(f"{item.source.name}: {_many(item.rows, 'row')}", err=True)
        for name, cells in item.replaced.items():
            click.echo(f"  {name}: {_many(cells, 'cell')} replaced ({kinds[name]}: {KINDS[kinds[name]]})", err=True)
        if item.empty:
            click.echo(f"  {_many(item.empty, 'cell')} empty or marked as missing: empty in the copy", err=True)
        if item.odd:
            odd = _many(len(item.odd), "NHS number")
            click.echo(f"  {odd} with a wrong check digit (row {listing(item.odd)}): a mistyped one links to nobody", err=True)
        if item.spelt:
            spelt = _many(len(item.spelt), "identifier")
            where = f"(row {listing(item.spelt)})"
            click.echo(f"  {spelt} spelt in another way than before {where} and taken as the same: two people, if capitals count", err=True)
        if item.short:
            click.echo(f"  {_many(item.short, 'row')} with fewer fields than the header: the rest is empty", err=True)
        if reading["header_row"] > 1:
            click.echo(f"  rows above row {reading['header_row']} left out", err=True)
        if item.dropped:
            click.echo(f"  left out: {listing(item.dropped, 20)}", err=True)
        click.echo(f"  kept as they are: {listing(item.kept, 20) or 'no other column'}", err=True)
        if (item.source.resolve().parent / STUDY_FILE).is_file():
            click.echo(f"  {item.source.name} with its identifiers stands in a cohort folder: move it out of there.", err=True)
    if key.new:
        click.echo(f"A new key was made: {key.path}. Whoever has it can test whom a pseudonym stands for; without it no later file links.", err=True)
    if lookup:
        click.echo(f"Lookup: {key.path}.lookup.csv, as secret as the key.", err=True)
    for item in done:
        click.echo(str(item.target))
