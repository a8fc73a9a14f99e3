"""Items to scores; the scoring keys are those of `inference.scales`, under the engine's name for those who look for them here."""

from __future__ import annotations

from mentorship_eval.inference.scales.keys import scoring_key, scoring_keys

__all__ = ["scoring_key", "scoring_keys"]
