"""Generates docs/reference/controls.md from the data."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from scanner.rules.controls.frameworks import CAVEAT, NO_RULE, Framework, applies_to, counted, frameworks

_HEAD = f"""\
# Controls

<!-- Made from the data by scanner/rules/controls/reference.py; a test holds the two equal. -->

The controls of common standards for which the [rules](rules.md) provide evidence. Control numbers change between
versions, so each version is its own framework. `muster rules --controls` prints the same list; `--framework` selects
one.

{CAVEAT}

Findings cite the frameworks marked *cited*. Choose others, or none, in the configuration:

```toml
[controls]
frameworks = ["cis-aws-5.0.0", "iso-27001-2022", "owasp-nhi-2025"]
```

Findings cite a framework for one cloud only on identities of that cloud, and a framework for AI agents only on agents.
*May apply* marks a law whose duties depend on what an agent is used for, which a scan cannot determine.
"""


def controls_markdown() -> str:
    """Return the document, ending in a line break."""
    return "\n".join((_HEAD, *_overview(), *_sections()))


def _overview() -> Iterator[str]:
    yield "| framework | title | version | publisher | | |"
    yield "|---|---|---|---|---|---|"
    for framework in frameworks().values():
        marks = (*("*cited*",) * framework.cited, *("*may apply*",) * (framework.relation == "may apply"))
        facts = (
            f"[`{framework.id}`](#{framework.id.replace('.', '')})",
            framework.title,
            framework.version,
            framework.publisher,
            ", ".join(marks),
        )
        yield f"| {' | '.join(facts)} | {counted(framework)} |"
    yield ""


def _sections() -> Iterator[str]:
    for framework in frameworks().values():
        yield from (
            f"## {framework.id}",
            "",
            _about(framework),
            "",
            "| control | requirement | rules |",
            "|---|---|---|",
        )
        for control in framework.controls:
            yield f"| {control.number} | {control.title} | {_linked(control.rules) or f'*{NO_RULE}*'} |"
        yield ""


def _about(framework: Framework) -> str:
    checked = f", numbers as in [this copy]({framework.checked_against})" if framework.checked_against else ""
    about = applies_to(framework)
    return f"[{framework.title}, {framework.version}]({framework.source}){checked}. {about[0].upper()}{about[1:]}."


def _linked(rules: Iterable[str]) -> str:
    return ", ".join(f"[`{rule}`](rules.md#{rule})" for rule in rules)


if __name__ == "__main__":
    sys.stdout.write(controls_markdown())
