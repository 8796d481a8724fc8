"""``muster registry`` from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanner.model.served import OwnerProposed
from scanner.store.store import open_store
from tests.cli.conftest import REGISTRY, Muster

HEAD = "key,provider,scope,kind,name,agent,id,owner,technical_owner,backup_owner,purpose,environment,status,expires\n"
OLD_SYNC = "saas:acme:old-sync,saas,acme,bot,old-sync,no,N-2,ada@example.com,,,,,,\n"
TRIAGE = "saas:acme:triage-agent,saas,acme,agent,triage-agent,yes,,ada@example.com,,,triage,prod,,\n"
NOBODYS = "saas:acme:invoice-bot,saas,acme,bot,invoice-bot,no,N-1,,,,,,,\n"


def _fill_in(estate: Path, *rows: str) -> None:
    (estate / "orphans.csv").write_text(HEAD + "".join(rows), encoding="utf-8")


def test_what_owners_filled_in_is_taken_back(estate: Path, muster: Muster) -> None:
    """One entry updated, one added under the next id, one row left alone; the diff on stdout, counts on stderr."""
    muster("scan")
    _fill_in(estate, OLD_SYNC, TRIAGE, NOBODYS)

    done = muster("registry", "adopt", "orphans.csv")

    assert (done.code, done.out) == (
        0,
        """\
@@ registry.csv:3 N-2 <- orphans.csv:2
- owner               left@example.com
+ owner               ada@example.com
@@ registry.csv: new entry <- orphans.csv:3
+ id                  N-4
+ name                triage-agent
+ kind                agent
+ purpose             triage
+ identities          saas:acme:triage-agent
+ provider            saas
+ scope               acme
+ owner               ada@example.com
+ environment         prod
""",
    )
    assert done.err == "written: 1 added, 1 updated; 1 row without an owner ignored\nbackup: registry.csv.bak\n"
    assert (estate / "registry.csv").read_text(encoding="utf-8") == (
        "id,identities,owner,status,name,kind,purpose,provider,scope,environment\n"
        "N-1,invoice-bot,ada@example.com,active,,,,,,\n"
        "N-2,old-sync,ada@example.com,active,,,,,,\n"
        "N-3,gone-bot,ada@example.com,active,,,,,,\n"
        "N-4,saas:acme:triage-agent,ada@example.com,,triage-agent,agent,triage,saas,acme,prod\n"
    )


def test_proposed_owners_are_taken_into_the_registry(estate: Path, muster: Muster) -> None:
    """Of each identity the last, under the name of who proposed it; not on top of a later review; never twice."""
    muster("scan")
    registry = (estate / "registry.csv").read_text(encoding="utf-8")
    at = datetime.now(UTC)
    with open_store(f"sqlite:///{estate}/muster.db") as store:
        for key, owner, when in (
            ("saas:acme:old-sync", "left@example.com", at - timedelta(days=2)),
            ("saas:acme:old-sync", "ada@example.com", at),
            ("saas:acme:invoice-bot", "left@example.com", at - timedelta(days=3)),
            ("saas:acme:unheard-of", "ada@example.com", at),
        ):
            store.served.append(OwnerProposed(identity=key, owner=owner, by="bo@example.com", at=when))
    reviewed = registry.replace("status", "status,last_reviewed").replace("active\n", f"active,{at:%Y-%m-%d}\n", 1)
    (estate / "registry.csv").write_text(reviewed, encoding="utf-8")

    done = muster("registry", "adopt", "--proposals")

    assert done.out == (
        f"@@ registry.csv:3 N-2 <- served page, bo@example.com on {at:%Y-%m-%d}\n"
        "- owner               left@example.com\n"
        "+ owner               ada@example.com\n"
    )
    assert done.err == (
        "written: 0 added, 1 updated; 1 proposal older than the last review ignored; "
        "1 proposal about identities that are gone ignored\nbackup: registry.csv.bak\n"
    )
    assert muster("registry", "adopt", "--proposals").err.startswith("nothing to change")
    assert muster("registry", "adopt", "orphans.csv", "--proposals").code == 2


def test_a_second_time_there_is_nothing_to_change(estate: Path, muster: Muster) -> None:
    """The same list again, and the registry stays byte for byte."""
    muster("scan")
    _fill_in(estate, OLD_SYNC, TRIAGE)
    muster("registry", "adopt", "orphans.csv")
    once = (estate / "registry.csv").read_bytes()

    done = muster("registry", "adopt", "orphans.csv")

    assert (done.code, done.out, done.err) == (0, "", "nothing to change\n")
    assert (estate / "registry.csv").read_bytes() == once


def test_without_a_scan_nothing_is_overwritten_by_a_look_alike(estate: Path, muster: Muster) -> None:
    """A name with a blank behind it is another one; that no scan could be asked is said."""
    _fill_in(estate, OLD_SYNC.replace("old-sync,", "old-sync ,").replace("N-2", ""))

    done = muster("registry", "adopt", "orphans.csv")

    assert done.code == 0
    assert "orphans.csv: there is no scan to check the keys against" in done.err
    assert "key: 'saas:acme:old-sync ' cannot be written as an identity of this registry; it was left out" in done.err
    assert (estate / "registry.csv").read_text(encoding="utf-8") == REGISTRY


def test_owners_are_looked_up_on_the_roster_that_is_named(estate: Path, muster: Muster) -> None:
    """It takes the place of the config's."""
    _fill_in(estate, TRIAGE)
    (estate / "hr.csv").write_text("email,status\nbob@example.com,active\n", encoding="utf-8")

    done = muster("registry", "adopt", "orphans.csv", "--dry-run", "--people", "hr.csv")

    assert "owner: ada@example.com is not on the roster" in done.err
    assert "not on the roster" not in muster("registry", "adopt", "orphans.csv", "--dry-run").err


