"""What a verification found: one `Check` per question, all of them a `Verdict`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "State", "Verdict"]

State = Literal["ok", "differs", "told", "not checked"]


@dataclass(frozen=True)
class Check:
    """One question and what came out.

    state: ok; differs (the verification fails); told (differs, but is no fault of the run); not checked. says: in one
    line; details: what exactly, a line each, in full.
    """

    name: str
    state: State
    says: str
    details: Sequence[str] = ()


@dataclass(frozen=True)
class Verdict:
    """All checks of one run. manifest_sha256: quoted in a paper, it pins every byte of the run."""

    run: str
    content_key: str
    manifest_sha256: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        return not any(check.state == "differs" for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run, "content_key": self.content_key, "manifest_sha256": self.manifest_sha256, "holds": self.holds,
            "checks": [{"name": check.name, "state": check.state, "says": check.says, "details": list(check.details)} for check in self.checks],
        }  # fmt: skip
