"""Kubeconfig files: the server of a context, and how its user signs in.

Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ and client-authentication.v1. Supported are
tokens, client certificates, and programs that print either. Kubernetes has removed passwords and built-in providers.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from connectors.core.contract import own_words
from connectors.core.reading import decoded
from scanner.errors import SourceError
from scanner.redaction.redact import mask
from scanner.text import printable

if TYPE_CHECKING:
    from connectors.core.http import SignIn

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""The folder of a pod with the token of its account."""
SECONDS: Final = 60
"""Time limit of a program that signs in."""
_EXEC_API: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
T = TypeVar("T")


class Pem(Struct, frozen=True, kw_only=True):
    """Certificates or a key, as a file or inline."""

    path: str | None = None
    text: bytes | None = None


class SignInAs(Struct, frozen=True, kw_only=True):
    """The credentials of requests: a token, or a client certificate with its key."""

    token: str | None = None
    certificate: Pem | None = None
    key: Pem | None = None


class Address(Struct, frozen=True, kw_only=True):
    """A cluster's API. ``name``: for display. ``sign_in``: a cloud's session, in place of a user."""

    name: str
    server: str
    authority: Pem | None = None
    user: _KubeconfigUser | None = None
    sign_in: SignIn | None = None
    base: Path = Path()
    may_run: bool = False


class _KubeconfigVariable(Struct, frozen=True):
    name: str
    value: str


class _Program(Struct, frozen=True):
    command: str
    apiVersion: str  # noqa: N815  # the name in the file
    args: tuple[str, ...] | None = None
    env: tuple[_KubeconfigVariable, ...] | None = None


class _KubeconfigUser(Struct, frozen=True, rename="kebab"):
    token: str | None = None
    token_file: str | None = field(name="tokenFile", default=None)
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    exec: _Program | None = None


class _Cluster(Struct, frozen=True, rename="kebab"):
    server: str
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None


class _Context(Struct, frozen=True):
    cluster: str
    user: str = ""


class _KubeconfigFile(Struct, frozen=True):
    """The entries of each list, decoded when they are used."""

    clusters: tuple[dict[str, Any], ...] | None = None
    contexts: tuple[dict[str, Any], ...] | None = None
    users: tuple[dict[str, Any], ...] | None = None
    current: str | None = field(name="current-context", default=None)


def addresses(files: Sequence[Path], contexts: Sequence[str | None], *, may_run: bool) -> tuple[Address, ...]:
    """Return the clusters of these contexts; None is the current context. Raises SourceError.

    ``may_run``: whether programs that sign in may be run.
    """
    read = [(path, _read(path)) for path in files if path.exists()]
    if not read:
        raise SourceError(
            f"there is no kubeconfig at {printable(str(files[0])) if files else 'KUBECONFIG'}",
            hint="name it: kubeconfig = PATH; in a pod, set in_cluster = true",
        )
    return tuple(_address(read, context, may_run=may_run) for context in contexts)


def _read(path: Path) -> _KubeconfigFile:
    try:
        return _parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise SourceError(f"{printable(str(path))} cannot be read: {error.strerror or error}") from error


def _parsed(content: bytes, name: str) -> _KubeconfigFile:
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(content.decode()), _KubeconfigFile)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, msgspec.ValidationError):
        raise SourceError(f"{printable(name)} is not a kubeconfig", hint="`kubectl config view` checks it") from None


def cluster_in(content: bytes) -> tuple[str, Pem | None]:
    """The address and authority of the only cluster in a kubeconfig from a cloud. Raises SourceError."""
    name = "the cloud's answer"
    file = _parsed(content, name)
    first = next((str(entry.get("name")) for entry in file.clusters or ()), "")
    base, cluster = _entry([(Path(name), file)], "clusters", "cluster", first, _Cluster)
    return cluster.server, _pem(base, None, cluster.certificate_authority_data)


def _address(read: Sequence[tuple[Path, _KubeconfigFile]], wanted: str | None, *, may_run: bool) -> Address:
    name = wanted or next((file.current for _, file in read if file.current), None)
    if not name:
        raise SourceError("the kubeconfig has no current context", hint="name one: context = NAME")
    _, context = _entry(read, "contexts", "context", name, _Context)
    base, cluster = _entry(read, "clusters", "cluster", context.cluster, _Cluster)
    if cluster.insecure_skip_tls_verify:
        raise SourceError(
            f"the cluster {printable(context.cluster)} is not verified: insecure-skip-tls-verify",
            hint="give certificate-authority instead: anyone who answers would get the token",
        )
    if cluster.tls_server_name:
        raise SourceError(f"the cluster {printable(context.cluster)} has tls-server-name, which is not supported")
    authority = _pem(base, cluster.certificate_authority, cluster.certificate_authority_data)
    user = None
    if context.user:
        base, user = _entry(read, "users", "user", context.user, _KubeconfigUser)
    return Address(
        name=context.cluster, server=cluster.server, authority=authority, user=user, base=base, may_run=may_run
    )


