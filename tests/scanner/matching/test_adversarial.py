"""An identity that imitates a declared one is never registered, and the order of the lists does not matter."""

from __future__ import annotations

import string
import unicodedata
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.cases import scanned
from benchmarks.organisation import NOW, PLATFORMS, TAG_KEY, organisation
from benchmarks.organisation.rows import texts
from benchmarks.organisation.tricks import NAME_TRICKS
from benchmarks.organisation.workloads import Platform
from scanner.matching.ladder import match
from scanner.model import Identity, RegistryVerdict
from tests.examples import examples
from tests.factories import make_entry

NAMES = st.text(alphabet=f"{string.ascii_letters}{string.digits}-_.", min_size=3, max_size=30).filter(
    lambda name: any(char.isalpha() for char in name)
)
ANY_PLATFORM = st.sampled_from(PLATFORMS)
FREE_NAMES = next(one for one in PLATFORMS if one.provider == "azure")
EXACT = [one for one in PLATFORMS if one.exact]


def made(platform: Platform, name: str, *, seed: int) -> Identity:
    return platform.identity(name, platform.scopes[0], "payments", Random(seed))  # noqa: S311  # dice, and no secret


def verdict(identity: Identity, declared: str) -> RegistryVerdict:
    """What the only row there is, without a place, makes of it."""
    matching = match([identity], [make_entry(declared)], tag_keys=(TAG_KEY,), today=NOW.date())
    return matching.verdicts[identity.key]


def as_people_see_it(name: str) -> str:
    """Two names that are one by this are one to every provider that ignores case."""
    return unicodedata.normalize("NFC", name).lower()


@pytest.mark.parametrize("rung", ["key", "alias", "name"])
@pytest.mark.parametrize("trick", [trick for trick in NAME_TRICKS if trick != "something after it"])
@given(name=NAMES, platform=ANY_PLATFORM)
@examples(25)
def test_an_imitated_name_never_registers(trick: str, rung: str, name: str, platform: Platform) -> None:
    """However the original is written down; the original itself always is registered."""
    imitation = NAME_TRICKS[trick](name)
    assume(as_people_see_it(imitation) != as_people_see_it(name))
    original = made(platform, name, seed=1)
    written = {str(on): text for on, text in texts(original).items()}.get(rung, name)

    assert verdict(original, written).state == "registered"
    assert verdict(made(platform, imitation, seed=2), written).state == "unregistered"


@pytest.mark.parametrize("trick", [trick for trick in NAME_TRICKS if trick != "something after it"])
@given(name=NAMES, platform=ANY_PLATFORM)
@examples(25)
def test_an_imitated_beginning_never_fits_a_pattern(trick: str, name: str, platform: Platform) -> None:
    """Only what begins as the pattern does fits it; what comes after that is the pattern's to leave open."""
    imitation = f"{NAME_TRICKS[trick](name)}-01"
    assume(not imitation.lower().startswith(f"{name.lower()}-"))

    assert verdict(made(platform, f"{name}-01", seed=1), f"{name}-*").state == "registered"
    assert verdict(made(platform, imitation, seed=2), f"{name}-*").state == "unregistered"


@pytest.mark.parametrize("rung", ["key", "alias"])
@pytest.mark.parametrize("platform", EXACT, ids=lambda one: f"{one.provider}-{one.kind}")
@given(name=NAMES)
@examples(25)
def test_case_in_an_id_matters_where_the_provider_says_so(platform: Platform, rung: str, name: str) -> None:
    """A role called ``ETL`` is not the one whose full id ends in ``etl``."""
    forms = {str(on): text for on, text in texts(made(platform, name, seed=1)).items()}
    written = forms.get(rung, forms["key"])

    assert verdict(made(platform, name.swapcase(), seed=2), written).state == "unregistered"


@pytest.mark.parametrize("rung", ["key", "unique_id", "credential", "alias"])
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda one: f"{one.provider}-{one.kind}")
@given(name=NAMES, seed=st.integers(0, 10_000))
@examples(25)
def test_an_identity_named_like_an_id_is_never_registered(platform: Platform, rung: str, name: str, seed: int) -> None:
    """An id in a row means the identity that has it, not one with this name."""
    original = made(platform, name, seed=seed)
    forms = {str(on): text for on, text in texts(original).items()}
    written = forms.get(rung, forms["key"])
    imitation = made(FREE_NAMES, written, seed=seed + 1)
    for both in ([original, imitation], [imitation, original]):
        verdicts = match(both, [make_entry(written)], tag_keys=(TAG_KEY,), today=NOW.date()).verdicts

        assert verdicts[original.key].state == "registered"
        assert verdicts[imitation.key].state == "unregistered"


@pytest.mark.parametrize(
    "declared",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "AIDACKCEVSQ6C2EXAMPLE",
        "0d5f9c1e-8b7a-4c3d-9e2f-1a2b3c4d5e6f",
        "f" * 32,
        "123456789012345",
    ],
)
def test_what_only_ids_look_like_is_no_name(declared: str) -> None:
    """Also where the one who has the id was not seen: it may have been deleted, and its key's id be known to many."""
    assert verdict(made(FREE_NAMES, declared, seed=1), declared).state == "unregistered"


@given(seed=st.integers(1, 5), dice=st.randoms(use_true_random=False))
@examples(10)
def test_no_order_of_the_lists_changes_the_result(seed: int, dice: Random) -> None:
    """In any order of identities, rows and people, all verdicts and findings stay the same."""
    org = organisation(seed, 60)
    shuffled = {
        field: tuple(dice.sample(records, len(records)))
        for field, records in (("identities", org.identities), ("entries", org.entries), ("people", org.people))
    }

    assert scanned(msgspec.structs.replace(org, **shuffled)) == scanned(org)
