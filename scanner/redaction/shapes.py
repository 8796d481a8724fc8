"""Finds secrets in texts: by their shape, or by the name before them.

The shapes are public: the vendors document them, and most ids are those of the rules of gitleaks and trivy. Public ids
are no secrets and are never masked: access key ids (``AKIA…``), ARNs, client ids, accessors, fingerprints, e-mail
addresses.

Texts come from outside, so no pattern may be slow on any text: each begins with a keyword or at the start of a word,
and no unbounded repetition is followed by a condition.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

MASK = "•••"
_HASH_DIGITS = 10
"""Hex digits of the hash that replaces a token in an id: 40 bits, enough to keep ids apart."""


class Shape(NamedTuple):
    """A kind of secret. ``keywords``: a text without any of them has no such secret.

    ``pattern``: group 1 is the secret, or the whole match without a group. ``guessable``: people choose such secrets,
    so even a hash would reveal them.
    """

    id: str
    keywords: tuple[str, ...]
    pattern: str
    guessable: bool = False


# In JSON within JSON, the n of an escaped ``\\n`` is not part of the word that follows.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_END = r"(?![A-Za-z0-9])"


def _word(beginning: str, but: str = "") -> str:
    """Return a pattern for the beginning of a word. ``but``: characters that count as letters.

    It begins with the literal and looks behind it afterwards, because ``re`` searches for a literal prefix much faster.
    """
    literal = re.escape(beginning)
    return rf"{literal}(?:(?<![A-Za-z0-9{but}]{literal})|(?<=\\[nrt]{literal}))"


# Base64 of ``user:password``: four characters are three bytes, one of which is a colon; those before it are ASCII.
_BASE64_ASCII = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]"
_BASE64_COLON = (
    r"(?:O[g-v][A-Za-z0-9+/=]{2}|[A-Za-z0-9+/][DTjz][o-r][A-Za-z0-9+/=]"
    r"|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]6)"
)
# A password on a command line that is no variable, option or placeholder.
_GIVEN = r"[\\\"']{0,2}(?![$<{`\\-])([^\s\"'\u2022][^\s\"']*)"
_COMMANDS = {
    "curl": r"(?:-[a-zA-Z]{0,8}[uU]|--(?:proxy-)?user)[ =]{0,2}[\\\"']{0,2}[\w.@+%-]{1,64}:",
    "sshpass": r"-p\s{0,4}",
    "mysql": r"-p(?!(?:rod(?:uction)?|re-?prod|rimary|rivate|ublic|ort)\b)",
    "mariadb": r"-p(?!(?:rod(?:uction)?|re-?prod|rimary|rivate|ublic|ort)\b)",
    "redis-cli": r"-a\s{1,4}",
    "docker login": r"-p[ =]{0,4}",
    "podman login": r"-p[ =]{0,4}",
    "ldap": r"-w\s{0,4}",
}
"""By command, the option before its password."""

SHAPES: tuple[Shape, ...] = (
    Shape("private-key", ("PRIVATE KEY",), r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
          r"(?:.*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|.*)"),
    Shape("private-key-base64", ("LS0tLS1CRUdJTi",), r"LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM)[A-Za-z0-9+/=]{20,}"),
    Shape("putty-private-key", ("Private-Lines:",), r"(?s)Private-Lines: ?\d{1,9}\s((?!•).+)"),
    Shape("age-secret-key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{20,}"),
    Shape("jwt", ("eyJ",), r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{8,}\.[\w-]{2,}(?:\.[\w-]*){0,3}"),
    Shape("url-password", ("://",), r"://[^/\s:@]*:([^/\s]+)(?=@)", guessable=True),
    Shape("url-token", ("://",), r"://(?!AKIA|ASIA)((?=[^/\s:@]*\d)[\w.~%+-]{20,})(?=(?::[^/\s]*)?@)"),
    Shape("go-mysql-password", ("@tcp(", "@unix("), r"(?<![\w.-])[\w.-]{1,64}:([^\s:@/]{1,128})(?=@(?:tcp|unix)\()",
          guessable=True),
    # Headers. After ``Basic`` and ``Bearer`` alone, only encoded text counts: a plain word belongs to a sentence.
    Shape("authorization-header", ("uthorization", "UTHORIZATION"),
          r"""(?i)authorization\\{0,8}["']?\s{0,4}(?:=>|[:=])\s{0,4}(?:b(?=["']))?(?:\\{0,8}["'])?"""
          r"""((?<=["'])[^"'\\\u2022]+|(?:basic|bearer)[ \t]{1,4}[^\s"'\\\u2022]+"""
          r"""|(?:[a-z][\w-]{0,30}[ \t]{1,4})?(?!\d{4}-\d\d-\d\d|https?:|arn:)"""
          r"""(?=[^\s"'\\\u2022]{0,200}\d)[^\s"'\\\u2022]{10,})""", guessable=True),
    Shape("authorization-scheme", ("earer", "EARER"),
          r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))(?i:bearer)\s{1,4}(?!(?i:tokens?|auth|rfc))"
          r"(?=[\w+/.~-]{0,200}(?:[a-z][A-Z]|\d|=))([\w+/.~-]{8,}=*)", guessable=True),
    Shape("authorization-scheme", ("asic", "ASIC"),
          rf"{_START}(?i:basic)\s{{1,4}}((?:{_BASE64_ASCII}){{0,60}}{_BASE64_COLON}[A-Za-z0-9+/]*=*)", guessable=True),
    *(Shape("command-line-password", (command,),
            rf"{_word(command)}[a-z]{{0,10}}\s(?:[^\n;|]{{0,120}}?\s)??{option}{_GIVEN}", guessable=True)
      for command, option in _COMMANDS.items()),
    # Clouds.
    Shape("aws-secret-access-key", ("AKIA", "ASIA"),
          r"(?:AKIA|ASIA)[A-Z0-9]{16}[\s:;,/|\"'\\]{1,6}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"),
    Shape("aws-session-token", ("FwoGZXIvYXdz", "IQoJb3JpZ2lu"), r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{50,}"),
    Shape("aws-bedrock-api-key", ("ABSKQmVkcm9ja", "bedrock-api-key-"),
          r"(?:ABSKQmVkcm9ja|bedrock-api-key-)[A-Za-z0-9+/=]{30,}"),
    Shape("azure-ad-client-secret", ("Q~",), r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    Shape("azure-sas", ("sig=",), r"(?<![a-z])sig=([A-Za-z0-9%+/_-]{20,}=*)"),
    Shape("azure-key", ("AccountKey=", "SharedAccessKey=", "SharedSecret="),
          r"(?:AccountKey|SharedAccessKey|SharedSecret)=([A-Za-z0-9+/%]{16,}=*)"),
    Shape("azure-identifiable-key", ("+ASt", "+AMC", "AzFu", "ACDb", "AzSe", "AZDO"),
          r"(?<![\w+/])[A-Za-z0-9+/]{40,84}(?:\+ASt|\+AMC|AzFu|ACDb|AzSe|AZDO)[A-Za-z0-9+/]{4,8}=*"),
    Shape("gcp-api-key", ("AIza",), rf"{_START}AIza[\w-]{{35}}(?![\w-])"),
    Shape("gcp-oauth-access-token", ("ya29.",), r"ya29\.[\w-]{20,}[\w.-]*"),
    Shape("gcp-oauth-client-secret", ("GOCSPX-",), r"GOCSPX-[\w-]{20,}"),
    Shape("gcp-refresh-token", ("1//0",), r"(?<!\w)1//0[\w-]{40,}"),
    Shape("alibaba-secret-key", ("LTAI",), rf"LTAI[A-Za-z0-9]{{12,20}}[\s:;,/|\"']{{1,4}}([A-Za-z0-9]{{30}}){_END}"),
    Shape("digitalocean-token", ("_v1_",), r"do[opr]_v1_[a-f0-9]{64}"),
    Shape("databricks-api-token", ("dapi",), rf"{_word('dapi')}[a-f0-9]{{32}}(?:-\d)?{_END}"),
    Shape("cloudflare-origin-ca-key", ("v1.0-",), r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}"),
    Shape("hashicorp-vault-token", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w-]{20,}"),
    *(Shape("vault-token-before-1.10", (one,),
            rf"{_word(one, '.-')}(?=[A-Za-z]{{0,23}}\d|[a-z]{{0,23}}[A-Z])[A-Za-z0-9]{{24}}[\w-]*")
      for one in ("s.", "b.", "r.")),
    Shape("hashicorp-tf-api-token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}"),
    Shape("1password-service-account-token", ("ops_eyJ",), r"ops_eyJ[A-Za-z0-9+/=_-]{40,}"),
    Shape("doppler-api-token", ("dp.",), rf"{_word('dp.')}(?:pt|st|ct|sa|scim|audit)\.[\w.-]{{40,}}"),
    Shape("infisical-or-pulumi-token", ("pul-",), rf"{_word('pul-')}[a-f0-9]{{40}}"),
    Shape("tailscale-key", ("tskey-",), r"tskey-[a-z]{2,12}-[\w-]{10,}"),
    Shape("fly-token", ("fo1_", "FlyV1 fm"), r"(?:(?<!\w)fo1_[\w-]{40,}|FlyV1 fm[a-z0-9]{1,4}_[A-Za-z0-9+/=,_]{40,})"),
    # Code and packages.
    Shape("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9_]{30,}"),
    Shape("github-fine-grained-pat", ("github_pat_",), r"github_pat_\w{22,}"),
    Shape("gitlab-token", ("gl",),
          rf"{_word('gl')}(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{{20,}}"),
    Shape("gitlab-runner-registration-token", ("GR1348941",), r"GR1348941[\w-]{20,}"),
    Shape("npm-access-token", ("npm_",), rf"{_word('npm_')}[A-Za-z0-9]{{36}}"),
    Shape("pypi-upload-token", ("pypi-AgE",), r"pypi-AgE[\w-]{20,}"),
    Shape("rubygems-api-token", ("rubygems_",), r"rubygems_[a-f0-9]{48}"),
    Shape("clojars-api-token", ("CLOJARS_",), r"CLOJARS_[A-Za-z0-9]{60}"),
    Shape("docker-pat", ("dckr_",), r"dckr_(?:pat|oat)_[\w-]{20,}"),
    Shape("artifactory-token", ("AKCp", "cmVmd"), rf"{_START}(?:AKCp[A-Za-z0-9]{{69}}|cmVmd[A-Za-z0-9]{{59}}){_END}"),
    Shape("atlassian-api-token", ("ATATT3", "ATCTT3", "ATBB"),
          rf"{_START}(?:AT[AC]TT3[\w=-]{{40,}}|ATBB[A-Za-z0-9]{{32}})"),
    Shape("linear-api-key", ("lin_",), rf"{_word('lin_')}(?:api|oauth)_[A-Za-z0-9]{{40}}"),
    Shape("postman-api-token", ("PMAK-",), r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Shape("sourcegraph-access-token", ("sgp_",), rf"{_word('sgp_')}(?:(?:[a-f0-9]{{16}}|local)_)?[a-f0-9]{{40}}"),
    Shape("netlify-or-notion-token", ("nfp_", "ntn_"), rf"{_START}(?:nfp_[A-Za-z0-9]{{36}}|ntn_[A-Za-z0-9]{{40,}})"),
    Shape("supabase-or-planetscale-token", ("sbp_", "pscale_"),
          rf"{_START}(?:sbp_[a-f0-9]{{40}}|pscale_(?:tkn|oauth|pw)_[\w.=-]{{32,}})"),
    # Models.
    Shape("openai-api-key", ("T3BlbkFJ",), r"(?<![A-Za-z0-9])sk-[\w-]{16,90}T3BlbkFJ[\w-]{16,}"),
    Shape("sk-api-key", ("sk-",), rf"{_word('sk-', '_')}(?:(?:ant|proj|svcacct|admin|None|or|lf)-[\w-]{{20,}}"
          rf"|(?=[A-Za-z]{{0,40}}\d)[A-Za-z0-9]{{20,}})"),
    Shape("huggingface-access-token", ("hf_", "api_org_"), rf"{_START}(?:hf|api_org)_[A-Za-z0-9]{{34,40}}{_END}"),
    Shape("groq-api-key", ("gsk_",), rf"{_word('gsk_')}[A-Za-z0-9]{{48,}}"),
    Shape("perplexity-or-xai-api-key", ("pplx-", "xai-"),
          rf"{_START}(?:pplx-[A-Za-z0-9]{{40,}}|xai-[A-Za-z0-9]{{60,}})"),
    Shape("replicate-api-token", ("r8_",), rf"{_word('r8_')}[A-Za-z0-9]{{37}}"),
    # Chat. The URL of a webhook is a secret: anyone who has it can post there.
    Shape("slack-token", ("xox", "xapp-"), r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{10,}"),
    Shape("slack-webhook-url", ("hooks.slack",),
          r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([\w+/-]{20,})"),
    Shape("discord-webhook-url", ("/api/webhooks/",), r"/api/webhooks/(\d{10,25}/[\w-]{20,})"),
    Shape("microsoft-teams-webhook", (".webhook.office",), r"\.webhook\.office(?:365)?\.com/((?!•)\S{20,})"),
    Shape("google-chat-webhook", ("chat.googleapis.com",),
          r"chat\.googleapis\.com/v1/spaces/[\w-]{1,64}/messages\?((?!•)\S+)"),
    Shape("zapier-webhook", ("hooks.zapier.com",), r"hooks\.zapier\.com/hooks/catch/([\w/]{8,})"),
    Shape("telegram-bot-api-token", (":AA",), r"(?<!\d)\d{5,16}:(AA[\w-]{32,34})(?![\w-])"),
    # Services.
    Shape("stripe-access-token", ("sk_", "rk_", "whsec_"),
          rf"{_START}(?:[sr]k_(?:test|live|prod)_[A-Za-z0-9]{{10,}}|whsec_[A-Za-z0-9+/=]{{20,}})"),
    Shape("sendgrid-api-token", ("SG.",), rf"{_word('SG.')}[\w=-]{{16,32}}\.[\w=-]{{16,64}}"),
    Shape("twilio-api-key", ("SK",), rf"{_word('SK')}[a-f0-9]{{32}}{_END}"),
    Shape("mailgun-token", ("key-",), rf"{_word('key-', '_-')}[a-f0-9]{{32}}{_END}"),
    Shape("sendinblue-api-token", ("xkeysib-",), r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Shape("shopify-access-token", ("shp",), r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    Shape("square-access-token", ("sq0",), r"sq0(?:atp|csp)-[\w-]{22,}"),
    Shape("grafana-token", ("glsa_", "glc_", "eyJrIjoi"),
          r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}=*|(?<![\w-])eyJrIjoi[A-Za-z0-9]{30,}=*"),
    Shape("new-relic-api-key", ("NRAK-", "NRAA-", "NRII-", "NRJS-"), r"NR(?:AK|AA|II|JS)-[A-Za-z0-9]{19,32}"),
    Shape("dynatrace-api-token", ("dt0",), r"dt0[a-z]\d{2}\.[A-Z0-9]{8,24}\.[A-Z0-9]{32,}"),
    Shape("sentry-token", ("sntry",), r"sntry[su]_[A-Za-z0-9+/=_]{40,}"),
    Shape("typeform-api-token", ("tfp_",), rf"{_word('tfp_')}[\w.=-]{{40,}}"),
    Shape("figma-or-contentful-token", ("figd_", "CFPAT-"), r"figd_[\w-]{30,}|CFPAT-[\w-]{43}"),
    Shape("shippo-or-easypost-token", ("shippo_", "EZAK", "EZTK"),
          rf"shippo_(?:live|test)_[A-Fa-f0-9]{{40}}|{_START}EZ[AT]K[A-Za-z0-9]{{54}}"),
    Shape("adobe-client-secret", ("p8e-",), rf"{_word('p8e-')}[A-Za-z0-9]{{32}}"),
    Shape("hubspot-private-app-token", ("pat-",), rf"{_word('pat-', '_-')}(?:na|eu|ap)\d-[a-f0-9-]{{36}}"),
)  # fmt: skip

# Names of secrets: ``DB_PASSWORD``, ``clientSecret``, ``x-api-key``. The ``weak`` names are common in ordinary texts.
_CORE = re.compile("contrase|kennwort|key|passe|pass|pwd|pw|secret|string|token")
_STRONG_BEFORE = re.compile(
    r"(?i)(?:"
    r"(?:(?:secret|shared)(?:[ _-]?access)?|account|api|encryption|master|private|signing|storage|subscription)"
    r"[ _-]?(?=key)"
    r"|(?:client|app|shared|webhook|totp)[ _-]?(?=secret)"
    r"|(?:vault|access|refresh|session|auth|bearer|api|bot|deploy|private|security)[ _-]?(?=token)"
    r"|connection[ _-]?(?=string)"
    r"|mot[ _-]?de[ _-]?(?=passe)"
    r")(?=(key|secret|token|string|passe)$)"
)
# Suffixes that make the name that of a fact about a secret: ``password_last_changed``, ``token_url``, ``secret_arn``.
_FACT = (
    r"(?:accessor|age|arn|at|changed?|count|created|date|days?|enabled|expir[a-z]*|files?|ids?|issuers?|kind|last|length"
    r"|manager|max|min|names?|num|owner|path|period|polic[a-z]*|ref|required|reset|rotat[a-z]*|scopes?|set|status|store"
    r"|subjects?|ttl|type|updated|ur[il]|used?|vault|version)(?![a-z])"
)
_AFTER = re.compile(
    r"(?i)(?:(?P<strong>passw(?:or)?ds?|passphrase|passcode|passwort|kennwort|contrase[ñn]a|pwd)"
    r"|(?P<weak>secret|token|pw|pass)|(?P<part>key|string|passe))"
    rf"(?:\d{{1,4}}|(?:[_.-](?!{_FACT})[a-z0-9]{{1,20}}){{1,3}})?"
    r"""[\\"']*\s*(?P<sign>=>|:=|=(?!>)|:(?![:=]))\s*(?:b(?=["']))?"""
    # A quoted value (JSON, a repr, JSON within JSON) ends at the closing quote.
    r"""(?s:"(?P<double>(?:\\.|[^"\\])*)|'(?P<single>(?:\\.|[^'\\])*)|\\+["'](?P<inner>[^"'\\]*)|(?P<bare>\S+))"""
)
_LONGEST_NAME = 60
_OF_NAMES = f"{string.ascii_letters}{string.digits}_./:-"
_LETTER = re.compile(r"[A-Za-z]$")
# After a weak name and a colon, a plain word belongs to a message. A secret is longer and has a digit.
_ENCODED = re.compile(r"(?=\S{0,200}\d)\S{6,}")
# Values of such names that are no secrets: words, dates, public ids, URLs, references.
_PUBLIC = re.compile(
    r"(?is)(?:|(?:none|null|true|false|yes|no|n/a|enabled|disabled|required|expired|missing|invalid|unknown|unset|rotated"
    # What happened to one, in the words of audit logs: ``api_key:created``.
    r"|added|created|deleted|failed|issued|listed|removed|revoked|succeeded|updated)[.,;)]?"
    r"|[{\[(]+|\$\{.*|\{\{.*|\{ ?(?:env|file)\b.*|<[^>]*>|\$[A-Z_]+"
    # The first word of a sentence, and the path of a file or a folder.
    r"|(?:see|ask|via|in|from|at|by|on|the|use|contact|check|refer|kept|stored|held|managed|provided|generated|shared|not"
    r"|set|has|must|should|will|can|was|is)[.,;]?"
    r"|(?:~|/(?:app|builds|data|etc|home|mnt|opt|root|run|srv|tmp|usr|users|var|workspace))(?:/[\w./-]*)?[,;)]?"
    r"|\d{4}-\d\d-\d\d(?:[T ].*)?|(?:AKIA|ASIA)[A-Z0-9]{16}|arn:aws.*|projects/.*|https?://[^?@]*|•.*)"
)
# Invisible characters, such as a zero-width space: within a secret or its name, they would hide it.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@cache
def _compiled(shape: Shape) -> re.Pattern[str]:
    return re.compile(shape.pattern, re.ASCII)


@cache
def _automaton() -> Any:
    """Return an Aho-Corasick automaton of all keywords. Searching each by itself takes five times as long."""
    import ahocorasick

    places: dict[str, list[int]] = {}
    for place, shape in enumerate(SHAPES):
        for keyword in shape.keywords:
            places.setdefault(keyword, []).append(place)
    automaton = ahocorasick.Automaton()
    for keyword, shapes in places.items():
        automaton.add_word(keyword, tuple(shapes))
    automaton.make_automaton()
    return automaton


def visible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def shapes_in(text: str) -> Iterator[Shape]:
    """Yield the shapes found in the text, in table order. A text without any takes a few nanoseconds per character."""
    found: set[int] = set()
    for _, places in _automaton().iter(text):
        found.update(places)
    for place in sorted(found):
        if _compiled(SHAPES[place]).search(text):
            yield SHAPES[place]


def named_in(text: str, *, only_assigned: bool = False) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value after the name of a secret, in order. ``only_assigned``: not after a colon."""
    if "=" not in text and (only_assigned or ":" not in text):
        return
    done = 0
    for core in _CORE.finditer(_lower(text)):
        start = core.start()
        if start < done or (found := _AFTER.match(text, start)) is None:
            continue
        before = text[max(0, start - _LONGEST_NAME) : start]
        kind = found.lastgroup
        value = found[kind or 0]
        if _is_secret(found, before, only_assigned) and not is_public(value):
            done = found.end(kind or 0)
            yield found.start(kind or 0), done


def _is_secret(found: re.Match[str], before: str, only_assigned: bool) -> bool:
    """Return whether a match is the value of a secret, judged by the name and the sign between them."""
    is_weak = found["strong"] is None
    if is_weak:
        word = found["weak"] or found["part"]
        is_strong = _STRONG_BEFORE.search(f"{before[-20:]}{word}") is not None
        if not is_strong and (found["part"] or (word[0] in "pP" and _LETTER.search(before))):
            return False
        is_weak = not is_strong
    if found["sign"] != ":":
        return True
    # Not after a path or an id: in ``/etc/passwd: No such file`` the colon belongs to a message.
    name = before[len(before.rstrip(_OF_NAMES)) :]
    if only_assigned or "/" in name or ":" in name:
        return False
    return not (is_weak and found["bare"]) or _ENCODED.match(found["bare"]) is not None


def _lower(text: str) -> str:
    """Return the text in lower case, with the same length: some characters have longer lower case forms."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(char.lower() if char.isascii() else char for char in text)


@lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """Return whether the value of a tag, attribute or variable with this name would be a secret."""
    words = _NEW_WORD.sub("_", visible(name))
    return words.lower().endswith(("webhook", "webhook_url", "webhook url")) or any(named_in(f"{words}=9"))


def is_public(value: str) -> bool:
    """Return whether a value is no secret, whatever its name: empty, yes or no, a date, a public id, a reference."""
    return _PUBLIC.fullmatch(value.strip()) is not None


def without_secrets(text: str) -> str:
    """Return the text with each secret masked, found by shape or by name. Masking again changes nothing."""
    masked = plain = visible(text)
    for shape in shapes_in(plain):
        masked = _each_masked(shape, masked, _masked)
    masked = _without(masked, named_in(masked))
    return text if masked == plain else masked


def public_id(text: str) -> str:
    """Return an id, name or key with each secret masked, so that it stays unique and the same in every scan.

    A token is replaced by the mask and a hash; it is too long to be guessed from the hash. Secrets that people choose
    could be guessed, so they get the mask alone: ids that differ only in a password belong to the same subject.
    """
    masked = plain = visible(text)
    for shape in shapes_in(plain):
        masked = _each_masked(shape, masked, _masked if shape.guessable else _masked_as_one)
    masked = _without(masked, named_in(masked, only_assigned=True))
    return text if masked == plain else masked


def _without(text: str, places: Iterable[tuple[int, int]]) -> str:
    kept, done = [], 0
    for start, end in places:
        kept += [text[done:start], MASK]
        done = end
    return "".join((*kept, text[done:])) if done else text


def _each_masked(shape: Shape, text: str, mask: Callable[[re.Match[str]], str]) -> str:
    """Return the text with all secrets of a shape masked.

    A command line can have several, and the pattern finds the first unmasked one, so it is repeated. Hashed tokens are
    all found in one pass, and hashing a hash would change the id.
    """
    while (masked := _compiled(shape).sub(mask, text)) != text and shape.guessable:
        text = masked
    return masked


def _masked(match: re.Match[str], mask: str = MASK) -> str:
    whole = match[0]
    start, end = match.span(match.re.groups)
    return f"{whole[: start - match.start()]}{mask}{whole[end - match.start() :]}"


def _masked_as_one(match: re.Match[str]) -> str:
    secret = match[match.re.groups]
    return _masked(match, f"{MASK}~{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:_HASH_DIGITS]}")