def test_a_dry_run_only_prints(estate: Path, muster: Muster) -> None:
    """The same diff, and nothing written."""
    muster("scan")
    _fill_in(estate, TRIAGE)

    done = muster("registry", "adopt", "orphans.csv", "--dry-run")

    assert "+ owner               ada@example.com" in done.out
    assert done.err == "would be written: 1 added, 0 updated\n"
    assert (estate / "registry.csv").read_text(encoding="utf-8") == REGISTRY


def test_what_was_found_undeclared_is_drafted(estate: Path, muster: Muster) -> None:
    """From the latest scan, as proposed; what has been drafted is not drafted again."""
    muster("scan")

    first, second = muster("registry", "adopt"), muster("registry", "adopt")

    assert (first.code, first.err) == (0, "written: 1 added, 0 updated\nbackup: registry.csv.bak\n")
    assert "N-4,saas:acme:triage-agent,,proposed," in (estate / "registry.csv").read_text(encoding="utf-8")
    assert second.err == "nothing to change; skipped: 1 declared since\n"


def test_a_drafted_blast_radius_is_taken_back_as_declared(estate: Path, muster: Muster) -> None:
    """In words that the next scan compares: what is granted afterwards is beyond them."""
    bots = estate / "bots.csv"
    listed = bots.read_text(encoding="utf-8")
    bots.write_text(_with_privilege(listed, "normal"), encoding="utf-8")
    muster("scan")
    muster("registry", "adopt")
    (estate / "registry.csv").write_text(
        (estate / "registry.csv").read_text(encoding="utf-8").replace("proposed", "active"), encoding="utf-8"
    )

    def beyond() -> list[dict[str, str]]:
        muster("scan", "-o", "json:result.json")
        result = json.loads((estate / "result.json").read_text(encoding="utf-8"))
        return [one["evidence"] for one in result["findings"] if one["rule"] == "reach_beyond_declaration"]

    assert "0 identities; 1 scope" in (estate / "registry.csv").read_text(encoding="utf-8")
    assert beyond() == []
    bots.write_text(_with_privilege(listed, "admin"), encoding="utf-8")
    assert beyond() == [{"entry": "N-4", "declared": "0 identities", "found": "2 identities"}]
    shown = " ".join(muster("show", "triage-agent").out.split())
    assert "At worst, as far as is known, it can do everything in saas acme; within its reach are 2 other" in shown
    assert "as an admin: itself" in shown


def _with_privilege(listed: str, level: str) -> str:
    """The list, with a column of privileges: the agent's, and normal ones."""
    heading, *rows = listed.splitlines()
    rows = [f"{row},{level if 'triage-agent' in row else 'normal'}" for row in rows]
    return "\n".join((f"{heading},privilege", *rows, ""))


