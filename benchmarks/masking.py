"""What masking finds of the secrets that gitleaks tests itself with, what it masks wrongly, and what it costs.

``python -m benchmarks masking [SAMPLES]``: so many secrets of each form, in each of the places that gitleaks' test
cases write them in. ``masking.toml`` has the forms, the texts, and those in which nothing is secret; the secrets
themselves are drawn when this runs.
"""

from __future__ import annotations

import random
import re
import string
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from re import _constants, _parser
from typing import Any

from msgspec import Struct

from benchmarks.estate import identities
from scanner.redaction.masking import mask
from scanner.redaction.shapes import public_id, without_secrets

SAMPLES = 2
LEAST = 0.95
"""The recall below which this fails."""
NAMES = 1_000_000
TIMED = 20_000
_WORDS = (
    "access", "api", "auth", "aws", "azure", "backup", "bot", "build", "cache", "cert", "ci", "client",
    "credential", "data", "deploy", "github", "heroku", "jira", "key", "keyvault", "kms", "lambda", "linear",
    "okta", "orders", "pass", "password", "pay", "pipeline", "private", "public", "pw", "reader", "reset",
    "rotation", "secret", "secrets", "sentry", "signing", "sync", "terraform", "token", "vault", "webhook",
    "writer",
)  # fmt: skip
_JOINTS = ("-", "_", ".", "/", "")
_FRAMES = (
    "{}", "svc-{}", "arn:aws:iam::123456789012:role/{}", "CN={},OU=Service Accounts,DC=acme,DC=example",
    "system:serviceaccount:prod:{}", "projects/acme-prod/serviceAccounts/{}@acme-prod.iam.gserviceaccount.com",
    "/subscriptions/0a1b2c3d-0000-4000-8000-00000000abcd/resourceGroups/{}", "{}@acme.example",
    "repo:acme/{}:ref:refs/heads/main", "ACME\\{}",
)  # fmt: skip
"""Of names: words that are in the names of secrets, too, and the forms of names."""


class Case(Struct, frozen=True):
    """A text with a secret in it. ``rule``: of gitleaks. ``place``: how it is written down."""

    rule: str
    place: str
    text: str
    secret: str


