"""From which clips, settings and code this model comes, so that it can be made again."""

from __future__ import annotations

from dataclasses import asdict

from ei_toolkit.config.settings import plain
from ei_toolkit.evaluation.run_log import code_version, data_hash, fingerprint, flatten
from ei_toolkit.report.html.markup import Html, Section, details, join, table, text
from ei_toolkit.report.project_summary import ProjectSummary


def provenance(facts: ProjectSummary) -> Section:
    """Hashes, the pinned deployment, and every setting that is not a default."""
    rows: list[tuple[object, ...]] = [
        ("code", _code(code_version())),
        ("window manifest, SHA-256", _code(data_hash(facts.config.paths))),
        ("fingerprint of settings, windows and code", _code(fingerprint(facts.config))),
    ]
    rows += [(f"eitk.lock: {key}", _code(value)) for key, value in (asdict(facts.lock) if facts.lock else {}).items()]
    shown = [
        (_code(key), _code(value))
        for key, value in facts.config.values()
        if facts.config.origin(key) != "default" and isinstance(value, (str, int, float))
    ] + _impulse(facts)
    parts = [table(("what", "value"), rows), details("Settings that are not defaults", table(("key", "value"), shown))]
    return Section("provenance", "Provenance", join(parts))


def _impulse(facts: ProjectSummary) -> list[tuple[Html, Html]]:
    return [
        (_code(f"impulse.{key}"), _code(value)) for key, value in flatten(plain(facts.config.settings.impulse)) if value
    ]


def _code(value: object) -> Html:
    return Html(f"<code>{text(value)}</code>")
