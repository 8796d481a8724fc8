"""``muster serve``: the store as a page that a team opens in a browser."""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from scanner.cli.indexing import index_folder
from scanner.cli.options import config_option, store_option
from scanner.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from scanner.config.serving import Listen, ServeSettings
    from scanner.serve.people import ServedLists, Viewer


SHORTEST_TOKEN = 24
"""Minimum characters of a token."""


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Address to listen on; default: 127.0.0.1:8686, or the config's.")
@click.option("--as", "acting", metavar="PERSON", help="On loopback: the person of the roster who acts by the token.")
@config_option
@store_option
def serve(listen: str | None, acting: str | None, config_file: Path | None, store_url: str | None) -> int:
    """Serve the store as a page with an API.

    It runs until Ctrl-C or SIGTERM, which end it within five seconds, with exit code 0. On loopback, the printed
    address holds a token that signs in. On any other address people sign in by a proxy or with OpenID Connect, which
    [serve] in the config sets.
    """
    from connectors.catalog import installed_providers
    from scanner.catalog import providers_from
    from scanner.cli.console import telling
    from scanner.redaction.redact import mask
    from scanner.store.store import open_store

    try:
        from scanner.serve.admission import Admission
        from scanner.serve.app import create_app
        from scanner.serve.calls import TOKEN
        from scanner.serve.context import Serving, now
        from scanner.serve.index.catalog import Catalog
        from scanner.serve.keys import load_keys
        from scanner.serve.meters import Meters, measured
        from scanner.serve.people import ServedLists
        from scanner.serve.running import LISTS_EVERY, SCANS_EVERY, bind, prepare, repeating, run
        from scanner.serve.sessions import Sessions
        from scanner.serve.signin import ServerAccess
    except ImportError as error:
        raise MissingExtra("`muster serve`", "serve") from error

    lists = ServedLists(config_file, lambda: datetime.now(UTC).date())
    settings = lists.config.serve
    address = _address(listen or settings.listen, settings)
    if settings.has_sign_in and not lists.has_people:
        raise UsageError("a sign-in needs a roster, and there are no people on it", hint="set [[people]] in the config")
    acts, token = _acting(acting, lists, address), _token(settings)
    mask(token)
    prepare()
    place = store_url or lists.config.store_url
    connect, folder = partial(open_store, place, create=False), settings.index or index_folder(place)
    catalog = Catalog(folder, connect, activity=lists.config.activity)
    keys = load_keys(settings.session_key, folder)
    with connect() as store, closing(catalog), bind(address) as bound:
        catalog.refresh_small()
        port: int = bound.getsockname()[1]
        url = _url(address, port)
        public = (settings.public_url or url).rstrip("/")
        meters = Meters(store, catalog, now)
        serving = Serving(store=store, catalog=catalog, lists=lists, meters=meters, url=public)
        access = ServerAccess(
            settings=settings, token=token, local=address.is_loopback, port=port, keys=keys, acts=acts
        )
        sessions = Sessions(keys, settings.session_hours, store.served, now)
        sessions.refresh()
        app = measured(Admission(create_app(serving), access, lists, sessions), meters)
        told, known = telling("building the index"), partial(providers_from, installed_providers)
        often = ((work, LISTS_EVERY) for work in (lists.refresh, sessions.refresh, sessions.save))
        with repeating((partial(catalog.refresh_apart, known, told), SCANS_EVERY), *often):
            shown = f"{url}/?{urlencode({TOKEN: token})}" if access.local else f"{public} ({url})"
            # Print the address. Not redacted: the user who started the server needs the token.
            run(app, bound, settings, lambda: click.echo(f"Muster is at {shown}"))
    return 0


def _token(settings: ServeSettings) -> str:
    """The token of the config, or a new one. Raises UsageError if it is too short."""
    if settings.token is None:
        return secrets.token_urlsafe(32)
    token = settings.token.resolve()
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(f"[serve] token has less than {SHORTEST_TOKEN} characters", hint="openssl rand -base64 32")
    return token


def _address(text: str, settings: ServeSettings) -> Listen:
    """The address to listen on. Raises UsageError for a public address without a sign-in."""
    from scanner.config.serving import parse_listen

    try:
        address = parse_listen(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not address.is_loopback and not settings.has_sign_in:
        raise UsageError(
            f"{text} can be reached from other machines, and no sign-in is set",
            hint="set [serve] user_header and proxies, or [serve.oidc], in the config; or listen on 127.0.0.1",
        )
    return address


def _url(address: Listen, port: int) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{port}"


def _acting(text: str | None, lists: ServedLists, address: Listen) -> Viewer:
    """The person who acts with the token. Raises UsageError if that person has no role."""
    from msgspec.structs import replace

    from scanner.serve.people import TOKEN_ONLY, PersonRefused, Viewer

    if text is None:
        return TOKEN_ONLY
    if not address.is_loopback:
        raise UsageError("--as is for loopback: on other addresses people sign in")
    if not lists.has_people:
        return Viewer(person=text, name=text, sees_all=True)
    try:
        viewer = lists.viewer(text)
    except PersonRefused as refused:
        raise UsageError(f"--as: {refused}") from None
    settings = lists.config.serve
    return viewer if settings.viewers or settings.reviewers else replace(viewer, sees_all=True)