@cache
def data() -> Mapping[str, Any]:
    """Return the content of ``masking.toml``."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def cases(samples: int = SAMPLES, seed: int = 1) -> Iterator[Case]:
    """Yield the test cases, the same for a seed."""
    chance = random.Random(seed)  # no secret is made with it
    for rule, (name, form) in data()["secrets"].items():
        for place, text in data()["places"].items():
            for _ in range(samples):
                yield _case(rule, place, text.replace("{i}", name), form, chance)
    for rule, texts in data()["texts"].items():
        for text, form in texts:
            for _ in range(samples):
                yield _case(rule, "a text of its own", text, form, chance)


def _case(rule: str, place: str, text: str, form: str, chance: random.Random) -> Case:
    drawn = drawn_from(form, chance)
    # Where the form has a group, that is the secret, as in ``_gitlab_session=(…)``.
    found = re.fullmatch(form, drawn)
    secret = found[1] if found is not None and found.re.groups else drawn
    return Case(rule, place, text.replace("{s}", drawn), secret)


def drawn_from(form: str, chance: random.Random) -> str:
    """Return a random text that a pattern matches; of letters, digits and signs, with at least one digit if it may."""
    drawn = ""
    for _ in range(20):
        drawn = _drawn(_parsed(form), chance)
        if any(map(str.isdigit, drawn)):
            break
    return drawn


@cache
def _parsed(form: str) -> Any:
    return _parser.parse(form)


_WORD = string.ascii_letters + string.digits + "_"


def _drawn(parsed: Iterable[Any], chance: random.Random) -> str:
    """Draw from what ``re`` parsed: literals, classes, alternatives, groups, repetitions."""
    text = ""
    for kind, given in parsed:
        if kind is _constants.LITERAL:
            text += chr(given)
        elif kind is _constants.IN:
            text += chance.choice("".join(_members(given)))
        elif kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, repeated = given
            text += "".join(_drawn(repeated, chance) for _ in range(chance.randint(least, min(most, least + 40))))
        elif kind is _constants.SUBPATTERN:
            text += _drawn(given[-1], chance)
        elif kind is _constants.BRANCH:
            text += _drawn(chance.choice(given[1]), chance)
        else:
            raise ValueError(f"{kind} is not drawn from")
    return text


def _members(given: Iterable[Any]) -> Iterator[str]:
    for kind, what in given:
        if kind is _constants.RANGE:
            yield "".join(map(chr, range(what[0], what[1] + 1)))
        elif kind is _constants.CATEGORY:
            yield string.digits if what is _constants.CATEGORY_DIGIT else _WORD
        else:
            yield chr(what)


def is_kept(case: Case) -> bool:
    """Return whether a third of the secret, at least twelve characters in a row, is still there after masking."""
    masked, secret = without_secrets(case.text), case.secret
    size = min(len(secret), max(12, len(secret) // 3))
    # Of a secret that begins with words, such as ``access-production-``, only the rest has to go.
    places = range(len(secret) - size, max(0, len(secret) // 2 - size) - 1, -1)
    return any(secret[at : at + size] in masked for at in places)


def wrongly_masked() -> list[str]:
    """Return the texts without a secret in which something is masked."""
    return [text for texts in data()["nothing_secret"].values() for text in texts if without_secrets(text) != text]


def names(count: int, seed: int = 1) -> Iterator[str]:
    """Yield names and ids as engineers give them, with the words that names of secrets have."""
    chance = random.Random(seed)
    for _ in range(count):
        joint = chance.choice(_JOINTS)
        words = joint.join(chance.choices(_WORDS, k=chance.randint(1, 4)))
        number = chance.choice(("", f"{joint}{chance.randint(1, 9999)}", f"-{chance.getrandbits(40):x}"))
        yield chance.choice(_FRAMES).format(f"{words}{number}")


def masked_names(count: int) -> list[str]:
    """Return those of so many names that masking changes, as an id or in a sentence."""
    return [
        name
        for name in names(count)
        if public_id(name) != name or without_secrets(f"used by {name}") != f"used by {name}"
    ]


def microseconds(count: int) -> float:
    """Return what masking one identity costs, on average over so many; the best of five runs."""
    some = list(identities(count))
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for identity in some:
            mask(identity)
        best = min(best, time.process_time() - started)
    return best / count * 1e6


def main(arguments: Sequence[str]) -> int:
    """Print recall by place, what is missed, what is masked wrongly, and the cost. 1 below the goal."""
    every = list(cases(int(arguments[0]) if arguments else SAMPLES))
    kept = [case for case in every if is_kept(case)]
    recall = 1 - len(kept) / len(every)
    print(f"{len(every):,} secrets of {len({case.rule for case in every})} rules: recall {recall:.4f}")
    by_place, by_rule = (Counter(getattr(case, what) for case in kept) for what in ("place", "rule"))
    for counted in (by_place, by_rule):
        print("  kept: " + (", ".join(f"{what} {number}" for what, number in counted.most_common(20)) or "none"))
    wrong = wrongly_masked()
    texts = sum(map(len, data()["nothing_secret"].values()))
    print(f"{len(wrong)} of {texts} texts without a secret are masked in part")
    for text in wrong:
        print(f"  {text!r:.150}\n    {without_secrets(text)!r:.150}")
    names_masked = masked_names(NAMES)
    print(f"{len(names_masked)} of {NAMES:,} names are masked" + "".join(f"\n  {name}" for name in names_masked[:20]))
    print(f"{microseconds(TIMED):.1f} µs for an identity")
    return int(recall < LEAST or bool(names_masked))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