def _entry(
    read: Sequence[tuple[Path, _KubeconfigFile]], listing: str, what: str, name: str, shape: type[T]
) -> tuple[Path, T]:
    """The first entry with that name, and the folder that its paths are relative to."""
    for path, file in read:
        for entry in getattr(file, listing) or ():
            if entry.get("name") == name:
                try:
                    return path.parent, msgspec.convert(entry.get(what), shape)
                except msgspec.ValidationError:
                    raise SourceError(f"the {what} {printable(name)} of {printable(str(path))} is malformed") from None
    raise SourceError(
        f"the kubeconfig has no {what} {printable(name)}", hint="`kubectl config get-contexts` lists them"
    )


def _pem(base: Path, path: str | None, data: str | None) -> Pem | None:
    if data:
        try:
            return Pem(text=base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            raise SourceError("the kubeconfig has data that is not base64") from None
    return Pem(path=str(base / path)) if path else None


def in_cluster() -> Address:
    """The cluster that this process runs in. Raises SourceError."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise SourceError("this is not a pod of a cluster", hint="give a kubeconfig instead of in_cluster")
    name = f"[{host}]" if ":" in host else host
    return Address(
        name="in-cluster",
        server=f"https://{name}:{port}",
        authority=Pem(path=str(SERVICE_ACCOUNT / "ca.crt")),
        user=_KubeconfigUser(token_file=str(SERVICE_ACCOUNT / "token")),
    )


def at(url: str, token: str, ca_file: str | None) -> Address:
    """The cluster at an address."""
    authority = None if ca_file is None else Pem(path=ca_file)
    return Address(name=url, server=url, authority=authority, user=_KubeconfigUser(token=token))


def signed_in(address: Address) -> SignInAs:
    """Return the credentials of a context. Raises SourceError."""
    user = address.user
    if user is None:
        raise SourceError("the context has no user", hint="`kubectl config set-context --current --user=NAME`")
    if user.exec is not None:
        return _run(user.exec, address)
    token = user.token
    if user.token_file:
        path = address.base / user.token_file
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"the token in {printable(str(path))} cannot be read: {type(error).__name__}") from error
    certificate = _pem(address.base, user.client_certificate, user.client_certificate_data)
    key = _pem(address.base, user.client_key, user.client_key_data)
    if token:
        mask(token)
    if not token and not (certificate and key):
        raise SourceError(
            "the context's user has neither a token nor a client certificate",
            hint="passwords and auth providers are not supported by Kubernetes any more",
        )
    return SignInAs(token=token or None, certificate=certificate, key=key)


def _run(program: _Program, address: Address) -> SignInAs:
    """Run the program that signs in. It is trusted: the user's own kubeconfig names it."""
    if not address.may_run:
        raise SourceError(
            f"the context signs in with a program, {printable(program.command)}",
            hint="name its file to allow that: kubeconfig = PATH",
        )
    if program.apiVersion not in _EXEC_API:
        raise SourceError(f"the program {printable(program.command)} has an unknown version of its interface")
    info = {"apiVersion": program.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    given = {one.name: one.value for one in program.env or ()}
    command = program.command
    if os.sep in command and not Path(command).is_absolute():
        command = str(address.base / command)
    try:
        done = subprocess.run(  # noqa: S603  # the user's program, from a kubeconfig that the config names
            [command, *(program.args or ())],
            env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SourceError(f"the program {printable(program.command)} does not run: {type(error).__name__}") from error
    if done.returncode:
        words = own_words(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
        raise SourceError(f"the program {printable(program.command)} could not sign in: {words}")
    status = decoded(done.stdout, _Answer).status
    if status is None or not (status.token or (status.certificate and status.key)):
        raise SourceError(f"the program {printable(program.command)} printed no credentials")
    if status.token:
        mask(status.token)
    pair: Mapping[str, Pem] = (
        {"certificate": Pem(text=status.certificate.encode()), "key": Pem(text=status.key.encode())}
        if status.certificate and status.key
        else {}
    )
    return SignInAs(token=status.token, **pair)


class _KubeconfigStatus(Struct, frozen=True, kw_only=True):
    token: str | None = None
    certificate: str | None = field(name="clientCertificateData", default=None)
    key: str | None = field(name="clientKeyData", default=None)


class _Answer(Struct, frozen=True, kw_only=True):
    status: _KubeconfigStatus | None = None
