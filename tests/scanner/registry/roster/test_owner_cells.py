"""Owner cells as people in German, French, Japanese and other companies write them: who a colleague would say it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from scanner.model import Person
from scanner.registry.roster import Roster
from tests.factories import make_person

TODAY = date(2026, 11, 25)


def _person(email: str, name: str | None, team: str | None = None, number: str | None = None, *aliases: str) -> Person:
    return make_person(email, id=number, name=name, team=team, aliases=aliases, manager="erika.chef@acme.de")


CHIEF = make_person("erika.chef@acme.de", name="Erika Chef", id="00000001", team="Leitung")
HANS = _person("hans.mueller@acme.de", "Hans Müller", "IT-Betrieb", "00012345", "hmueller")
HEIKE = _person("heike.mueller@acme.de", "Heike Müller", "Einkauf", "00012346", "hmueller2")
ANNA = _person("anna.schmidt@acme.de", "Anna Schmidt", "IT-Betrieb", "00012347", "aschmidt")
UWE = _person("uwe.gross@acme.de", "Uwe Groß", "Zahlungsverkehr", "00012348", "ugross")
PETRA = _person("petra.mueller-luedenscheid@acme.de", "Petra Müller-Lüdenscheid", "Recht", "00012349")
MARTIN_WEBER = _person("martin.weber@acme.de", "Martin Weber", "Recht", "00012350", "mweber")
PAUL_MARTIN = _person("paul.martin@acme.de", "Paul Martin", "Einkauf", "00012351")
LEYEN = _person("ursula.vonderleyen@acme.de", "Ursula von der Leyen", "Recht", "00012352")
JAN_A = _person("jan.koch@acme.de", "Jan Koch", "Recht", "00012353")
JAN_B = _person("jan.koch2@acme.de", "Jan Koch", "Einkauf", "00012354")
OUD = _person("jan.oud@acme.de", "Jan Oud", "Recht", "00012355")
BETRIEB = make_person("team:it-betrieb", name="IT-Betrieb", members=("hans.mueller@acme.de", "anna.schmidt@acme.de"))
VERKEHR = make_person("team:zahlungsverkehr", name="Team Zahlungsverkehr", members=("uwe.gross@acme.de",))
GERMAN = [
    CHIEF, HANS, HEIKE, ANNA, UWE, PETRA, MARTIN_WEBER, PAUL_MARTIN, LEYEN, JAN_A, JAN_B, OUD, BETRIEB, VERKEHR,
]  # fmt: skip

JEAN = _person("jean.dupont@acme.fr", "DUPONT Jean", "Paiements", "P-04711")
LEFEVRE = _person("claire.lefevre@acme.fr", "LEFÈVRE Claire", "Sécurité", "P-04712")
JEAN_PIERRE = _person("jp.durand@acme.fr", "DURAND Jean-Pierre", "Sécurité", "P-04713")
MARIE = _person("marie.martin@acme.fr", "MARTIN Marie", "Paiements", "P-04714")
LUC = _person("luc.martin@acme.fr", "MARTIN Luc", "Sécurité", "P-04715")
COEUR = _person("zoe.coeur@acme.fr", "CŒUR Zoé", "Réseau", "P-04716")
PAIEMENTS = make_person("team:paiements", name="Paiements", members=("jean.dupont@acme.fr", "marie.martin@acme.fr"))
PAGOS = make_person("team:pagos", name="Pagos", members=("luc.martin@acme.fr",))
PAYMENTS = make_person("team:payments", name="Payments", members=("zoe.coeur@acme.fr",))
FRENCH = [JEAN, LEFEVRE, JEAN_PIERRE, MARIE, LUC, COEUR, PAIEMENTS, PAGOS, PAYMENTS]

TARO = _person("taro.yamada@acme.jp", "山田 太郎", "情報システム部", "100201")
HANAKO = _person("hanako.sato@acme.jp", "佐藤 花子", "決済チーム", "100202")
ICHIRO = _person("ichiro.sato@acme.jp", "佐藤 一郎", "情報システム部", "100203")
SHOTA = _person("shota.ito@acme.jp", "伊藤翔太", "営業部", "100204")
KAORI = _person("k-fukuda@acme.jp", "福田 香織", "営業部", "100205", "フクダ カオリ")
JOHN = _person("john.smith@acme.jp", "ジョン・スミス", "営業部", "100206")
SAORI = _person("saori.ono@acme.jp", "Saori Ono", "営業部", "100207")
KESSAI = make_person("team:kessai", name="決済チーム", members=("hanako.sato@acme.jp",))
JAPANESE = [TARO, HANAKO, ICHIRO, SHOTA, KAORI, JOHN, SAORI, KESSAI]

ROSTERS = {"german": Roster(GERMAN, TODAY), "french": Roster(FRENCH, TODAY), "japanese": Roster(JAPANESE, TODAY)}

NAMED: dict[str, list[tuple[str, Person]]] = {
    "german": [
        ("Leiter IT-Betrieb Hans Müller", HANS), ("Leiter IT-Betrieb (Hans Müller)", HANS),
        ("Hans Müller u.a.", HANS), ("Systemverantwortlich: Hans Müller", HANS), ("Nr. 12345", HANS),
        ("MA 12345", HANS), ("hmueller@acme.de", HANS), ("it-betrieb@acme.de", BETRIEB),
        ("IT-Betrieb <it-betrieb@acme.de>", BETRIEB), ("Ursula v. d. Leyen", LEYEN), ("Herr Weber", MARTIN_WEBER),
        ("Martin, Paul", PAUL_MARTIN), ("PetraMüller-Lüdenscheid", PETRA),
        ("Hans Müller, standing in: Anna Schmidt", HANS), ("Sig.ra Schmidt", ANNA),
        ("Setor IT-Betrieb (Hans Müller)", HANS), ("Müller, Hans", HANS), ("Mueller, Hans", HANS),
        ("Hans Mueller", HANS), ("MÜLLER Hans", HANS), ("Hans MÜLLER", HANS), ("Herr Hans Müller", HANS),
        ("Hr. Dr. Hans Müller", HANS), ("Dr.-Ing. Hans Müller", HANS), ("Müller, Dr. Hans", HANS),
        ("Hans Müller, M.Sc.", HANS), ("Dipl.-Ing. Hans Müller", HANS), ("HansMüller", HANS), ("mueller.hans", HANS),
        ("hans.mueller", HANS), ("hmueller", HANS), ("ACME\\hmueller", HANS), ("acme.local\\HMUELLER", HANS),
        ("Hans Müller (IT-Betrieb)", HANS), ("Hans Müller (Abt. IT-Betrieb)", HANS),
        ("IT-Betrieb (Hans Müller)", HANS), ("Team IT-Betrieb (Hans Müller)", HANS),
        ("IT-Betrieb / Hans Müller", HANS), ("IT-Betrieb/Hans Müller", HANS), ("Hans Müller / IT-Betrieb", HANS),
        ("IT-Betrieb: Hans Müller", HANS), ("IT-Betrieb | Hans Müller", HANS), ("Hans Müller, IT-Betrieb", HANS),
        ("Müller, Hans, IT-Betrieb", HANS), ("Müller, Hans (IT-Betrieb)", HANS),
        ("Hans Müller (IT-Betrieb, Köln)", HANS), ("IT-Betrieb Hans Müller", HANS), ("Hans Müller IT-Betrieb", HANS),
        ("Hans Müller – IT-Betrieb", HANS), ("IT-Betrieb - H. Müller", HANS), ("H. Müller (IT-Betrieb)", HANS),
        ("Müller (IT-Betrieb)", HANS), ("Herr Müller (IT-Betrieb)", HANS), ("IT-Betrieb, Hr. Müller", HANS),
        ("IT-Betrieb, Müller", HANS), ("Hans Müller (IT)", HANS), ("Hans Müller (Köln)", HANS),
        ("[IT-Betrieb] Hans Müller", HANS), ("A. Schmidt", ANNA), ("Schmidt, A.", ANNA), ("Anna S.", ANNA),
        ("Frau Schmidt", ANNA), ("Fr. Dr. Schmidt", ANNA), ("Herrn Groß", UWE), ("Hr. Gross", UWE),
        ("Prof. Dr. Uwe Gross", UWE), ("Frau von der Leyen", LEYEN), ("Leyen, Ursula von der", LEYEN),
        ("Fr. Müller-Lüdenscheid", PETRA), ("Petra Müller-Lüdenscheid (geb. Müller)", PETRA),
        ("Petra Müller-Lüdenscheid, geb. Müller", PETRA), ("Petra Müller Lüdenscheid", PETRA),
        ("z.Hd. Hans Müller", HANS), ("z. Hd. Herrn Hans Müller", HANS), ("c/o Hans Müller", HANS),
        ("IT-Betrieb, z.Hd. Hans Müller", HANS), ("zu Händen Frau Schmidt", ANNA),
        ("Ansprechpartner: Hans Müller", HANS), ("Ansprechpartner: Hans Müller, Tel. 1234", HANS),
        ("Ansprechpartner Hans Müller", HANS), ("Fachlicher Ansprechpartner: Müller, Hans", HANS),
        ("Verantwortlich: Hans Müller (Stv. Anna Schmidt)", HANS), ("Hans Müller, Vertretung: Anna Schmidt", HANS),
        ("Hans Müller / Vertretung Anna Schmidt", HANS), ("Teamleiter: Hans Müller", HANS),
        ("Hans Müller (Teamleiter)", HANS), ("Hans Müller, Tel. 0221/12345-67", HANS),
        ("Hans Müller +49 221 1234567", HANS), ("Hans Müller, Raum 4.12", HANS), ("Hans Müller (DW 123)", HANS),
        ("Hans Müller, App. 4711", HANS), ("Hans Müller Tel.: 1234", HANS), ("Hans Müller (4711)", HANS),
        ("Hans Müller <hans.mueller@acme.de>", HANS), ("Müller Hans <hans.mueller@acme.de>", HANS),
        ("Hans Müller <hans.mueller@altfirma.de>", HANS), ("Hans Müller (hans.mueller@acme.de)", HANS),
        ("hans.mueller(at)acme.de", HANS), ("hans.mueller [at] acme [dot] de", HANS),
        ("hans.mueller at acme dot de", HANS), ("hans.mueller@acme.de (IT-Betrieb)", HANS),
        ("Hans.Mueller@ACME.DE", HANS), ("mailto:hans.mueller@acme.de", HANS), ("00012345", HANS), ("12345", HANS),
        ("12345.0", HANS), ("'00012345", HANS), ("P-12345", HANS), ("PNr. 12345", HANS),
        ("Personalnr.: 00012345", HANS), ("Hans Müller [12345]", HANS), ("Hans Müller (00012345)", HANS),
        ("12345 Hans Müller", HANS), ("Hans Müller, 12345", HANS), ("Jan Koch (Einkauf)", JAN_B),
        ("Einkauf (Jan Koch)", JAN_B), ("Koch, Jan - Recht", JAN_A), ("Jan Oud", OUD), ("IT-Betrieb", BETRIEB),
        ("Abt. IT-Betrieb", BETRIEB), ("Abteilung IT Betrieb", BETRIEB), ("Team IT-Betrieb", BETRIEB),
        ("Zahlungsverkehr", VERKEHR), ("Zahlungsverkher", VERKEHR), ("Team Zahlungsverkher", VERKEHR),
        ("Team Zahlungs-Verkehr", VERKEHR), ("Zahlungsverkehr (Uwe Groß)", UWE),
    ],
    "french": [
        ("Jean Dupont", JEAN), ("DUPONT Jean", JEAN), ("Dupont, Jean", JEAN), ("M. DUPONT Jean", JEAN),
        ("M. Dupont", JEAN), ("Monsieur Jean Dupont", JEAN), ("J. DUPONT", JEAN), ("Mme Lefèvre", LEFEVRE),
        ("Mme Lefevre", LEFEVRE), ("Mme Claire LEFÈVRE", LEFEVRE), ("Madame Lefèvre (Sécurité)", LEFEVRE),
        ("C. Lefèvre", LEFEVRE), ("Jean-Pierre D.", JEAN_PIERRE), ("J.-P. Durand", JEAN_PIERRE),
        ("JP Durand", JEAN_PIERRE), ("Jean Pierre Durand", JEAN_PIERRE), ("M. Martin (Sécurité)", LUC),
        ("Martin (Paiements)", MARIE), ("Mme Martin - équipe Paiements", MARIE), ("Zoe Coeur", COEUR),
        ("CŒUR Zoé", COEUR), ("coeur.zoe", COEUR), ("Équipe Paiements (Jean Dupont)", JEAN),
        ("Responsable : Jean Dupont", JEAN), ("Responsable applicatif : Jean Dupont", JEAN),
        ("Contact : Mme Lefèvre, poste 4512", LEFEVRE), ("Jean Dupont - tél. 01 23 45 67 89", JEAN),
        ("À l'attention de Jean Dupont", JEAN), ("P-04711", JEAN), ("P04711", JEAN), ("4711", JEAN), ("04711", JEAN),
        ("matricule 04711", JEAN), ("Jean Dupont (P-4711)", JEAN), ("jean.dupont arobase acme.fr", JEAN),
        ("jean.dupont (arobase) acme.fr", JEAN), ("équipe Paiements", PAIEMENTS), ("Equipe Paiements", PAIEMENTS),
        ("l'équipe des paiements", PAIEMENTS), ("Paiemnets", PAIEMENTS), ("Equipo de Pagos", PAGOS),
        ("Squad Payments", PAYMENTS), ("the payments team", PAYMENTS), ("Claire Lefèvre (née Bernard)", LEFEVRE),
        ("Claire Lefèvre (suppléant : Luc Martin)", LEFEVRE),
    ],
    "japanese": [
        ("情報システム部 第一課 山田太郎", TARO), ("情報システム部長 山田太郎", TARO), ("T. Yamada", TARO),
        ("YAMADA T.", TARO), ("ヤマダ様", TARO), ("伊藤（営業）", SHOTA), ("山田太郎", TARO), ("山田　太郎", TARO),
        ("山田 太郎", TARO), ("山田さん", TARO), ("山田様", TARO), ("山田太郎様", TARO), ("山田部長", TARO),
        ("山田太郎（情報システム部）", TARO), ("情報システム部（山田太郎）", TARO), ("情報システム部 山田", TARO),
        ("情報システム部　山田太郎", TARO), ("情報システム部山田", TARO), ("情報システム部 山田さん", TARO),
        ("情報システム部／山田太郎", TARO), ("情報システム部：山田", TARO), ("担当：山田太郎", TARO),
        ("担当者: 山田さん", TARO), ("山田（情報システム部）", TARO), ("山田太郎（内線1234）", TARO),
        ("山田太郎 内線：1234", TARO), ("【情報システム部】山田太郎", TARO), ("Yamada Taro", TARO),
        ("Taro Yamada", TARO), ("TARO YAMADA", TARO), ("YAMADA Taro", TARO), ("Yamada, Taro", TARO),
        ("Yamada Tarō", TARO), ("Tarou Yamada", TARO), ("Mr. Yamada", TARO), ("Yamada-san", TARO),
        ("Yamadaさん", TARO), ("ヤマダ タロウ", TARO), ("ﾔﾏﾀﾞ ﾀﾛｳ", TARO), ("やまだ たろう", TARO),
        ("ヤマダタロウ", TARO), ("taro.yamada＠acme.jp", TARO), ("100201", TARO), ("１００２０１", TARO),
        ("社員番号：100201", TARO), ("山田太郎(100201)", TARO), ("山田 太郎 <taro.yamada@acme.jp>", TARO),
        ("佐藤（決済チーム）", HANAKO), ("佐藤花子", HANAKO), ("決済チーム 佐藤さん", HANAKO),
        ("Sato Hanako", HANAKO), ("佐藤(情報システム部)", ICHIRO), ("伊藤 翔太", SHOTA), ("伊藤さん", SHOTA),
        ("伊藤翔太さん", SHOTA), ("Shota Ito", SHOTA), ("Ito Shota", SHOTA), ("フクダ カオリ", KAORI),
        ("ふくだかおり", KAORI), ("Fukuda Kaori", KAORI), ("ジョン・スミス", JOHN), ("John Smith", JOHN),
        ("オノ サオリ", SAORI), ("決済チーム", KESSAI), ("決済", KESSAI), ("決済グループ", KESSAI),
    ],
}  # fmt: skip

UNCERTAIN: dict[str, list[tuple[str, set[Person]]]] = {
    "german": [
        ("Müller", {HANS, HEIKE}), ("H. Müller", {HANS, HEIKE}), ("Herr Müller", {HANS, HEIKE}),
        ("Jan Koch", {JAN_A, JAN_B}), ("J. Koch", {JAN_A, JAN_B}), ("Koch, Jan", {JAN_A, JAN_B}),
        ("Schmidt", {ANNA}), ("Herr Martin", set()), ("Martin", {MARTIN_WEBER, PAUL_MARTIN}),
        ("Vertretung: Hans Müller", {HANS}), ("ehem. Hans Müller", {HANS}), ("Hans Müller (ehemals)", {HANS}),
        ("Hans Müller (ausgeschieden)", {HANS}), ("Hans Müller?", {HANS}), ("Hans Müller (bis 31.12.)", {HANS}),
        ("Nachfolger von Hans Müller", {HANS}), ("i.V. Hans Müller", {HANS}), ("Hans Müller (Einkauf)", {HANS}),
        ("Hans Müller (00099999)", {HANS}), ("Hans Müler", {HANS}), ("Hans P. Müller", {HANS}),
        ("hans.mueller@altfirma.de", {HANS}), ("Team Zahlungen", set()), ("Team Hans Müller", {HANS}),
        ("ACME\\hschmidt", set()), ("X-12345", set()), ("Team Recht", set()), ("Einkauf", set()),
        ("Ralf Fremd", set()), ("Ralf Fremd (Hans Müller)", {HANS}), ("Leiter IT-Betrieb", set()),
        ("Hans Müller oder Anna Schmidt", {HANS, ANNA}), ("Herr Jan", set()), ("a.schmidt", {ANNA}),
        ("H. Weber", set()), ("Hans Müller / Ralf Fremd?", {HANS}), ("it@acme.de", set()),
    ],
    "french": [
        ("Martin", {MARIE, LUC}), ("M. Martin", {MARIE, LUC}), ("Mme Martin", {MARIE, LUC}),
        ("ancien : Jean Dupont", {JEAN}), ("Jean Dupont (parti)", {JEAN}), ("suppléant : Jean Dupont", {JEAN}),
        ("équipe Paie", set()), ("Paiments", set()), ("Lefèvre", {LEFEVRE}), ("Jean", {JEAN, JEAN_PIERRE}),
        ("Équipe Sécurité", set()),
    ],
    "japanese": [
        ("佐藤", {HANAKO, ICHIRO}), ("佐藤さん", {HANAKO, ICHIRO}), ("Sato", {HANAKO, ICHIRO}), ("山田", {TARO}),
        ("フクタ カオリ", set()), ("旧担当：山田太郎", {TARO}), ("山田太郎（退職）", {TARO}), ("山田太朗", {TARO}),
        ("山田花子", set()), ("営業部", set()), ("決済課", set()), ("情シス 山田", {TARO}),
        ("株式会社ACME 山田太郎", {TARO}), ("t.yamada", {TARO}),
    ],
}  # fmt: skip

SEVERAL: dict[str, list[tuple[str, set[Person]]]] = {
    "german": [
        ("Herrn Groß und Frau Schmidt", {UWE, ANNA}), ("Hans Müller & Anna Schmidt", {HANS, ANNA}),
        ("Hans Müller / Anna Schmidt", {HANS, ANNA}), ("Hans Müller, Anna Schmidt", {HANS, ANNA}),
        ("Müller, Hans; Schmidt, Anna", {HANS, ANNA}), ("Müller, Hans, Schmidt, Anna", {HANS, ANNA}),
        ("Müller, Hans und Schmidt, Anna", {HANS, ANNA}), ("Hans Müller\nAnna Schmidt", {HANS, ANNA}),
        ("Hans Müller, Uwe Groß und Anna Schmidt", {HANS, UWE, ANNA}), ("Hans Müller et Anna Schmidt", {HANS, ANNA}),
        ("Hans Müller y Anna Schmidt", {HANS, ANNA}), ("Hans Müller e Anna Schmidt", {HANS, ANNA}),
        ("Hans Müller en Anna Schmidt", {HANS, ANNA}), ("Hans Müller and Anna Schmidt", {HANS, ANNA}),
        ("Hans Müller + Anna Schmidt", {HANS, ANNA}), ("12345 / 12347", {HANS, ANNA}),
        ("hmueller, aschmidt", {HANS, ANNA}), ("IT-Betrieb / Uwe Groß", {BETRIEB, UWE}),
    ],
    "japanese": [
        ("山田太郎、佐藤花子", {TARO, HANAKO}), ("山田太郎・佐藤花子", {TARO, HANAKO}),
        ("山田さんと伊藤さん", {TARO, SHOTA}), ("山田太郎／伊藤翔太", {TARO, SHOTA}),
        ("山田 太郎及び佐藤 花子", {TARO, HANAKO}),
    ],
}  # fmt: skip


def _cases(table: Mapping[str, Sequence[tuple[str, object]]]) -> list[tuple[str, str, object]]:
    return [(company, text, expected) for company, cells in table.items() for text, expected in cells]


@pytest.mark.parametrize(("company", "text", "person"), _cases(NAMED))
def test_who_a_colleague_understands(company: str, text: str, person: Person) -> None:
    meaning = ROSTERS[company].meaning(text)

    assert (meaning.person and meaning.person.email, meaning.guesses) == (person.email, ())


@pytest.mark.parametrize(("company", "text", "people"), _cases(UNCERTAIN))
def test_who_a_colleague_would_not_be_sure_of(company: str, text: str, people: set[Person]) -> None:
    """Nobody is taken; whoever it may be comes first, and nobody's line manager is named."""
    meaning = ROSTERS[company].meaning(text)

    assert meaning.person is None
    assert {one.email for one in people} <= {one.email for one in meaning.guesses[: max(len(people), 3)]}
    assert CHIEF.email not in {one.email for one in meaning.guesses}


@pytest.mark.parametrize(("company", "text", "people"), _cases(SEVERAL))
def test_several_in_a_cell_are_as_many_owners(company: str, text: str, people: set[Person]) -> None:
    roster = ROSTERS[company]

    assert {person.email for part in roster.apart(text) if (person := roster.resolve(part))} == {
        one.email for one in people
    }
