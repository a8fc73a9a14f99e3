"""What a study says of its survey scales that no shipped scoring key does: the key ``surveys`` of study.yaml."""

from __future__ import annotations

from pydantic import Field, StrictBool, field_validator

from mentorship_eval.cohort.study.types import Strict
from mentorship_eval.inference.scales.known import TOTAL, known_key, known_scale, plain

__all__ = ["SurveyChoice", "same_instrument"]

Reading = StrictBool | dict[str, StrictBool]


class SurveyChoice(Strict):
    """What the study says of its survey scales."""

    higher_is_better: dict[str, Reading] = Field(
        default_factory=dict,
        description="of scales whose direction no shipped scoring key knows, by instrument, or by instrument and subscale: "
        "`{JOB-SATISFACTION: true, CASEY-FINK: {support: true, stress: false}}`. Without it their differences are told as higher or lower, "
        "never as a benefit or a harm. A shipped key is not to be contradicted",
    )

    @field_validator("higher_is_better", mode="before")
    @classmethod
    def _whether(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError("name the instruments, such as {JOB-SATISFACTION: true}")
        for name, said in value.items():
            inner = said.values() if isinstance(said, dict) else [said]
            if not all(isinstance(each, bool) for each in inner) or not list(inner):
                raise ValueError(f"{name}: write true or false, or one of them for each subscale")
        return value

    @field_validator("higher_is_better")
    @classmethod
    def _agrees(cls, value: dict[str, Reading]) -> dict[str, Reading]:
        twice = next((name for name in value if sum(same_instrument(name, other) for other in value) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands there twice, under two names")
        for name, said in value.items():
            for subscale, higher in _each(name, said):
                known = known_scale(name, subscale).higher_is_better
                if known is not None and known != higher:
                    whole = plain(subscale) in (TOTAL, "")
                    raise ValueError(
                        f"{name}{'' if whole else f' {subscale}'} is scored so that {'higher' if known else 'lower'} is better; its shipped key "
                        "cannot be contradicted. If your scores run the other way, turn them, or name the instrument otherwise"
                    )
        return value

    def reading(self, instrument: str, subscale: str) -> bool | None:
        """What is declared of a scale; None where nothing is."""
        said = next((said for name, said in self.higher_is_better.items() if same_instrument(name, instrument)), None)
        if isinstance(said, dict):
            wanted = plain(subscale) or TOTAL
            return next((higher for name, higher in said.items() if (plain(name) or TOTAL) == wanted), None)
        return said


def same_instrument(one: str, other: str) -> bool:
    """Whether two names are of one instrument: spelled alike, or both known to one scoring key."""
    key = known_key(one)
    return plain(one) == plain(other) or (key is not None and key == known_key(other))


def _each(instrument: str, said: Reading) -> list[tuple[str, bool]]:
    """What is declared, by subscale; one word for an instrument is of all that its key holds."""
    if isinstance(said, dict):
        return list(said.items())
    key = known_key(instrument)
    return [(part, said) for part in (*(key.subscales if key is not None else ()), TOTAL)]
