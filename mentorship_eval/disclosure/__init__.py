"""What may leave the building: rules as data, and one ledger over everything that a run publishes."""

from mentorship_eval.disclosure.profiles import load_profile, profile_names, rule_named
from mentorship_eval.disclosure.protect import Ledger, protect
from mentorship_eval.disclosure.published import with_published_names
from mentorship_eval.disclosure.rules import Rule

__all__ = ["Ledger", "Rule", "load_profile", "profile_names", "protect", "rule_named", "with_published_names"]
