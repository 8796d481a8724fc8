"""``muster serve`` from its start to its end: what it refuses, withstands and logs."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from scanner.cli.main import main
from tests.processes import PATIENCE
from tests.scanner.serve.served import CONFIG, Served

PROXY = '[serve]\nuser_header = "X-User"\nproxies = ["10.0.0.1"]\n'


# Arguments, what follows in the config, and what is said.
REFUSED: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "a public address": (("--listen", "0.0.0.0:0"), "", "no sign-in is set"),
    "a public address of the config": ((), '[serve]\nlisten = "[::]:0"', "no sign-in is set"),
    "a public address with a token": (
        ("--listen", "0.0.0.0:0"),
        '[serve]\ntoken = { env = "HOME" }',
        "no sign-in is set",
    ),
    "a person on a public address": (("--listen", "0.0.0.0:0", "--as", "ada"), PROXY, "--as is for loopback"),
    "a person who left": (("--as", "dan"), "", "dan has left"),
    "a stranger": (("--as", "eve@other.example"), "", "not on the roster"),
    "no address": (("--listen", "here"), "", "HOST:PORT"),
    "a header without proxies": ((), '[serve]\nuser_header = "X-User"', "proxies"),
    "proxies that are everyone": ((), '[serve]\nproxies = ["0.0.0.0/0"]', "all addresses"),
    "an issuer in clear text": (
        (),
        '[serve]\npublic_url = "https://a.example"\n[serve.oidc]\nissuer = "http://b.example"\nclient_id = "x"',
        "plain http",
    ),
    "an issuer without an address of our own": (
        (),
        '[serve.oidc]\nissuer = "https://b.example"\nclient_id = "x"',
        "public_url",
    ),
    "a secret in the config": ((), '[serve]\ntoken = "0123456789"', "by reference only"),
    "a token that can be guessed": ((), '[serve]\ntoken = { file = "refused.token" }', "less than 24 characters"),
    "an unknown key": ((), '[serve]\nviewer = ["ada"]', "viewers"),
    "no store": (("--store", "sqlite:///none.db"), "", "muster scan"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_refuses_to_start_with(
    scanned_folder: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2 and a message, before it listens."""
    arguments, config, says = REFUSED[what]
    monkeypatch.chdir(scanned_folder)
    Path("refused.token").write_text("0123456789")
    Path("refused.toml").write_text(f"{CONFIG}\n{config}\n")
    code = main(["serve", "--config", "refused.toml", *arguments])
    said = capsys.readouterr()

    assert (code, said.out, says in said.err) == (2, "", True), said.err