def test_drafting_registers_no_one(estate: Path, muster: Muster) -> None:
    """Twins, and anyone who names an owner for itself, stay unregistered and as severe as before."""
    with (estate / "bots.csv").open("a", encoding="utf-8") as bots:
        bots.write("saas:acme:1,invoice-b\u043et,saas,acme,bot,yes,2024-01-10,,,\n")
        bots.write('saas:acme:2,"invoice-bot ",saas,acme,bot,yes,2024-01-10,,,\n')
        bots.write("saas:acme:3,rogue-exfil-9,saas,acme,bot,yes,2024-01-10,,,owner=ada@example.com\n")
        bots.write("saas:acme:*,all*;of\\them,saas,acme,bot,yes,2024-01-10,,,\n")

    def judged() -> tuple[dict[str, tuple[str, str]], set[tuple[str, str]]]:
        muster("scan", "-o", "json:result.json")
        result = json.loads((estate / "result.json").read_text(encoding="utf-8"))
        states = {
            one["key"]: (one["registry"]["state"], one["ownership"]["state"])
            for one in result["identities"]
            if one["key"][-1] in "123*"
        }
        found = {(one["rule"], one["severity"]) for one in result["findings"] if one["identity"] in states}
        return states, found

    before, findings = judged()
    drafted = muster("registry", "adopt")
    after, findings_after = judged()

    assert before == after == dict.fromkeys(before, ("unregistered", "orphaned"))
    assert findings == {("unregistered", "medium"), ("lookalike", "high")}
    assert findings_after == {("runs_before_approval", "medium"), ("lookalike", "high")}
    assert 'a look-alike: "invoice-b\u043et" looks like "invoice-bot"' in drafted.err
    assert 'a look-alike: "invoice-bot " looks like "invoice-bot"' in drafted.err
    assert "rogue" not in drafted.err
    registry = (estate / "registry.csv").read_text(encoding="utf-8")
    assert "saas:acme:\\*" in registry
    assert "nothing to change" in muster("registry", "adopt").err


@pytest.mark.usefixtures("estate")
def test_drafts_need_a_scan(muster: Muster) -> None:
    """Without a store there is nothing to draft from."""
    assert muster("registry", "adopt").code == 2


def test_hostile_names_are_printed_harmlessly_and_within_80_columns(estate: Path, muster: Muster) -> None:
    """Neither escapes nor long names break a terminal."""
    _fill_in(estate, TRIAGE.replace("saas:acme:triage-agent", "x" * 200).replace(",triage,", ',"\x1b[2J\nred",'))

    done = muster("registry", "adopt", "orphans.csv", "--dry-run")

    assert "\\x1b[2J\\nred" in done.out
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_target_must_be_clear(estate: Path, muster: Muster) -> None:
    """Of several registries one is named; a new one is made; what is declared elsewhere is refused."""
    _fill_in(estate, TRIAGE)
    config = (estate / "config.toml").read_text(encoding="utf-8")
    (estate / "more.yaml").write_text("- identities: other\n", encoding="utf-8")
    (estate / "config.toml").write_text(f'[[registry]]\npath = "more.yaml"\n{config}', encoding="utf-8")

    assert muster("registry", "adopt", "orphans.csv").err.startswith("muster: several registries are configured")
    assert muster("registry", "adopt", "orphans.csv", "--registry", "more.yaml").code == 0
    assert "saas:acme:triage-agent" in (estate / "more.yaml").read_text(encoding="utf-8")
    _fill_in(estate, OLD_SYNC)
    refused = muster("registry", "adopt", "orphans.csv", "--registry", "more.yaml")
    assert (refused.code, "N-2 is declared in registry.csv" in refused.err) == (2, True)
    assert muster("registry", "adopt", "orphans.csv", "--registry", "new.toml").code == 2
    _fill_in(estate, TRIAGE)
    assert muster("registry", "adopt", "orphans.csv", "--registry", "new.toml").code == 0
    assert "[[entry]]" in (estate / "new.toml").read_text(encoding="utf-8")


