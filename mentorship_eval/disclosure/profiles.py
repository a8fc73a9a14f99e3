"""Disclosure profiles as data: ``resources/disclosure/NAME.yaml``, typed, and read into the `Rule` that a run applies."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mentorship_eval.disclosure.rules import Dominance, Rule
from mentorship_eval.errors import UsageError

__all__ = ["Profile", "load_profile", "profile_names", "read_profile", "rule_named"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Dominance(_Strict):
    largest: int = Field(ge=1, le=10)
    share: float = Field(gt=0, lt=1)
    p_ratio: float = Field(ge=0, lt=1)


class Profile(_Strict):
    """One file. says: the rule in a sentence. threshold: the smallest count that may be shown, 0 for no rule. zeros: whether a zero
    may be. mark, second_mark: what stands for a small count, and for one that is hidden to cover another. round: base to which counts are
    rounded, 0 for none. totals: the sum of their rounded parts, or rounded alone. curves: grid of the counts of survival curves.
    curve_threshold: of people at risk. extremes: whether minima and maxima may be shown. least_df: residual degrees of freedom that a
    regression needs. dominance: of sums of amounts. clusters: whether numbers of departments are counted like people. blocked_figures:
    file formats that are not written. point_digits: significant digits of points in vector graphics. source, reading: where the rule
    stands, and how it is read here.
    """

    says: str = Field(min_length=10)
    threshold: int = Field(ge=0, le=1000)
    zeros: Literal["shown", "disclosive"]
    mark: str
    second_mark: str
    round: int = Field(default=0, ge=0, le=1000)
    totals: Literal["parts", "alone"] = "alone"
    curves: Literal["exact", "midpoint6"] = "exact"
    curve_threshold: int = Field(default=0, ge=0)
    extremes: Literal["shown", "withheld"] = "shown"
    least_df: int = Field(default=0, ge=0)
    dominance: _Dominance | None = None
    clusters: Literal["shown", "counted"] = "shown"
    blocked_figures: tuple[str, ...] = ()
    point_digits: int = Field(default=0, ge=0, le=6)
    source: tuple[str, ...] = Field(min_length=1)
    reading: str = Field(min_length=10)

    @model_validator(mode="after")
    def _told_apart(self) -> Profile:
        if self.threshold and not self.mark:
            raise ValueError("a profile with a threshold needs a mark for what it withholds")
        if self.curves == "midpoint6" and not self.round:
            raise ValueError("the midpoint-6 grid belongs to a profile that rounds")
        return self


def _folder() -> Any:
    return files("mentorship_eval") / "resources" / "disclosure"


def profile_names() -> list[str]:
    """The profiles that can be named in study.yaml."""
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


def read_profile(text: str, name: str) -> Profile:
    """A profile from the text of its file. Raises `UsageError`, which names the file and the key."""
    try:
        return Profile.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"Disclosure profile {name}.yaml: {key}: {first['msg']}.", fix=f"The keys are {', '.join(Profile.model_fields)}.") from None
    except yaml.YAMLError as error:
        raise UsageError(f"Disclosure profile {name}.yaml is no YAML: {str(error).splitlines()[0]}.", fix="See the other profiles.") from None


@cache
def load_profile(name: str) -> Profile:
    """A shipped profile. Raises `UsageError` for an unknown name."""
    if name not in profile_names():
        raise UsageError(f"There is no disclosure profile {name!r}.", fix=f"There are {', '.join(profile_names())}.")
    return read_profile((_folder() / f"{name}.yaml").read_text(encoding="utf-8"), name)


def rule_named(name: str, *, threshold: int | None = None, round_to: int | None = None) -> Rule:
    """The rule of a profile, made stricter where told.

    threshold: a larger one than the profile's; round_to: a base to which counts are rounded, no smaller than the profile's.
    Raises `UsageError` for an unknown name, or where it would be looser.
    """
    profile = load_profile(name)
    dominance = None if profile.dominance is None else Dominance(**profile.dominance.model_dump())
    rule = Rule(
        profile.threshold, name, says=profile.says, zeros_disclosive=profile.zeros == "disclosive", mark_words=profile.mark,
        second_mark=profile.second_mark, round_to=profile.round, totals_of_parts=profile.totals == "parts",
        midpoint=6 if profile.curves == "midpoint6" else 0, curve_threshold=profile.curve_threshold,
        extremes_withheld=profile.extremes == "withheld", least_df=profile.least_df, dominance=dominance,
        clusters_counted=profile.clusters == "counted", blocked_figures=profile.blocked_figures, point_digits=profile.point_digits,
    )  # fmt: skip
    if name == "none" and (threshold or round_to):
        raise UsageError("The profile none has no threshold to change.", fix="Write a number, or the name of another profile.")
    if threshold is not None and threshold < profile.threshold:
        raise UsageError(f"Profile {name} shows counts from {profile.threshold} on; a threshold of {threshold} would be looser.",
                         fix="Give a larger one, or leave it out.")  # fmt: skip
    if round_to is not None and round_to < profile.round:
        raise UsageError(f"Profile {name} rounds to {profile.round}; {round_to} would be looser.", fix="Give a larger one, or leave it out.")
    if threshold is not None and threshold != rule.threshold:
        rule = replace(rule, threshold=threshold, name=f"{name} (threshold {threshold})")
    if round_to is not None and round_to != rule.round_to:
        rule = replace(rule, round_to=round_to, name=f"{rule.name}, rounded to {round_to}")
    return rule
