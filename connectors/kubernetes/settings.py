"""Settings of a Kubernetes source in config.toml."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from connectors.address import check_url
from scanner.redaction.redact import SecretRef


class KubernetesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contexts of a kubeconfig, an API server, the cluster that Muster runs in, or files.

    ``kubeconfig``: a file; by default what KUBECONFIG names, else ~/.kube/config. Only a file named here may run a
    program to sign in. ``context``: one context, ``contexts``: several; by default the current one. ``url``: an API
    server, asked with ``token`` and verified by ``ca_file``. ``insecure_http``: plain HTTP beyond this machine.
    ``from_files``: a folder of what ``kubectl get PLURAL -A -o json`` wrote. ``secrets``: also list names and dates of
    token secrets, which takes a right to list secrets. ``aws_auth``: also see whether a config map maps AWS identities.
    ``argocd``: the namespace of Argo CD, to also read local accounts from its config map.
    """

    kubeconfig: str | None = None
    context: str | None = None
    contexts: tuple[str, ...] = ()
    in_cluster: bool = False
    url: str | None = None
    token: SecretRef = SecretRef(env="KUBERNETES_TOKEN")
    ca_file: str | None = None
    insecure_http: bool = False
    from_files: str | None = None
    secrets: bool = False
    aws_auth: bool = False
    argocd: str | None = None
    timeout: float = 30

    def __post_init__(self) -> None:
        if self.context is not None and self.contexts:
            raise ValueError("give either context or contexts")
        ways = (self.kubeconfig is not None or self.context is not None or bool(self.contexts), self.in_cluster)
        if sum((*ways, self.url is not None, self.from_files is not None)) > 1:
            raise ValueError("give one of: a kubeconfig with its contexts, url, in_cluster, from_files")
        if self.url is not None:
            check_url(self.url, insecure_http=self.insecure_http)
        if self.timeout <= 0:
            raise ValueError("timeout must be positive")

    @property
    def files(self) -> tuple[Path, ...]:
        """The kubeconfig's files."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        parts = (named,) if self.kubeconfig else tuple(filter(None, named.split(os.pathsep)))
        return tuple(Path(part).expanduser() for part in parts)

    @property
    def wanted(self) -> tuple[str | None, ...]:
        """The contexts to read; None is the current one."""
        return self.contexts or (self.context,)