def test_lint_says_what_is_wrong_and_how_complete_it_is(estate: Path, muster: Muster) -> None:
    """Problems end with 1; everything fits on 80 columns."""
    done = muster("registry", "lint")

    assert done.code == 1
    assert done.out.startswith("problem: registry.csv:3: owner: left@example.com left on 2025-01-01 (name an\n")
    assert "1 problem, 6 warnings" in done.out
    assert "owner                  100%    67%  #############         CIS 5.5, registry" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    (estate / "registry.csv").write_text(REGISTRY.replace("left@", "ada@"), encoding="utf-8")
    assert muster("registry", "lint").code == 0


def test_lint_passes_what_two_lists_agree_on(estate: Path, muster: Muster) -> None:
    """A Terraform state declares what the spreadsheet does, and cannot say whose it is."""
    attributes = {"arn": "arn:aws:iam::123456789012:user/etl", "name": "etl"}
    users = [{"mode": "managed", "type": "aws_iam_user", "name": "etl", "instances": [{"attributes": attributes}]}]
    state = {"version": 4, "terraform_version": "1.9.5", "resources": users}
    (estate / "prod.tfstate").write_text(json.dumps(state), encoding="utf-8")
    (estate / "registry.csv").write_text(f"arn,owner\n{attributes['arn']},Ada\n", encoding="utf-8")
    (estate / "people.csv").write_text("email,aliases\nada@example.com,Ada\n", encoding="utf-8")

    done = muster("registry", "lint", "registry.csv", "prod.tfstate")

    assert (done.code, "warning: prod.tfstate:1: owner: no owner is named" in done.out) == (0, True)


@pytest.mark.parametrize(("asked", "code"), [("12.5", 0), ("12.6", 1), ("0", 0)])
def test_lint_may_ask_for_a_score(estate: Path, muster: Muster, asked: str, code: int) -> None:
    """Of eight columns one is filled in; each team has its own score, by its entries or its owners."""
    (estate / "people.csv").write_text("email,team\nada@example.com,Data\nbob@example.com,ops\n")
    rows = ("A,a,ada@example.com,,", "B,b,ada@example.com,,", "C,c,bob@example.com,OPS,", "D,d,bob@example.com,,")
    (estate / "registry.csv").write_text("id,identities,owner,team,purpose\n" + "\n".join(rows) + "\n")

    done = muster("registry", "lint", "--fail-under", asked)
    document = json.loads(muster("registry", "lint", "-o", "json:-").out)

    assert done.code == code
    assert f"the score is 12.5%, {'below' if code else 'not below'} the {asked}% that were required" in done.err
    assert [(one["team"], one["entries"], one["score"]) for one in document["teams"]] == [
        ("Data", 2, 0.125),
        ("OPS", 2, 0.125),
    ]
    assert "OPS                        2    12%  ##" in done.out


def test_a_score_that_is_not_known_is_too_low(estate: Path, muster: Muster) -> None:
    """A list that cannot be read, or one without entries."""
    (estate / "registry.csv").write_text("id,identities,owner\n")

    done = muster("registry", "lint", "--fail-under", "1")

    assert (done.code, "the score is unknown, and 1% were required" in done.err) == (1, True)


@pytest.mark.usefixtures("estate")
def test_lint_as_json(muster: Muster) -> None:
    """The same for scripts, with nothing else on stdout."""
    report = json.loads(muster("registry", "lint", "-o", "json:-").out)

    assert (report["schema"], report["problems"][0]["line"]) == ("muster.lint/1", 3)
    assert {field["column"]: field["filled"] for field in report["quality"]["fields"]}["owner"] == 1.0


def test_lint_of_what_cannot_be_read(estate: Path, muster: Muster) -> None:
    """Every place that is wrong is a problem; a file that is not there is a slip of the command line."""
    (estate / "bad.csv").write_text(
        "name,owner,expires\na,ada@example.com,soon\nb,ada@example.com,03/04/2026\n", encoding="utf-8"
    )

    done = muster("registry", "lint", "bad.csv")

    assert (done.code, done.out.count("problem: bad.csv:")) == (1, 2)
    assert muster("registry", "lint", "missing.csv").code == 2


LINTED = """\
id,identities,owner,purpose,approved_by,last_reviewed,expires
1,svc-\u0430pp,ada@example.com,TBD,ada@example.com,2026-11-01,
2,svc-b,,pays,,2099-01-01,
3,**,left@example.com,TBD,,2026-11-01,
4,svc-d,ada@example.com,pays,,soon,2020-01-01
5,svc-b,ada@example.com,key ghp_0123456789abcdefghijABCDEFGHIJ012345,,2026-11-01,
"""


