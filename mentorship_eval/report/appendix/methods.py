"""The methods text of an appendix, with what SAMPL (Lang and Altman 2013) asks for: intervals, sidedness, exact p-values, software and versions."""

from __future__ import annotations

from mentorship_eval.report.appendix.source import Source

__all__ = ["methods_paragraphs"]

_FIRST = ("numpy", "scipy", "pandas", "statsmodels", "lifelines", "matplotlib")  # those that a number of ours goes through


def methods_paragraphs(source: Source) -> list[tuple[str, tuple[str, ...]]]:
    """(heading, paragraphs) in the order of the report; what a chapter repeats of another stands once."""
    told: set[str] = set()
    parts: list[tuple[str, tuple[str, ...]]] = []
    for name, answer in source.answers.items():
        own = [text for text in answer.methods if text not in told] if name != "summary" else []
        told.update(own)
        if own:
            parts.append((answer.title, tuple(own)))
    common = (("Statistics in general", _general(source)), ("Software", _software(source)), ("Disclosure control", source.rule.describe()))
    return [*parts, *((heading, (text,)) for heading, text in common)]


def _general(source: Source) -> str:
    seed = source.manifest.get("seeds", {}).get("permutation")
    plan = source.manifest.get("plan", {})
    primary = ", ".join(str(each).replace("_", " ") for each in plan.get("primary", [])) if isinstance(plan, dict) else ""
    look = source.manifest.get("look", {}).get("number")
    sentences = [
        "Estimates are given with 95 % confidence intervals unless another level is named; tests are two-sided; p-values are exact to three "
        "decimals, below which “< 0.001” is written, and stand beside the estimate and its interval.",
        f"Primary outcomes of the analysis plan: {primary}." if primary else "",
        f"This is evaluation number {look} of this programme on record." if look else "",
        f"Random numbers (permutations, resampling) start from seed {seed}." if seed is not None else "",
    ]
    return " ".join(filter(None, sentences))


def _software(source: Source) -> str:
    manifest, package = source.manifest, source.manifest["package"]
    libraries = manifest.get("libraries", {})
    named = [f"{name} {libraries[name]}" for name in _FIRST if libraries.get(name, "not installed") != "not installed"]
    return (
        f"Analyses were made with {package['name']} {package['version']} (source {package['source_sha256'][:12]}) under Python {manifest['python']}"
        f" ({manifest['platform']}), with {', '.join(named)}. The report has the content key {source.key}; manifest.json beside it names every input "
        "and output by its hash, and the same inputs, plan and software give the same bytes."
    )
