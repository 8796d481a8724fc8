"""The data: every number in its standard's own form, every rule a rule that there is."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from scanner.rules.catalog import RULES
from scanner.rules.controls.frameworks import Control, Framework, cited, controls_of, frameworks, usually_cited

RULE_IDS = [rule.id for rule in RULES]
EVERY = list(frameworks().values())
BY_ID = pytest.mark.parametrize("framework", EVERY, ids=[one.id for one in EVERY])
NUMBER = {
    "cis-aws": r"[12]\.\d{1,2}",
    "cis-azure": r"5\.(3\.)?\d{1,2}",
    "cis-controls": r"[56]\.[1-8]",
    "cis-gcp": r"[14]\.\d{1,2}",
    "cis-kubernetes": r"5\.1\.\d{1,2}",
    "eu-ai-act": r"Art\. \d{1,3}(\(\d{1,2}\))?",
    "iso-27001": r"A\.[5-8]\.\d{1,2}",
    "nist-800": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
    "owasp-agentic": r"ASI(0[1-9]|10)",
    "owasp-nhi": r"NHI([1-9]|10)",
    "pci-dss": r"\d(\.\d{1,2}){2,3}",
    "soc2": r"CC[1-9]\.\d",
}


@BY_ID
def test_numbers_have_the_form_of_their_standard(framework: Framework) -> None:
    """One that was mistyped would send an auditor nowhere."""
    form = next(form for name, form in NUMBER.items() if framework.id.startswith(f"{name}-"))
    numbers = [control.number for control in framework.controls]

    assert [number for number in numbers if not re.fullmatch(form, number)] == []
    assert len(set(numbers)) == len(numbers)


@BY_ID
def test_every_rule_that_is_named_is_a_rule(framework: Framework) -> None:
    """Each once a control, in order; a renamed rule takes its controls along."""
    for control in framework.controls:
        assert set(control.rules) <= set(RULE_IDS)
        assert list(control.rules) == sorted(set(control.rules))


@BY_ID
def test_a_framework_says_where_it_is_from(framework: Framework) -> None:
    """Its file is named after it, its pages are on the web, its publisher's fits on a line."""
    assert files("scanner.rules.controls").joinpath(f"{framework.id}.toml").is_file()
    assert framework.source.startswith("https://")
    assert len(framework.source) < 78
    assert framework.checked_against is None or framework.checked_against.startswith("https://")
    assert all(control.title[0].isupper() and not control.title.endswith(".") for control in framework.controls)


@pytest.mark.parametrize("rule", RULE_IDS)
def test_every_rule_is_evidence_for_something(rule: str) -> None:
    """Of the list that is about nothing but such identities at least."""
    assert controls_of(rule, {"owasp-nhi-2025"})


def test_findings_cite_one_version_of_a_standard() -> None:
    """The numbers of two beside each other would read as two demands."""
    cited_names = [name.rpartition("-")[0] for name in usually_cited()]

    assert len(set(cited_names)) == len(cited_names)
    assert {one.provider for one in EVERY if one.cited} >= {"aws", "azure", "gcp", "kubernetes"}


@pytest.mark.parametrize("rule", RULE_IDS)
def test_a_finding_is_not_flooded(rule: str) -> None:
    """Code-scanning hosts show nine of them beside their own tag."""
    for provider in ("aws", "azure", "gcp", "kubernetes", "vault", None):
        assert 0 < len(cited(rule, provider, is_agent=True, chosen=None)) <= 9, provider


def test_what_is_general_is_cited_first() -> None:
    """A table or host that shows the first few shows what holds for every cloud."""
    controls = cited("admin", "aws", is_agent=True, chosen=None)

    assert [control.partition(":")[0] for control in dict.fromkeys(controls)][-1] == "cis-aws-3.0.0"
    assert controls[-2].startswith("owasp-agentic-2026")


def test_a_law_that_depends_on_the_use_is_never_cited_unasked() -> None:
    """What an agent is used for no scan can know."""
    maybe = {one.id for one in EVERY if one.relation == "may apply"}

    assert maybe == {"eu-ai-act-2024"}
    assert maybe.isdisjoint(usually_cited())


@pytest.mark.parametrize(
    ("number", "versions"),
    [
        ("root_access_key", {"3.0.0": "1.4", "5.0.0": "1.3", "6.0.0": "2.3", "7.0.0": "2.4"}),
        ("two_active_keys", {"3.0.0": "1.13", "5.0.0": "1.12", "6.0.0": "2.12"}),
    ],
)
def test_numbers_move_between_versions(number: str, versions: dict[str, str]) -> None:
    """The same demand stands under another number in each, and is gone from the newest."""
    names = [name for name in frameworks() if name.startswith("cis-aws-")]

    assert controls_of(number, names) == tuple(f"cis-aws-{version}:{one}" for version, one in versions.items())


def test_the_data_is_read_strictly() -> None:
    """An unknown key is a typing error."""
    assert Framework.__struct_config__.forbid_unknown_fields
    assert Control.__struct_config__.forbid_unknown_fields