def test_a_taken_port_is_refused(
    scanned_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and what to do."""
    monkeypatch.chdir(scanned_folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = main(["serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"])

    assert (code, "is in use" in capsys.readouterr().err) == (2, True)


@pytest.fixture(scope="module")
def served(scanned_folder: Path) -> Iterator[Served]:
    """A server with a header that is accepted from an address that nothing here has; it logs who looks."""
    with Served(scanned_folder, PROXY + "log_reads = true\n", "--as", "ada") as running:
        yield running


def test_a_header_from_somewhere_else_names_nobody(served: Served) -> None:
    """Only the proxy may say who someone is, and where they are."""
    headers = {"x-user": "cyd", "x-forwarded-for": "10.0.0.1", "x-forwarded-proto": "https"}

    assert served.http.get("/session", headers=headers).status_code == 401
    known = served.http.get("/session", headers={**headers, **served.bearer})
    assert known.json()["person"] == "ada@acme.example"
    cookie = served.http.get("/", params={"token": served.token}, headers=headers).headers["set-cookie"]
    assert "Secure" not in cookie


def test_a_public_address_takes_no_token_but_for_metrics(scanned_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There it would be a password that everyone shares. Hosts are the public one, and the address itself."""
    monkeypatch.setenv("PUBLIC_TOKEN", "a-token-of-the-config-0123456789")
    config = PROXY + 'public_url = "https://muster.example.com"\ntoken = { env = "PUBLIC_TOKEN" }\n'
    with Served(scanned_folder, config, "--listen", "0.0.0.0:0") as public:
        bearer = {"authorization": "Bearer a-token-of-the-config-0123456789"}
        token = {"token": "a-token-of-the-config-0123456789"}
        assert public.token == ""
        assert public.http.get("/session", headers=bearer).status_code == 401
        assert public.http.get("/", params=token).status_code == 401
        assert public.http.get("/metrics", headers=bearer).status_code in (200, 404)
        assert public.http.get("/metrics").status_code == 401
        for host, status in (("muster.example.com", 200), ("muster.example.com.attacker.example", 400)):
            assert public.http.get("/healthz", headers={"host": host}).status_code == status


def test_requests_that_are_too_much(served: Served) -> None:
    """Of any size and shape: each gets a status, and the server goes on."""
    big = b"x" * (80 * 1024)
    post = served.http.build_request
    api = "/api/v1/nothing"
    requests = {
        "a large body": (post("POST", "/sign-out", content=big, headers=served.bearer), {200, 413}),
        "a long address": (post("GET", api + "/" + "x" * 60_000, headers=served.bearer), {400, 404, 414}),
        "a null character": (post("GET", api + "?q=%00", headers=served.bearer), {400}),
        "a null character in the path": (post("GET", "/identities/a%00", headers=served.bearer), {400}),
        "a path upwards": (post("GET", "/../../etc/passwd", headers=served.bearer), {400, 404}),
        "an encoded path upwards": (post("GET", "/static/..%2f..%2fetc/passwd", headers=served.bearer), {400, 404}),
        "two tokens": (post("GET", f"/?token={served.token}&token=x"), {400}),
        "another method": (post("TRACE", api, headers=served.bearer), {403, 404, 405}),
        "a redirect elsewhere": (post("GET", f"{served.url}//attacker.example/?token={served.token}"), {303}),
    }
    for what, (request, statuses) in requests.items():
        answer = served.http.send(request)
        assert answer.status_code in statuses, (what, answer.status_code)
        assert "root:" not in answer.text
        assert not answer.headers.get("location", "/x").startswith(("//", "http")), what
    assert served.http.get("/healthz").status_code == 200


def test_raw_requests(served: Served) -> None:
    """What no client library would send is refused, or waits for its end without stopping others."""
    host = f"Host: 127.0.0.1:{served.port}"
    requests = {
        "two lengths": ("POST / HTTP/1.1", host, "Content-Length: 1", "Content-Length: 2"),
        "length and chunks": ("POST / HTTP/1.1", host, "Content-Length: 4", "Transfer-Encoding: chunked"),
        "two hosts": ("GET / HTTP/1.1", host, "Host: attacker.example"),
        "no host": ("GET / HTTP/1.1",),
        "no host, long ago": ("GET / HTTP/1.0",),
        "no HTTP": ("hello",),
        "another server's address": ("GET http://attacker.example/ HTTP/1.1", host),
    }
    with socket.create_connection(("127.0.0.1", served.port)) as half:
        half.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for what, lines in requests.items():
            with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as one:
                one.sendall("\r\n".join((*lines, "", "0", "", "")).encode())
                assert one.recv(65_536).split(b" ", 2)[1] in (b"400", b"401", b"404"), what
        assert served.http.get("/healthz").status_code == 200


def test_guesses_of_the_token_are_limited(scanned_folder: Path) -> None:
    """A client that guesses is slowed down; who has the token is not. Ctrl-C is the usual end."""
    with Served(scanned_folder, "", "--as", "ada") as served:
        health = served.http.get("/healthz")
        assert (health.status_code, health.text) == (200, "ok\n")
        wrong = {"authorization": "Bearer wrong"}
        statuses = [served.http.get("/session", headers=wrong).status_code for _ in range(60)]

        assert set(statuses) == {401, 429}
        assert served.http.get("/session", headers=served.bearer).status_code == 200
        written = [served.http.post("/api/v1/nothing", headers=served.bearer).status_code for _ in range(200)]
        assert set(written) == {404, 429}
        assert served.http.get("/session", headers=served.bearer).status_code == 200
        assert served.end(signal.SIGINT) == 0


def test_the_log_says_who_did_what_and_no_secret(served: Served) -> None:
    """Sign-ins, writes, and here also reads, each with person and address; never a token or a session."""
    with served.browser() as browser:
        browser.get("/api/v1/nothing", params={"q": "audit-bot", "token": served.token})
        served.http.post("/api/v1/nothing%1b[31m", headers=served.bearer)
        served.http.get("/session", headers={"authorization": "Bearer nonsense-of-a-guess"})
        log = served.log

        assert "signed in by token from 127.0.0.1" in log
        assert "POST /api/v1/nothing" in log
        assert "by ada@acme.example from 127.0.0.1" in log
        assert "sign-in refused: wrong token from 127.0.0.1" in log
        for secret in (served.token, "nonsense-of-a-guess", *dict(browser.cookies).values(), "\x1b"):
            assert secret not in log


def test_the_index_is_read_and_not_mapped(scanned_folder: Path) -> None:
    """Each connection would map all of it, and for each the system counts it as the server's memory."""
    with Served(scanned_folder) as served:
        assert served.http.get("/api/v1/identities?q=bot", headers=served.bearer).json()["total"] == 4
        maps = Path(f"/proc/{served.pid}/maps").read_text()

    assert "python" in maps
    assert ".index" not in maps
