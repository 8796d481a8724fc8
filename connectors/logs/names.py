"""Short names of addresses and clients in profiles, and cleaning of names from a log."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from scanner.redaction.redact import without_resolved
from scanner.redaction.shapes import public_id
from scanner.text import printable, without_surrogates

_LONGEST = 300
_HARMLESS = 16


@lru_cache(maxsize=16_384)
def plain(text: str, longest: int = _LONGEST) -> str:
    """A name from a log, on one line, without secrets, and shortened."""
    if text.isascii() and text.isidentifier() and len(text) <= _HARMLESS:
        return text
    words = public_id(without_resolved(printable(without_surrogates(text))))
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


_Range: TypeAlias = tuple[int, int, int]
"""Version of the protocol, first and last address."""


def _range(text: str) -> _Range:
    network = ipaddress.ip_network(text, strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


_PRIVATE = tuple(
    map(
        _range,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
         "fc00::/7", "fe80::/10", "::1/128"),
    )
)  # fmt: skip
"""``is_private`` also has the ranges of documentation, and those are what examples are written with."""
_SERVICE = re.compile(r"[a-z0-9.-]{1,60}\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws)|AWS Internal", re.IGNORECASE)
_V4, _KEPT_V6 = 4, 48


class Networks:
    """Names of addresses: the own network's name, ``private``, a service's name, or the /24 or /48.

    ``named``: names by address range, the narrowest counts. Raises ValueError for an invalid range.
    """

    def __init__(self, named: Iterable[tuple[str, str]] = (), *, truncate: bool = True) -> None:
        ranges = [(_range(one), plain(name)) for one, name in named]
        self._named = sorted(ranges, key=lambda each: each[0][2] - each[0][1])
        self._truncate = truncate
        self.name = lru_cache(maxsize=65_536)(self._name)

    def _name(self, address: str) -> str:
        text = address.strip().strip("[]")
        try:
            found = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return plain(text.lower(), 80) if _SERVICE.fullmatch(text) else "unknown"
        found = getattr(found, "ipv4_mapped", None) or found
        number = int(found)
        for (version, first, last), name in self._named:
            if version == found.version and first <= number <= last:
                return name
        if any(version == found.version and first <= number <= last for version, first, last in _PRIVATE):
            return "private"
        if not self._truncate:
            return str(found)
        if found.version == _V4:
            one, two, three, _ = found.packed
            return f"{one}.{two}.{three}.0/24"
        return str(ipaddress.ip_network((found, _KEPT_V6), strict=False))

    def host(self, address: str) -> str:
        """The address itself in an own network, whose hosts are no persons'; elsewhere as :meth:`name`."""
        name = self.name(address)
        return plain(address.strip().strip("[]").partition("%")[0], 60) if name == "private" else name

    def place(self, address: str) -> str | None:
        """The network that a host is in as seen from outside; None where the address does not say."""
        name = self.name(address)
        is_told = name in {each for _, each in self._named} or ":" in name or name[-1:].isdigit()
        if not is_told or name in ("private", "unknown"):
            return None
        return name if self._truncate else _SHORT.name(address)


_SHORT = Networks()


_CLIENTS: Sequence[tuple[str, str]] = (
    # The first that is found counts: a tool before the SDK that it is built with. Texts are in lower case.
    ("terraform", r"terraform|opentofu"),
    ("pulumi", r"pulumi"),
    ("crossplane", r"crossplane"),
    ("ansible", r"ansible"),
    ("cloudformation", r"^cloudformation\."),
    ("cdk", r"aws-cdk|cdk-toolkit"),
    ("aws-cli", r"aws-cli/"),
    ("powershell", r"aws-?tools(?:forwindows)?powershell|powershell"),
    ("azure-cli", r"azurecli|azure-cli"),
    ("gcloud", r"google-cloud-sdk|gcloud"),
    ("kubectl", r"kubectl"),
    ("helm", r"\bhelm/"),
    ("argocd", r"argocd"),
    ("flux", r"\b(?:source|kustomize|helm)-controller/|\bfluxcd"),
    ("vault", r"\bvault/|openbao"),
    ("console", r"^\[?(?:console|signin)\.(?:amazonaws|aws\.amazon)\.com|s3console|aws-?console|aws-internal.*console"),
    ("boto3", r"\bboto3?/|botocore/"),
    ("java-sdk", r"aws-sdk-java|aws-sdk-kotlin"),
    ("js-sdk", r"aws-sdk-(?:js|nodejs)|aws-sdk-react-native"),
    ("go-sdk", r"aws-sdk-go"),
    ("dotnet-sdk", r"aws-sdk-dotnet|aws-?sdk.*\.net"),
    ("rust-sdk", r"aws-sdk-rust"),
    ("ruby-sdk", r"aws-sdk-ruby"),
    ("php-sdk", r"aws-sdk-php"),
    ("cpp-sdk", r"aws-sdk-cpp"),
    ("swift-sdk", r"aws-sdk-swift"),
    ("azure-sdk", r"azsdk-|azure-sdk"),
    ("google-sdk", r"google-(?:api-|cloud-(?:python|go|java|node|sdk-for))|gcloud-python|gl-(?:python|go|java|node)/"),
    ("kubernetes-client", r"kubernetes-client|kubernetes/\$format|client-go|openapi-generator"),
    ("postman", r"postmanruntime"),
    ("curl", r"\bcurl/"),
    ("wget", r"\bwget/"),
    ("python-http", r"python-requests/|python-httpx/|python-urllib|aiohttp/"),
    ("go-http", r"go-http-client/"),
    ("node-http", r"\baxios/|node-fetch|\bundici"),
    ("java-http", r"\bokhttp|apache-httpclient|java-http-client"),
    ("browser", r"^\[?mozilla/.*(?:applewebkit|gecko/|firefox/|trident)|^\[?opera/"),
    ("service", r"^\[?[a-z0-9.-]+\.(?:amazonaws|amazon)\.com\]?$|^\[?aws[ -]internal"),
)  # fmt: skip
_CLIENT = re.compile("|".join(f"(?P<_{number}>{pattern})" for number, (_, pattern) in enumerate(_CLIENTS)))
_BY_GROUP = {f"_{number}": (number, name) for number, (name, _) in enumerate(_CLIENTS)}
_PRODUCT = re.compile(r"\[?([a-z][a-z_.-]{2,24})(?:/|$)")
INTERACTIVE_CLIENTS = frozenset({"browser", "console"})
"""Families of interactive clients."""


@lru_cache(maxsize=65_536)
def client_of(user_agent: str) -> str:
    """The family of a client, without versions: ``boto3``; the product's own word where it is none that is known."""
    text = user_agent[:400].strip().lower()
    if not text:
        return "none"
    found = min((_BY_GROUP[str(match.lastgroup)] for match in _CLIENT.finditer(text)), default=None)
    if found is not None:
        return found[1]
    product = _PRODUCT.match(text)
    return plain(product[1], 25) if product else "other"
