"""The verb match."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mentorship_eval.errors import UsageError
from mentorship_eval.report.parameters import resolve_cohort

if TYPE_CHECKING:
    import pandas as pd

    from mentorship_eval.cli.decisions import Decisions
    from mentorship_eval.matching import Proposal
    from mentorship_eval.questions.next_wave import NextWave

__all__ = ["propose_pairs"]


def propose_pairs(cohort: str, out: str, decisions: str | None, weights: tuple[str, ...], **settings: Any) -> None:
    """Write a new folder of tables and a page to decide by; print how good the pairs are beside chance and the last wave.

    settings: keys of ``matching`` in study.yaml that the command line overrides; None leaves them as they are there.
    """
    if Path(out).exists():
        raise UsageError(f"{out} exists already.", fix="Name another folder; nothing is written over.")
    if any((above / "manifest.json").is_file() for above in Path(out).absolute().parents):
        raise UsageError(f"{out} lies in the folder of a report.", fix="Proposals tell of single people: keep them with the data.")
    overriding = _weights(weights)
    from mentorship_eval.cli.decisions import Decisions, read_decisions
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.matching import Weights, propose
    from mentorship_eval.questions.next_wave import last_wave_scores, next_wave
    from mentorship_eval.questions.wave_rows import wave_rows
    from mentorship_eval.report.pairing.page import pairs_html
    from mentorship_eval.report.pairing.words import Round, sentences

    data = read_cohort(resolve_cohort(cohort))
    choice = data.study.matching.model_copy(update={name: value for name, value in settings.items() if value is not None})
    chosen = Weights(**{**choice.weights.given, **overriding})
    wave = next_wave(data, choice)
    decided = Decisions()
    if decisions is not None:
        decided = read_decisions(decisions, wave.pool, wave.left_out[wave.left_out["role"] == "mentor"].set_index("staff_id")["why"].to_dict())
    proposal = propose(wave.pool, chosen, keep=decided.keep, refused=decided.refused, draws=choice.draws, seed=choice.seed,
        scarce=choice.scarce)
    pairs = _to_decide(proposal, wave, decided)
    rows, notes = wave_rows(data, pairs[pairs["status"] == "kept"], wave.day)
    frames = {"proposal.csv": pairs, "unmatched.csv": proposal.unmatched, "left_out.csv": wave.left_out, "matches.csv": rows}
    made = Round(proposal, pairs, wave, chosen, choice, last_wave_scores(data, wave.day, chosen), notes)
    texts = {name: _csv(frame) for name, frame in frames.items()}
    key = hashlib.sha256("\n".join([data.hash, *texts.values()]).encode()).hexdigest()[:12]
    texts["pairs.html"] = pairs_html(made, cohort=data.name, key=key)
    _write(texts, Path(out))
    for text in sentences(made):
        click.echo(textwrap.fill(text, 100, subsequent_indent="  ", break_on_hyphens=False))
    click.echo(f"{out}: {', '.join(texts)}. They tell of single people: keep them with the data.")


def _to_decide(proposal: Proposal, wave: NextWave, decided: Decisions) -> pd.DataFrame:
    """The pairs with a column for decisions; below them those that were refused, so that one file carries all decisions on to the next round."""
    import pandas as pd

    kept = proposal.pairs["status"] == "kept"
    notes = proposal.pairs["mentor_id"].map(wave.remarks).fillna("")
    pairs = proposal.pairs.assign(mentor_note=notes, decision=kept.map({True: "accept", False: ""}))
    pairs.insert(3, "method", proposal.pairs["mentee_id"].isin(decided.by_hand).map({True: "manual", False: "algorithm"}))
    gone = pd.DataFrame(decided.refused, columns=["mentee_id", "mentor_id"]).assign(status="refused", decision="reject")
    whole = dict.fromkeys(("load_before", "load_after", "capacity"), "Int64")  # which stay whole numbers beside blanks
    return pd.concat([pairs.astype(whole), gone.reindex(columns=pairs.columns).astype(whole)], ignore_index=True) if len(gone) else pairs


def _weights(given: tuple[str, ...]) -> dict[str, float]:
    from dataclasses import fields

    from mentorship_eval.matching import Weights

    known, numbers = [each.name for each in fields(Weights)], {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = None
        if name not in known or number is None:
            raise UsageError(f"--weight {text} is not understood.", fix=f"For example --weight goals=0.5; names are {', '.join(known)}.")
        numbers[name] = number
    return numbers


def _csv(frame: pd.DataFrame) -> str:
    from mentorship_eval.report.cells import without_formulas

    return str(without_formulas(frame).to_csv(index=False, lineterminator="\n"))


def _write(texts: Mapping[str, str], place: Path) -> None:
    """The whole folder or none."""
    beside = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.mkdtemp(dir=place.parent, prefix=".match-")
        for name, text in texts.items():
            (Path(beside) / name).write_text(text, encoding="utf-8", newline="\n")
        os.rename(beside, place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}.", fix="Choose another place with --out.") from None
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