def _about(problems: list[dict[str, Any]]) -> set[tuple[int, str, str]]:
    return {(one["line"], one["field"], " ".join(one["message"].split()[-3:])) for one in problems}


def test_lint_reports_what_is_unreadable_beside_everything_else(estate: Path, muster: Muster) -> None:
    """Of an unreadable row the cells that can be read are judged; nothing is said of those that cannot."""
    (estate / "list.csv").write_text(LINTED, encoding="utf-8")

    report = json.loads(muster("registry", "lint", "list.csv", "-o", "json:-").out)

    assert _about(report["problems"]) == {
        (3, "owner", "owner is named"),
        (4, "identities", "would match everything"),
        (4, "owner", "left on 2025-01-01"),
        (5, "last_reviewed", "not a date"),
        (5, "expires", "yet is active"),
        (6, "identities", "at list.csv:3, too"),
        (6, "purpose", "be a secret"),
    }
    assert _about(report["warnings"]) == {
        (2, "identities", "(Cyrillic and Latin)"),
        (2, "purpose", "says TBD"),
        (2, "approved_by", "what they own"),
        (3, "last_reviewed", "as no review"),
        (3, "last_reviewed", "was never reviewed"),
        (4, "purpose", "says TBD"),
    }
    assert (report["quality"]["entries"], report["unread_rows"]) == (4, 1)
    printed = muster("registry", "lint", "list.csv")
    assert printed.code == 1
    assert "Quality of 4 entries that are not retired; 1 unreadable row is left out\n" in printed.out


def test_one_entry_is_one(estate: Path, muster: Muster) -> None:
    """The quality of a single entry is worded in the singular."""
    (estate / "one.csv").write_text("id,identities\nA,x\n")

    assert "Quality of 1 entry that is not retired\n" in muster("registry", "lint", "one.csv").out


def test_lint_reports_of_the_readable_list_beside_an_unreadable_one(estate: Path, muster: Muster) -> None:
    """There is no quality of half a registry."""
    (estate / "bad.csv").write_text("wrong\nx\n", encoding="utf-8")

    report = json.loads(muster("registry", "lint", "registry.csv", "bad.csv", "-o", "json:-").out)

    assert [one["file"] for one in report["problems"]] == ["bad.csv", "registry.csv"]
    assert report["quality"] is None


def test_lint_judges_providers_only_where_the_config_names_sources(muster: Muster, tmp_path: Path) -> None:
    """Without any no one can say what will be scanned: a list may be of any provider."""
    (tmp_path / "list.csv").write_text("name,provider,owner\na,saas,Ada\n", encoding="utf-8")
    odd = "saas cannot be scanned"

    assert odd not in " ".join(muster("registry", "lint", "list.csv").out.split())

    (tmp_path / "config.toml").write_text('[[source]]\ntype = "aws"\n', encoding="utf-8")
    assert odd in " ".join(muster("registry", "lint", "list.csv").out.split())


def test_convert_refuses_to_overwrite(estate: Path, muster: Muster) -> None:
    """Unless it is forced to."""
    assert muster("registry", "convert", "registry.csv", "registry.yaml").code == 0
    assert muster("registry", "convert", "registry.csv", "registry.yaml").code == 2
    assert muster("registry", "convert", "registry.csv", "registry.yaml", "--force").code == 0
    assert (estate / "registry.yaml").read_text(encoding="utf-8").startswith("- id: N-1\n  identities: [invoice-bot]\n")


def test_lint_suggests_config_for_headings_that_no_one_knows(estate: Path, muster: Muster) -> None:
    """Nothing is judged, so it ends well even where the list alone could not be read."""
    (estate / "liste.csv").write_text(
        "Tożsamość,Opiekun\narn:aws:iam::123456789012:role/a,ada@example.com\n", encoding="utf-8"
    )

    assert muster("registry", "lint", "liste.csv").code == 1

    done = muster("registry", "lint", "liste.csv", "--suggest")

    assert (done.code, done.out) == (
        0,
        """\
[[registry]]
path = "liste.csv"
[registry.columns]
"Tożsamość" = "identities"  # 1 of 1 cells is ids
"Opiekun" = "owner"  # 1 of 1 cells is people
""",
    )
