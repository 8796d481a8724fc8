"""What connectors know of providers: brought by their specs, read without importing them, all that the core knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from connectors.catalog import connector_catalog, installed_providers
from scanner.catalog import known_providers, providers_from
from scanner.matching import keys
from scanner.model.providers import Provider, Providers, find_providers, joined
from tests.factories import make_entry, make_identity

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def knowing() -> Iterator[None]:
    """Whatever a test makes known is forgotten after it."""
    yield
    providers_from(installed_providers)
    keys.forget()


def know(providers: Providers) -> None:
    """As if installed connectors brought these, and nothing else."""
    providers_from(lambda: providers)
    keys.forget()


@pytest.mark.parametrize("name", connector_catalog().names)
def test_the_file_beside_a_connector_is_what_its_spec_says(name: str) -> None:
    """Whichever of the two is read. One without identities of its own has an empty file."""
    folder = connector_catalog().module(name).rpartition(".")[0]
    spec = connector_catalog().load(name).spec

    assert find_providers(folder, name) == spec.providers
    assert bool(spec.providers) is bool(spec.kinds)


def test_no_connector_is_imported_for_it() -> None:
    """A command that compares ids starts as quickly as before."""
    code = "import sys; from connectors.catalog import installed_providers as read; known = sorted(read()); "
    code += "print(known, [name for name in sys.modules if name.endswith(('.connector', '.spec', '.sections'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert "'anthropic', 'aws', 'azure', 'gcp', 'github', " in done.stdout
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize("room", ["scanner/matching", "scanner/judging", "scanner/access", "reports/ocsf"])
def test_the_core_names_no_provider(room: str) -> None:
    """What is special about one is its connector's to say."""
    providers = set(installed_providers())
    named = {
        (path.name, node.value)
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in providers
    }

    assert named == set()


def test_a_connector_of_its_own_knows_a_provider_best() -> None:
    """Then the first that speaks of it; lists come last."""
    own, first, list_s = Provider(title="own"), Provider(title="first"), Provider(title="list")
    brought = joined((("cloud", {"crm": first, "erp": first}), ("crm", {"crm": own}), ("file", {"erp": list_s})))

    assert brought == {"crm": own, "erp": first}


@pytest.mark.usefixtures("knowing")
def test_no_nickname_takes_another_provider_s_name() -> None:
    """And of two that claim one nickname the first has it."""
    know({"one": Provider(also=("two", "both")), "two": Provider(also=("both",))})

    assert [keys.provider_key(text) for text in ("two", "both", "elsewhere")] == ["two", "one", "elsewhere"]


@pytest.mark.usefixtures("knowing")
def test_what_an_unknown_provider_issues_binds_to_no_one() -> None:
    """It compares exactly, and forms that are someone's elsewhere are no one's here."""
    know({})

    assert not keys.is_foreign("arn:aws:iam::123456789012:role/a", "vault")
    assert keys.as_compared("Ab", "azure") == "Ab"
    assert keys.place_of(make_entry("arn:aws:iam::012345678901:role/a", scope="12345678901"))[1] == "12345678901"
    assert keys.place_of(make_identity("a", provider="Amazon", scope="Prod")) == ("amazon", "prod")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"forms": ("(",)}, r"\( is not a regular expression"),
        ({"places": ("[",)}, r"\[ is not a regular expression"),
        ({"credential_ids": ({"like": "("},)}, r"\( is not a regular expression"),
        ({"actions": ("[a-z]+:.*",)}, "has no group service"),
        ({"ids": "Exact"}, "Invalid enum value"),
        ({"form": ()}, "unknown field `form`"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, object], said: str) -> None:
    """With what is wrong, when it is read and not when it is first asked."""
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(fields, Provider)


def test_that_no_one_said_what_is_known_is_an_error() -> None:
    """Forms that bind nothing would let a list's claim register someone."""
    code = "from scanner.matching.keys import provider_key; provider_key('aws')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)

    assert "LookupError: no source of providers is set" in done.stderr
    assert known_providers() == installed_providers()
