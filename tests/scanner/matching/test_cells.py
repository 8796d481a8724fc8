"""What the cells of an entry name, by what exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.cells.places import provider_meant
from scanner.matching.cells.reading import Cells, may_be_several, read_cells
from scanner.model import Entry, Identity, Origin, ScanInfo, UnreadRow
from tests.factories import ACCOUNT, NOW, make_entry, make_identity, make_person

OTHER = "210987654321"
GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CLIENT = "cd92c1fe-c25e-4206-ba7b-b91e3911d8f1"
GONE = "3f2504e0-4f89-41d3-9a0c-0305e82c3302"
MAIL = "etl@acme-data.iam.gserviceaccount.com"
DN = "CN=svc-print,OU=Service Accounts,DC=acme,DC=example"


def identity(name: str, **facts: Any) -> Identity:
    return make_identity(**{"name": name, "key": f"arn:aws:iam::{ACCOUNT}:role/{name}", **facts})


def of_ad(name: str, **facts: Any) -> Identity:
    there = {"provider": "activedirectory", "scope": "acme.example", "kind": "user", "source": "ad"}
    return make_identity(**{**there, "name": name, "key": f"ad:acme.example:{name}", **facts})


ESTATE = (
    identity("deploy"),
    identity("billing"),
    identity("audit"),
    identity("twin"),
    identity("twin", scope=OTHER, key=f"arn:aws:iam::{OTHER}:role/twin"),
    identity("Smith, Jones & Co"),
    identity("ns/worker"),
    identity(
        "app",
        provider="azure",
        scope="sub",
        key="azure:app",
        unique_id=GUID,
        aliases=(CLIENT,),
        attributes={"scope_name": "Shop"},
    ),
    identity("etl", provider="gcp", scope="acme-data", key=MAIL),
    identity("vault", provider="vault", scope="hub", key="vault://hub/auth/approle/role/a, b"),
    of_ad("svc-print", aliases=(DN, "svc-print@acme.example")),
    of_ad("svc-scan", aliases=("ACME\\svc-scan",)),
)


def entry(*identities: str, row: int = 7, **facts: Any) -> Entry:
    return make_entry(*identities, id="E", origin=Origin(file="registry.csv", row=row), **facts)


def read(*entries: Entry, estate: Sequence[Identity] = ESTATE, **more: Any) -> Cells:
    return read_cells(entries, estate, **more)


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("deploy, billing", ["deploy", "billing"]),
        ("deploy / billing", ["deploy", "billing"]),
        ("deploy/billing", ["deploy", "billing"]),
        ("deploy | billing | audit", ["deploy", "billing", "audit"]),
        ("deploy & billing", ["deploy", "billing"]),
        ("deploy&billing", ["deploy", "billing"]),
        ("deploy\nbilling", ["deploy", "billing"]),
        ("deploy, billing und audit", ["deploy", "billing", "audit"]),
        ("deploy et billing", ["deploy", "billing"]),
        ("deploy と billing", ["deploy", "billing"]),
        ("deploy、billing", ["deploy", "billing"]),
        ("deploy, billing, deploy", ["deploy", "billing"]),
        (
            "deploy, arn:aws:iam::999999999999:role/not-scanned",
            ["deploy", "arn:aws:iam::999999999999:role/not-scanned"],
        ),
        ("arn:aws:iam::1:role/a,arn:aws:iam::1:role/b", ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"]),
        (f"{DN} / CN=x,DC=acme,DC=example", [DN, "CN=x,DC=acme,DC=example"]),
        ("svc-*, deploy", ["svc-*", "deploy"]),
        (f"{{{GUID.upper()}}}, {MAIL}", [GUID, MAIL]),
        # The whole cell is tried first.
        ("Smith, Jones & Co", ["Smith, Jones & Co"]),
        ("ns/worker", ["ns/worker"]),
        # Lists within a cell.
        ("• deploy\n• billing", ["deploy", "billing"]),
        ("1) deploy\n2) billing", ["deploy", "billing"]),
        ("- deploy", ["deploy"]),
        ("deploy,", ["deploy"]),
        ("deployとbilling", ["deploy", "billing"]),
        ("deploy、billingとaudit", ["deploy", "billing", "audit"]),
        ("Dienstkonto: deploy", ["deploy"]),
        ("role/deploy", [f"arn:aws:iam::{ACCOUNT}:role/deploy"]),
        # What has an id's form is never split.
        (f"arn:aws:iam::{ACCOUNT}:role/deploy", [f"arn:aws:iam::{ACCOUNT}:role/deploy"]),
        ("auth/approle/role/deploy", ["auth/approle/role/deploy"]),
        ("CN=deploy,OU=billing,DC=audit", ["CN=deploy,OU=billing,DC=audit"]),
        ("a-*/b", ["a-*/b"]),
        # Other spellings of an id.
        (f"{{{GUID}}}", [GUID]),
        (GUID.replace("-", ""), [GUID]),
        (GUID.upper(), [GUID.upper()]),
        (f"urn:uuid:{GUID}", [GUID]),
        (f"Shop App ({GUID})", [GUID]),
        (f"{GUID} (Shop App, prod)", [GUID]),
        (f"AppId: {GUID}", [GUID]),
        (f"serviceAccount:{MAIL}", [MAIL]),
        (f"projects/acme-data/serviceAccounts/{MAIL}", [MAIL]),
        (f"projects/-/serviceAccounts/{MAIL}", [MAIL]),
        (f"//iam.googleapis.com/projects/acme-data/serviceAccounts/{MAIL}", [MAIL]),
        ("cn=SVC-Print, ou=service  accounts, dc=ACME, dc=example", [DN]),
        (r"CN=svc\2dprint,OU=Service Accounts,DC=acme,DC=example", [DN]),
        (r"acme\SVC-SCAN", [r"acme\SVC-SCAN"]),
        (r"ACME\svc-print", ["ad:acme.example:svc-print"]),
        ("SVC-PRINT@ACME.EXAMPLE", ["SVC-PRINT@ACME.EXAMPLE"]),
        ('"deploy"', ["deploy"]),
        ("„deploy“", ["deploy"]),
        ("'deploy'", ["deploy"]),
        ('"deploy", "billing"', ["deploy", "billing"]),
        # A note falls away where exactly one identity has the rest as its name.
        ("deploy (do not delete)", ["deploy"]),
        ("deploy [Jenkins]", ["deploy"]),
        ("deploy (non cancellare)", ["deploy"]),
        ("deploy (no borrar)", ["deploy"]),
        ("deploy\uff08削除しないこと\uff09", ["deploy"]),
        ("deploy (do not delete), billing (monthly)", ["deploy", "billing"]),
        (f"app ({GUID})", ["app"]),
        (f"{CLIENT} \u2013 the portal", [CLIENT]),
        (f"{CLIENT} 配送ポータル", [CLIENT]),
        (f"portal {CLIENT}", [CLIENT]),
        (f"arn:aws:iam::{ACCOUNT}:role/deploy - the pipeline", [f"arn:aws:iam::{ACCOUNT}:role/deploy"]),
    ],
)
def test_a_cell_names_what_a_careful_colleague_reads(cell: str, named: list[str]) -> None:
    found = read(entry(cell))
    assert list(found.entries[0].identities) == named
    assert not found.warnings
    assert not found.for_identities


@pytest.mark.parametrize(
    ("cell", "stays", "candidates", "said"),
    [
        ("deploy, gone", ["deploy, gone"], ["deploy"], "gone was not found"),
        ("deploy and audits", ["deploy and audits"], ["deploy"], "audits was not found"),
        (
            f"arn:aws:iam::{ACCOUNT}:role/deploy, gone",
            [f"arn:aws:iam::{ACCOUNT}:role/deploy"],
            [],
            "role/deploy counts; gone was not found",
        ),
        (
            f"arn:aws:iam::{ACCOUNT}:role/deploy, billing, gone",
            [f"arn:aws:iam::{ACCOUNT}:role/deploy"],
            ["billing"],
            "billing may be meant; gone was not found",
        ),
        ("deploy (old)", ["deploy (old)"], ["deploy"], "may mean deploy, or another identity"),
        ("deploy (test)", ["deploy (test)"], ["deploy"], "may mean deploy"),
        ("deploy (alt)", ["deploy (alt)"], ["deploy"], "may mean deploy"),
        ("deploy (ersetzt durch billing)", ["deploy (ersetzt durch billing)"], ["deploy"], "may mean deploy"),
        ("deploy (sostituita)", ["deploy (sostituita)"], ["deploy"], "may mean deploy"),
        ("deploy (eliminadas)", ["deploy (eliminadas)"], ["deploy"], "may mean deploy"),
        ("deploy\uff08置換済\uff09", ["deploy\uff08置換済\uff09"], ["deploy"], "may mean deploy"),
        ("deploy\uff08検証用\uff09", ["deploy\uff08検証用\uff09"], ["deploy"], "may mean deploy"),
        ("deploy\uff08旧\uff09", ["deploy\uff08旧\uff09"], ["deploy"], "may mean deploy"),
        ("deploy (2)", ["deploy (2)"], ["deploy"], "may mean deploy"),
        ("deploy (billing)", ["deploy (billing)"], ["deploy"], "may mean deploy"),
        ("deploy - etl", ["deploy - etl"], ["deploy"], "may mean deploy"),
        ("twin (do not delete)", ["twin (do not delete)"], ["twin", "twin"], "may mean twin"),
        # The id of something gone: what has the name now is another one.
        (f"app ({GONE})", [f"app ({GONE})"], ["app"], "may mean app"),
        (f"app (id {GONE.upper()})", [f"app (id {GONE.upper()})"], ["app"], "may mean app"),
        (f"{GUID} (replaced)", [f"{GUID} (replaced)"], ["app"], "may mean"),
        ("alt: deploy", ["alt: deploy"], ["deploy"], "may mean deploy"),
        ("svc-print or svc-scan", ["svc-print or svc-scan"], ["svc-print", "svc-scan"], "mentions svc-print, svc-scan"),
        ("gone-1 -> svc-scan", ["gone-1 -> svc-scan"], ["svc-scan"], "mentions svc-scan"),
        ("alt: svc-print, neu: gone-1", ["alt: svc-print, neu: gone-1"], ["svc-print"], "mentions svc-print"),
        ("gone (ersetzt durch svc-scan)", ["gone (ersetzt durch svc-scan)"], ["svc-scan"], "mentions svc-scan"),
        ("svc-* (außer svc-scan)", ["svc-* (außer svc-scan)"], ["svc-scan"], "mentions svc-scan"),
        ("svc-* (nightly)", ["svc-* (nightly)"], [], "is no pattern with a note"),
    ],
)
def test_what_is_not_certain_is_a_candidate_with_one_warning(
    cell: str, stays: list[str], candidates: list[str], said: str
) -> None:
    found = read(entry(cell))
    assert list(found.entries[0].identities) == stays
    names = {one.key: one.name for one in ESTATE}
    assert sorted(names[key] for key in found.for_identities) == sorted(candidates)
    assert sorted(names[one.identity] for one in found.for_entries.get("E", ())) == sorted(candidates)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("registry.csv:7: ")
    assert said in found.warnings[0]


@pytest.mark.parametrize("cell", ["nobody, knows", "no/such/name", "x (y)", "*,*", "a;b", "()", "'", "Payments, EU"])
def test_a_cell_that_names_nothing_is_as_written_and_silent(cell: str) -> None:
    found = read(entry(cell))
    assert found.entries[0].identities == (cell,)
    assert not found.warnings


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("deploy", "gone"), ["registry.csv:7: gone was not found, beside deploy"]),
        (("deploy", "billing"), []),
        (("gone", "lost"), []),
        (("deploy", "arn:aws:iam::9:role/x", "svc-*", GUID.replace("3f", "4f"), "x@acme.example"), []),
    ],
)
def test_a_name_of_a_list_that_was_not_found_is_said(texts: tuple[str, ...], said: list[str]) -> None:
    found = read(entry(*texts))
    assert found.entries[0].identities == texts
    assert list(found.warnings) == said


def test_very_many_warnings_are_counted() -> None:
    found = read(*(entry("deploy, gone", row=row) for row in range(2, 302)))
    assert len(found.warnings) == 201
    assert found.warnings[-1] == "100 more cells of registries are unclear"


def test_a_part_in_another_place_is_not_meant() -> None:
    found = read(entry("deploy, twin", scope=OTHER))
    assert found.entries[0].identities == ("deploy, twin",)
    assert list(found.for_identities) == [f"arn:aws:iam::{OTHER}:role/twin"]


def test_a_note_falls_away_where_the_place_makes_the_name_unique() -> None:
    assert read(entry("twin (Jenkins)", scope=OTHER)).entries[0].identities == ("twin",)


def test_a_split_cell_stays_split_when_one_of_its_identities_is_deleted() -> None:
    cell = entry("deploy, deleted")
    assert read(cell, before=[("deploy", "deleted")]).entries[0].identities == ("deploy", "deleted")
    assert read(cell, before=[("deploy",), ("deleted",)]).entries[0].identities == ("deploy, deleted",)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AWS IAM", "aws"),
        ("Amazon AWS", "aws"),
        ("AWS (prod)", "aws"),
        ("Entra ID", "azure"),
        ("Microsoft Entra ID (Tenant 1)", "azure"),
        ("Azure AD", "azure"),
        ("AD", "activedirectory"),
        ("Active Directory", "activedirectory"),
        ("AD on-prem", "activedirectory"),
        ("GCP", "gcp"),
        ("Google Cloud", "gcp"),
        ("n8n", "n8n"),
        ("AWS / Azure", None),
        ("Azure DevOps", None),
        ("Google Ads", None),
        ("google-ads", None),
        ("AWSX", None),
        ("mainframe", None),
        (None, None),
    ],
)
def test_provider_cells(written: str | None, meant: str | None) -> None:
    assert provider_meant(written, {"n8n"}) == meant


def test_a_provider_of_two_words_or_none_is_said_and_matches_nothing() -> None:
    found = read(entry("deploy", provider="AWS / Azure"), entry("deploy", provider="Kubernets", row=8))
    assert [one.provider for one in found.entries] == ["AWS / Azure", "Kubernets"]
    assert found.warnings[0].startswith('registry.csv:7: "AWS / Azure" is no provider that is scanned')
    assert "did you mean kubernetes?" in found.warnings[1]


def test_a_configured_provider_without_identities_is_known() -> None:
    assert not read(entry("x", provider="n8n"), providers=("n8n",)).warnings


@pytest.mark.parametrize(
    ("written", "facts", "meant"),
    [
        ("1234-5678-9012", {"provider": "aws"}, "123456789012"),
        ("'123456789012", {"provider": "aws"}, "123456789012"),
        ("prod (123456789012)", {"provider": "aws"}, "123456789012"),
        ("123456789012 - prod", {}, "123456789012"),
        ("prod (1234-5678-9012)", {}, "123456789012"),
        ("shop", {"provider": "azure"}, "sub"),
        ("Shop", {}, "sub"),
        ("Shop (Berlin)", {"provider": "Entra ID"}, "sub"),
        ("shop", {"provider": "aws"}, "shop"),
        ("123456789012345", {}, "123456789012345"),
        ("123456789012 / 210987654321", {}, "123456789012 / 210987654321"),
        ("acme-data", {}, "acme-data"),
    ],
)
def test_scope_cells(written: str, facts: dict[str, Any], meant: str) -> None:
    assert read(entry("x", scope=written, **facts)).entries[0].scope == meant


@pytest.mark.parametrize(
    ("extra", "identity", "scope"),
    [
        ({"Konto bei Amazon": "2109-8765-4321"}, "twin", OTHER),
        ({"Konto bei Amazon": f"prod ({OTHER})"}, "twin", OTHER),
        ({"Konto bei Amazon": "999999999999"}, "twin", None),
        ({"von": ACCOUNT, "nach": OTHER}, "twin", None),
        ({"Bemerkung": f"früher in {OTHER}, seit dem Umzug der Firma nach Köln im anderen Konto"}, "twin", None),
        ({"Konto bei Amazon": OTHER}, f"arn:aws:iam::{ACCOUNT}:role/deploy", None),
    ],
)
def test_an_account_under_an_unknown_heading_narrows(extra: dict[str, str], identity: str, scope: str | None) -> None:
    """A bare name would count in every account; narrowing never registers more."""
    assert read(entry(identity, extra=extra)).entries[0].scope == scope


def test_a_name_of_two_scopes_is_said() -> None:
    two = [identity(name, provider="azure", scope=name, attributes={"scope_name": "Shop"}) for name in ("s1", "s2")]
    found = read(entry("x", scope="shop", provider="azure"), estate=two)
    assert found.entries[0].scope == "shop"
    assert "is the name of s1, s2" in found.warnings[0]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("svc-a, svc-b", 2),
        ("svc-a / svc-b (monthly)", 2),
        ("svc-a und svc-b", 2),
        ("svc-a, svc-b & svc-c", 3),
        ("arn:aws:iam::1:role/a, arn:aws:iam::1:role/b", 0),
        (DN, 0),
        ("deploy and audit the shop", 0),
        ("svc-a", 0),
        ("ns/worker", 0),
    ],
)
def test_what_may_be_several_before_a_scan(cell: str, names: int) -> None:
    assert len(may_be_several(cell)) == names


CELLS = st.text(alphabet="ab \n,;/|&(){}[]\"'-=\\*:、\uff08\uff09と0", max_size=40)


@given(st.lists(CELLS.filter(lambda text: bool(text.strip())), min_size=1, max_size=3))
def test_reading_is_idempotent_and_never_ends_on_hostile_text(cells: list[str]) -> None:
    estate = [identity(name) for name in ("a", "b", "ab", "a b", "a, b", "a/b")]
    once = read(entry(*[cell.strip() for cell in cells]), estate=estate).entries
    assert read(*once, estate=estate).entries == once


@given(st.permutations(["a", "b", "c"]), st.sampled_from([", ", " / ", "|", " & ", "\n", " und ", ","]))
def test_all_separators_split_what_exists(names: list[str], separator: str) -> None:
    estate = [identity(name) for name in names]
    assert list(read(entry(separator.join(names)), estate=estate).entries[0].identities) == names


def test_a_row_that_is_set_aside_suggests_nothing() -> None:
    """Its entry is not judged, so nothing may refer to it; what the readable row suggests stays."""
    readable, aside = entry("etl (old)"), replace(entry("etl (alt)"), id="F")
    unread = UnreadRow(origin=aside.origin, why=("expires: soon is no date",), names=aside)
    inventory = Inventory(identities=(identity("etl"),))

    result = judge(
        inventory,
        Declared(entries=(readable,), unread=(unread,), people=(make_person("ada@example.com"),)),
        Remembered(),
        ScanInfo(id="1", started_at=NOW, finished_at=NOW, version="0"),
    )

    assert [one.entry for one in result.identities[0].registry.candidates] == [readable.id]
