"""The words of lists in eight languages: headings, statuses, names in two columns, and a list's own words."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from scanner.languages import NAMES, folded, languages, worded
from scanner.registry.columns import PEOPLE, REGISTRY
from scanner.registry.entries import load_registry, survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people
from scanner.registry.tables.headings import holds_secret, normal

CODES = dict(zip(NAMES, ("en", "de", "fr", "es", "it", "pt", "nl", "ja"), strict=True))


def written(tmp_path: Path, text: str) -> ListSource:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return ListSource(path=path)


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Dienstkonto", "identities"), ("Technischer Benutzer", "identities"), ("Verantwortliche/r", "owner"),
        ("Verantwortliche:r", "owner"), ("Eigentümer", "owner"), ("EIGENTUEMER", "owner"),
        ("Stellvertretung", "backup_owner"), ("Techn. Ansprechpartner", "technical_owner"), ("Gültig bis", "expires"),
        ("Gueltig bis", "expires"), ("Letzte Überprüfung", "last_reviewed"), ("Abteilung", "team"),
        ("Compte de service", "identities"), ("PROPRIETAIRE", "owner"), ("Propriétaire métier", "owner"),
        ("Date d’expiration", "expires"), ("Dernière revue", "last_reviewed"), ("Suppléant(e)", "backup_owner"),
        ("Cuenta de servicio", "identities"), ("Dueño", "owner"), ("Última revisión", "last_reviewed"),
        ("Fecha de caducidad", "expires"), ("Account di servizio", "identities"),
        ("Referente tecnico", "technical_owner"), ("Scadenza", "expires"), ("Conta de serviço", "identities"),
        ("Responsável", "owner"), ("Finalidade", "purpose"), ("Dienstaccount", "identities"), ("Eigenaar", "owner"),
        ("Plaatsvervanger", "backup_owner"), ("Einddatum", "expires"), ("サービスアカウント", "identities"),
        ("責任者", "owner"), ("有効期限", "expires"), ("ｻｰﾋﾞｽｱｶｳﾝﾄ", "identities"), ("ＡＲＮ", "identities"),
        ("最終棚卸日", "last_reviewed"), ("用途", "purpose"), ("利用状況", "status"), ("Bemerkung", None),
        ("備考", None),
    ],
)  # fmt: skip
def test_headings_of_a_registry(heading: str, column: str | None) -> None:
    """Without case, accents, umlauts and full-width forms; what could mean two things is unknown."""
    assert REGISTRY.means(heading) == column


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("E-Mail-Adresse", "email"), ("Personalnummer", "id"), ("Austrittsdatum", "left_on"),
        ("Vorgesetzte/r", "manager"), ("Courriel", "email"), ("Matricule", "id"), ("Date de départ", "left_on"),
        ("N+1", "manager"), ("Correo electrónico", "email"), ("Fecha de baja", "left_on"),
        ("Jefe directo", "manager"), ("Posta elettronica", "email"), ("Matricola", "id"), ("Cognome", "last_name"),
        ("Data di cessazione", "left_on"), ("Sobrenome", "last_name"), ("Data de desligamento", "left_on"),
        ("Gestor", "manager"), ("E-mailadres", "email"), ("Achternaam", "last_name"), ("Uit dienst per", "left_on"),
        ("Leidinggevende", "manager"), ("メールアドレス", "email"), ("社員番号", "id"), ("氏名", "name"),
        ("退職日", "left_on"), ("上長", "manager"), ("部署", "team"), ("ユーザー名", "aliases"), ("電話番号", None),
    ],
)  # fmt: skip
def test_headings_of_a_roster(heading: str, column: str | None) -> None:
    """As companies of eight languages export and keep them."""
    assert PEOPLE.means(heading) == column


@given(
    column=st.sampled_from(sorted(REGISTRY.names)),
    pick=st.randoms(use_true_random=False),
    upper=st.booleans(),
    form=st.sampled_from(["NFC", "NFD", "NFKC"]),
    behind=st.sampled_from(["", " *", ":", " (bitte ausfüllen)", "  "]),
)
def test_a_heading_means_its_column_however_it_is_typed(
    column: str, pick: Random, upper: bool, form: Any, behind: str
) -> None:
    """Case, Unicode form, blanks and marks of forms do not count."""
    every = [word for language in languages().values() for word in language.registry.get(column, ())] or [column]
    word = pick.choice(every)
    typed = unicodedata.normalize(form, word.upper() if upper else word) + behind

    assert REGISTRY.means(typed) == column


@given(text=st.text(max_size=30))
def test_comparing_a_text_is_stable(text: str) -> None:
    """What was folded once stays as it is, whatever comes in."""
    assert folded(folded(text)) == folded(text)
    assert worded(worded(text)) == worded(text)
    assert normal(text) == normal(folded(text))


@pytest.mark.parametrize(
    "heading",
    [
        "Kennwort", "Zugangsdaten", "Mot de passe", "Contraseña", "Clave secreta", "Senha", "Wachtwoord", "パスワード",
        "秘密鍵", "Chiave segreta", "Client-Geheimnis",
    ],
)  # fmt: skip
def test_a_column_of_secrets_is_not_read(heading: str) -> None:
    """In the languages of the headings."""
    assert holds_secret(heading)


@pytest.mark.parametrize("language", NAMES)
def test_months_are_those_of_cldr(language: str) -> None:
    """Wide and abbreviated, in both contexts; Japanese ones are numbers."""
    months = [set(map(folded, words)) for words in languages()[language].months]
    cldr = Locale.parse(CODES[language]).months
    for names in (table[width] for table in cldr.values() for width in ("wide", "abbreviated")):
        for number, name in names.items():
            assert name == f"{number}月" or folded(name).rstrip(".") in months[number - 1]


def test_no_word_has_two_meanings() -> None:
    """Neither as a status of entries or people, nor as a kind, an environment or a month."""
    said: dict[tuple[str, str], set[Any]] = {}
    for language in languages().values():
        for what in ("entries", "persons", "kinds", "environments"):
            for meaning, words in getattr(language, what).items():
                for word in language.spellings(words):
                    said.setdefault((what, worded(word)), set()).add(meaning)
        for number, words in enumerate(language.months):
            for word in language.spellings(words):
                said.setdefault(("months", folded(word)), set()).add(number)
        for what, words in (("yes", language.yes), ("no", language.no)):
            for word in words:
                said.setdefault(("yes or no", folded(word)), set()).add(what)

    assert {word: meanings for word, meanings in said.items() if len(meanings) > 1} == {}


@pytest.mark.parametrize(
    ("heading", "cell", "status"),
    [
        ("Status", "aktiv", "active"), ("Status", "abgeschaltet", "retired"), ("Status", "Außer Betrieb", "retired"),
        ("Status", "gesperrt", "suspended"), ("Status", "geplant", "proposed"), ("Statut", "Désactivé", "retired"),
        ("Statut", "désactivé(e)", "retired"), ("ETAT", "EN SERVICE", "active"),
        ("Estado", "dado de baja", "retired"), ("Stato", "dismesso", "retired"), ("Situação", "ativo", "active"),
        ("Status", "uitgefaseerd", "retired"), ("状態", "廃止", "retired"), ("状態", "使用中", "active"),
        ("状態", "申請中", "proposed"), ("状態", "停止中", "suspended"), ("Aktiv", "nein", "retired"),
        ("Actif", "oui", "active"), ("Activo", "sí", "active"), ("In uso", "no", "retired"),
        ("Gesperrt", "Ja", "suspended"), ("有効", "×", "retired"), ("有効", "○", "active"), ("廃止", "有", "retired"),
        ("Attivo", "sì", "active"), ("Ativo", "Não", "retired"), ("Actief", "nee", "retired"),
    ],
)  # fmt: skip
def test_statuses_of_entries(tmp_path: Path, heading: str, cell: str, status: str) -> None:
    """In the languages of the headings, without a warning."""
    registry = load_registry([written(tmp_path, f"arn,{heading}\nx,{cell}\n")])

    assert ([entry.status for entry in registry.entries], registry.warnings) == ([status], ())


def test_a_status_that_no_list_knows_is_active_with_a_warning(tmp_path: Path) -> None:
    registry = load_registry([written(tmp_path, "Dienstkonto,Status\nx,schläft\n")])

    assert registry.entries[0].status == "active"
    assert [problem.message for problem in registry.warnings] == ["unknown status schläft, taken as active"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("E-Mail,Vorname,Name\na@x,Jan,de Vries\n", "Jan de Vries"),
        ("E-Mail,Vorname,Name\na@x,Jan,Jan de Vries\n", "Jan de Vries"),
        ("E-Mail,Vorname,Name\na@x,Jan,Janssen\n", "Jan Janssen"),
        ("mail,Nome,Cognome\na@x,Maria,Rossi\n", "Maria Rossi"),
        ("mail,Nom,Prénom\na@x,Martin,Luc\n", "Luc Martin"),
        ("mail,姓,名\na@x,佐藤,健\n", "佐藤 健"),
        ("mail,氏名,名\na@x,佐藤健,健\n", "佐藤健"),
        ("mail,Naam\na@x,Jan de Vries\n", "Jan de Vries"),
    ],
)
def test_a_name_beside_half_of_it_is_the_other_half(tmp_path: Path, text: str, name: str) -> None:
    """As German, French and Italian lists have it, unless it is the whole name."""
    assert load_people([written(tmp_path, text)]).people[0].name == name


def test_a_list_maps_its_own_words(tmp_path: Path) -> None:
    """They go before the words that everybody uses, and only in their column."""
    source = written(
        tmp_path, "arn,Status,Typ,Umgebung,Anbieter\na,Läuft,Roboter,Halle 3,Hauswolke\nb,gesperrt,,Produktion,aws\n"
    )
    values = {
        "status": {"LÄUFT": "active", "gesperrt": "retired"},
        "kind": {"roboter": "agent"},
        "environment": {"halle-3": "prod"},
        "provider": {"Hauswolke": "vault"},
    }
    found = survey_registry([ListSource(path=source.path, values=values)])

    assert found.registry.warnings == ()
    assert [(entry.status, entry.kind, entry.environment, entry.provider) for entry in found.rows] == [
        ("active", "agent", "prod", "vault"),
        ("retired", None, "prod", "aws"),
    ]


def test_a_roster_maps_its_own_words(tmp_path: Path) -> None:
    path = written(tmp_path, "mail,Status\na@x,Rente\nb@x,aktiv\n").path
    people = load_people([ListSource(path=path, values={"status": {"rente": "left"}})])

    assert ([person.status for person in people.people], people.warnings) == (["left", "active"], ())


def test_what_was_understood_of_a_table(tmp_path: Path) -> None:
    """Where it begins, what headings and words mean, and what nothing is known of."""
    source = written(
        tmp_path,
        "Liste der Dienstkonten\n"
        "Dienstkonto;Verantwortlich;Status;Gültig bis;Bemerkung\n"
        "a;ada@x;aktiv;unbefristet;x\n"
        "b;ada@x;schläft;März 2026;\n"
        "c;ada@x;abgeschaltet;;\n"
        "Summe;3;;;\n",
    )
    registry = load_registry([source])

    (table,) = registry.understood
    assert (table.file, table.sheet, table.line, table.set_aside) == (str(source.path), None, 2, 1)
    assert table.columns == {
        "Dienstkonto": "identities", "Verantwortlich": "owner", "Status": "status", "Gültig bis": "expires",
    }  # fmt: skip
    assert table.values == {"status": {"aktiv": "active", "abgeschaltet": "retired"}}
    assert (table.unknown_headings, table.unknown_values) == (("Bemerkung",), {"status": {"schläft": 1}})
    assert [entry.expires for entry in registry.entries] == [None, date(2026, 3, 31), None]
