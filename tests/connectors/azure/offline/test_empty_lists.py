"""An empty list says by the path of its file of what it is, and of nothing whose name only ends like that."""

from __future__ import annotations

import pytest

from connectors.azure.offline.export import EVER, Export


@pytest.mark.parametrize(
    ("file", "word", "name", "expected"),
    [
        ("federated-app.json", "federated", "app", True),
        ("federated/app.json", "federated", "App", True),
        ("federated-my-app.json", "federated", "app", False),
        ("secrets-prod.json", "secret", "prod", True),
        ("secrets-myprod.json", "secret", "prod", False),
        ("keys-secret-prod.json", "secret", "secret-prod", False),
        ("deny-1f6a.json", "deny", "1f6a", True),
    ],
)
def test_a_list_is_empty_for_what_its_file_names(file: str, word: str, name: str, *, expected: bool) -> None:
    """The word and the name, each once, with neutral words beside them."""
    export = Export(written_at=EVER, empty=[file])

    assert export.names_empty(word, name) is expected
