"""Texts that are not UTF-8: which encoding is certain, and that others are refused with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import RegistryError
from scanner.registry.editing.saving import open_rows
from scanner.registry.editing.writing.base import decoded
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.tables.encodings import encoding_of

_WESTERN = {
    "german": "Name;Eigentümer;Straße\nsvc-größe;Jürgen Müller;Äcker\n",
    "french": "Propriétaire;Équipe\nÉlodie Lefèvre;Sécurité – réseau\nCœur d’été\n",
    "spanish": "Dueño;Año\nMuñoz;¿qué?\n",
    "portuguese": "Proprietário;Descrição;João\n",
    "italian": "Proprietà;perché\n",
    "dutch": "Eigenaar;coördinatie;ideeën\n",
    "english": "owner;purpose\nada;it’s the “main” one – don’t delete\n",
    "one letter": "name;owner\nx;Müller\n",
    "capitals": "BÜRO;GRÖSSE;MÜLLER\n",
}
_JAPANESE = {
    "kanji": "名前,所有者,状態\nsvc-a,山田太郎,有効\nsvc-b,佐藤 花子,無効\n",
    "kana": "サービスアカウント,オーナー\nボット,やまだ\n",
    "half width": "ｻｰﾋﾞｽ,所有者,状態,備考\n",
}
_OTHERS = {
    "cp1251": "Имя;Владелец\nбот;Иван\n",
    "koi8-r": "Имя;Владелец\n",
    "cp1250": "Właściciel;Imię\nŁukasz Żółć;usługa\n",
    "iso8859-2": "Vlastník;Jméno\nJiří Dvořák;služba účtu\n",
    "mac_roman": "Eigentümer;Größe\nJürgen Müller\n",
    "cp850": "Eigentümer;Größe\nJürgen Müller\n",
    "gbk": "名称,所有者,状态\n张三,服务账号\n",
    "big5": "名稱,擁有者\n王小明,服務帳號\n",
    "euc_jp": "名前,所有者\n山田太郎,さくら\n",
    "euc_kr": "이름,소유자\n김철수\n",
    "cp1253": "Όνομα;Ιδιοκτήτης\n",
    "cp1254": "Sahibi;Açıklama;İsim;Şube\nYağız Çağlar\n",
    "cp1255": "שם;בעלים\n",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in _WESTERN.items()])
def test_western_text_is_windows_1252(text: str) -> None:
    found = encoding_of(text.encode("cp1252"))

    assert found is not None
    assert found.title == "Windows-1252"


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in _JAPANESE.items()])
def test_japanese_text_is_shift_jis(text: str) -> None:
    found = encoding_of(text.encode("cp932"))

    assert found is not None
    assert found.title == "Shift_JIS"


@pytest.mark.parametrize(("codec", "text"), _OTHERS.items())
def test_other_encodings_are_not_taken_for_either(codec: str, text: str) -> None:
    """Names would be read as others."""
    assert encoding_of(text.encode(codec)) is None


@given(st.binary(max_size=200))
def test_what_is_told_can_be_decoded(sample: bytes) -> None:
    found = encoding_of(sample)

    assert found is None or (sample[: sample.rfind(b"\n") + 1] or sample).decode(found.codec)


@pytest.mark.parametrize(
    ("codec", "title", "owner"), [("cp1252", "Windows-1252", "Jürgen Müller"), ("cp932", "Shift_JIS", "山田太郎")]
)
def test_a_list_is_read_in_its_encoding_with_a_warning(codec: str, title: str, owner: str, tmp_path: Path) -> None:
    """Also if only a late line is foreign; it is not written, because what is new may not fit the encoding."""
    path = tmp_path / "registry.csv"
    rows = [f"svc-{number},ada@example.com" for number in range(9_999)]
    path.write_bytes("\n".join(["name,owner", *rows, f"svc-last,{owner}", ""]).encode(codec))

    registry = load_registry([ListSource(path=path)])

    assert (len(registry.entries), registry.entries[-1].owner) == (10_000, (owner,))
    assert [str(one) for one in registry.warnings] == [
        f"{path}:10001: is not UTF-8 text, and was read as {title} (save it as UTF-8 (in Excel: CSV UTF-8))"
    ]
    with pytest.raises(RegistryError, match="is not UTF-8 text: it is read but not written"):
        decoded(open_rows(path))


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        pytest.param("name,owner\nsvc-é,a\n".encode() + "svc-b,Jürgen\n".encode("cp1252"), 3, "is not UTF-8 text",
                     id="two encodings"),
        pytest.param("name,owner\nsvc-b,Jürgen\n".encode("cp1252") + b"svc-c,\x81\n", 2, "is not UTF-8 text",
                     id="no letter of it"),
        pytest.param("name,owner\nsvc-b,Иван\n".encode("cp1251"), 2, "is not UTF-8 text", id="another encoding"),
        pytest.param(
            "name,owner\nsvc-b,Jürgen\n".encode("cp1252") + b"svc-c,ada\n" * 40_000 + b"svc-d,\x81\n", 40_003,
            "is not Windows-1252 text", id="no letter of it, later",
        ),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_an_error_with_its_line(content: bytes, line: int, message: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.csv"
    path.write_bytes(content)

    with pytest.raises(RegistryError) as caught:
        load_registry([ListSource(path=path)])

    (problem,) = caught.value.problems
    assert (problem.line, problem.message) == (line, message)
    assert problem.fix == "save it as UTF-8 (in Excel: CSV UTF-8)"
