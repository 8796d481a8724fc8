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
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from scanner.redaction.encoded import DECODED, OVERLAP, codes, decoded, extent
from scanner.redaction.named import CORES, may_assign, named_in, spellings, visible
from scanner.redaction.vendors import END, START, Shape, vendors, word

MASK = "•••"
_HASH_DIGITS = 10
"""Hex digits of the hash that replaces a token in an id: 40 bits, enough to keep ids apart."""


LONGEST = 131_072
"""Characters of a text that are kept, as of a cell in a list."""
_MARGIN = 4_096
"""Characters after a cut that are masked with the rest: what is secret up to the cut may be known by what follows."""
_OF_A_CUT = 64
"""Characters that are kept for saying that a text was cut."""
CUT = "… (cut: of "

# Base64 of ``user:password``: four characters are three bytes, one of which is a colon; those before it are ASCII.
_BASE64_ASCII = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/]"
_BASE64_COLON = (
    r"(?:O[g-v][A-Za-z0-9+/=]{2}|[A-Za-z0-9+/][DTjz][o-r][A-Za-z0-9+/=]"
    r"|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]6)"
)
# A password on a command line that is no variable, option or placeholder.
_GIVEN = r"[\\\"']{0,2}(?![$<{`\\-])([^\s\"'\u2022][^\s\"']*)"
_COMMANDS = {
    "curl": r"(?:-[a-zA-Z]{0,8}[uU]|--(?:proxy-)?user)[ =]{0,2}[\\\"']{0,2}[\w.@+%-]{0,64}:",
    "sshpass": r"-p\s{0,4}",
    "mysql": r"-p(?!(?:rod(?:uction)?|re-?prod|rimary|rivate|ublic|ort)\b)",
    "mariadb": r"-p(?!(?:rod(?:uction)?|re-?prod|rimary|rivate|ublic|ort)\b)",
    "redis-cli": r"-a\s{1,4}",
    "docker login": r"-p[ =]{0,4}",
    "podman login": r"-p[ =]{0,4}",
    "ldap": r"-w\s{0,4}",
}
"""By command, the option before its password."""

# Of 24 letters without a digit, a token mixes capitals as no name does: two of them in a row, or around one letter.
_MIXED = r"(?=[A-Za-z]{0,23}\d|(?=[A-Z]{0,23}[a-z])[A-Za-z]{0,21}[A-Z][a-z]?[A-Z])"

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
          r"""((?<=["'])[^"'\\\u2022]+|(?:basic|bearer)[ \t]{1,4}(?![$<*{])[^\s"'\\\u2022]+"""
          r"""|(?:[a-z][\w-]{0,30}[ \t]{1,4})?(?![$<*{]|\d{4}-\d\d-\d\d|https?:|arn:)"""
          r"""(?=[^\s"'\\\u2022]{0,200}\d)[^\s"'\\\u2022]{10,})""", guessable=True),
    Shape("authorization-scheme", ("earer", "EARER"),
          r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))(?i:bearer)\s{1,4}(?!(?i:tokens?|auth|rfc))"
          r"(?=[\w+/.~-]{0,200}(?:[a-z][A-Z]|\d|=))([\w+/.~-]{8,}=*)", guessable=True),
    Shape("authorization-scheme", ("asic", "ASIC"),
          rf"{START}(?i:basic)\s{{1,4}}((?:{_BASE64_ASCII}){{0,60}}{_BASE64_COLON}[A-Za-z0-9+/]*=*)", guessable=True),
    Shape("basic-credentials", ('auth"', "auth'", "_auth"),
          rf"""auth\\{{0,8}}["']\s{{0,4}}:\s{{0,4}}\\{{0,8}}["']((?:{_BASE64_ASCII}){{0,60}}{_BASE64_COLON}[A-Za-z0-9+/]*=*)"""
          r"""|_auth\s{0,4}=\s{0,4}["']?(?!•)(?P<npm>[A-Za-z0-9+/]{8,}=*)""", guessable=True),
    Shape("netrc-password", ("machine", "default"),
          r"(?:machine\s{1,20}\S{1,253}|default(?=\s{1,20}login\s))\s{1,20}(?:(?:login|account)\s{1,20}\S{1,128}\s{1,20}){0,2}"
          r"password\s{1,20}((?!•)\S+)", guessable=True),
    Shape("sql-password", ("dentified by", "DENTIFIED BY"),
          r"(?i:identified by)\s{1,4}(?:password\s{1,4})?[\"']((?!•)[^\"'\n]{1,256})", guessable=True),
    *(Shape("command-line-password", (command,),
            rf"{word(command)}[a-z]{{0,10}}\s(?:(?:[^\n;|]|\\\n){{0,240}}?\s)??{option}{_GIVEN}", guessable=True)
      for command, option in _COMMANDS.items()),
    Shape("command-line-token", ("curl",), rf"{word('curl')}\s(?:(?:[^\n;|]|\\\n){{0,240}}?\s)??(?:-u|--user)"
          r"""[ =]{1,2}[\\"']{0,2}((?=[^\s"':]{0,100}\d)[^\s"':$<{`\u2022]{12,200})(?=:[\\"']{0,2}(?:\s|$))"""),
    # Clouds.
    Shape("aws-secret-access-key", ("AKIA", "ASIA"),
          r"A[KS]IA[A-Z0-9]{16}[\s:;,/|\"'\\]{1,6}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"),
    Shape("aws-session-token", ("FwoGZXIvYXdz", "IQoJb3JpZ2lu"), r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{50,}"),
    Shape("aws-bedrock-api-key", ("ABSKQmVkcm9ja", "bedrock-api-key-"),
          r"(?:ABSKQmVkcm9ja|bedrock-api-key-)[A-Za-z0-9+/=]{30,}"),
    Shape("azure-ad-client-secret", ("Q~",), r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])"),
    Shape("azure-sas", ("sig=",), r"(?<![a-z])sig=([A-Za-z0-9%+/_-]{20,}=*)"),
    Shape("azure-key", ("AccountKey=", "SharedAccessKey=", "SharedSecret="),
          r"(?:AccountKey|SharedAccessKey|SharedSecret)=([A-Za-z0-9+/%]{16,}=*)"),
    Shape("azure-identifiable-key", ("+ASt", "+AMC", "AzFu", "ACDb", "AzSe", "AZDO"),
          r"(?<![\w+/])[A-Za-z0-9+/]{40,84}(?:\+ASt|\+AMC|AzFu|ACDb|AzSe|AZDO)[A-Za-z0-9+/]{4,8}=*"),
    Shape("gcp-api-key", ("AIza",), rf"{START}AIza[\w-]{{35}}(?![\w-])"),
    Shape("gcp-oauth-access-token", ("ya29.",), r"ya29\.[\w-]{20,}[\w.-]*"),
    Shape("gcp-oauth-client-secret", ("GOCSPX-",), r"GOCSPX-[\w-]{20,}"),
    Shape("gcp-refresh-token", ("1//0",), r"(?<!\w)1//0[\w-]{40,}"),
    Shape("alibaba-secret-key", ("LTAI",), rf"LTAI[A-Za-z0-9]{{12,20}}[\s:;,/|\"']{{1,4}}([A-Za-z0-9]{{30}}){END}"),
    Shape("digitalocean-token", ("_v1_",), r"do[opr]_v1_[a-f0-9]{64}"),
    Shape("databricks-api-token", ("dapi",), rf"{word('dapi')}[a-f0-9]{{32}}(?:-\d)?{END}"),
    Shape("cloudflare-origin-ca-key", ("v1.0-",), r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}"),
    Shape("hashicorp-vault-token", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w-]{20,}"),
    *(Shape("vault-token-before-1.10", (one,),
            rf"{word(one, '.-')}{_MIXED}[A-Za-z0-9]{{24}}[\w-]*")
      for one in ("s.", "b.", "r.")),
    Shape("hashicorp-tf-api-token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}"),
    Shape("1password-service-account-token", ("ops_eyJ",), r"ops_eyJ[A-Za-z0-9+/=_-]{40,}"),
    Shape("doppler-api-token", ("dp.",), rf"{word('dp.')}(?:pt|st|ct|sa|scim|audit)\.[\w.-]{{40,}}"),
    Shape("infisical-or-pulumi-token", ("pul-",), rf"{word('pul-')}[a-f0-9]{{40}}"),
    Shape("tailscale-key", ("tskey-",), r"tskey-[a-z]{2,12}-[\w-]{10,}"),
    Shape("fly-token", ("fo1_", "FlyV1 fm"), r"(?:(?<!\w)fo1_[\w-]{40,}|FlyV1 fm[a-z0-9]{1,4}_[A-Za-z0-9+/=,_]{40,})"),
    # Code and packages.
    Shape("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9_]{30,}"),
    Shape("github-fine-grained-pat", ("github_pat_",), r"github_pat_\w{22,}"),
    Shape("gitlab-token", ("gl",),
          rf"{word('gl')}(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{{20,}}"),
    Shape("gitlab-runner-registration-token", ("GR1348941",), r"GR1348941[\w-]{20,}"),
    Shape("npm-access-token", ("npm_",), rf"{word('npm_')}[A-Za-z0-9]{{36}}"),
    Shape("pypi-upload-token", ("pypi-AgE",), r"pypi-AgE[\w-]{20,}"),
    Shape("rubygems-api-token", ("rubygems_",), r"rubygems_[a-f0-9]{48}"),
    Shape("clojars-api-token", ("CLOJARS_",), r"CLOJARS_[A-Za-z0-9]{60}"),
    Shape("docker-pat", ("dckr_",), r"dckr_(?:pat|oat)_[\w-]{20,}"),
    Shape("artifactory-token", ("AKCp", "cmVmd"), rf"{START}(?:AKCp[A-Za-z0-9]{{69}}|cmVmd[A-Za-z0-9]{{59}}){END}"),
    Shape("atlassian-api-token", ("ATATT3", "ATCTT3", "ATBB"),
          rf"{START}(?:AT[AC]TT3[\w=-]{{40,}}|ATBB[A-Za-z0-9]{{32}})"),
    Shape("linear-api-key", ("lin_",), rf"{word('lin_')}(?:api|oauth)_[A-Za-z0-9]{{40}}"),
    Shape("postman-api-token", ("PMAK-",), r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Shape("sourcegraph-access-token", ("sgp_",), rf"{word('sgp_')}(?:(?:[a-f0-9]{{16}}|local)_)?[a-f0-9]{{40}}"),
    Shape("netlify-or-notion-token", ("nfp_", "ntn_"), rf"{START}(?:nfp_[A-Za-z0-9]{{36}}|ntn_[A-Za-z0-9]{{40,}})"),
    Shape("supabase-or-planetscale-token", ("sbp_", "pscale_"),
          rf"{START}(?:sbp_[a-f0-9]{{40}}|pscale_(?:tkn|oauth|pw)_[\w.=-]{{32,}})"),
    # Models.
    Shape("openai-api-key", ("T3BlbkFJ",), r"(?<![A-Za-z0-9])sk-[\w-]{16,90}T3BlbkFJ[\w-]{16,}"),
    Shape("sk-api-key", ("sk-",), rf"{word('sk-', '_')}(?:(?:ant|proj|svcacct|admin|None|or|lf)-[\w-]{{20,}}"
          rf"|(?=[A-Za-z]{{0,40}}\d)[A-Za-z0-9]{{20,}})"),
    Shape("huggingface-access-token", ("hf_", "api_org_"), rf"{START}(?:hf|api_org)_[A-Za-z0-9]{{34,40}}{END}"),
    Shape("groq-api-key", ("gsk_",), rf"{word('gsk_')}[A-Za-z0-9]{{48,}}"),
    Shape("perplexity-or-xai-api-key", ("pplx-", "xai-"),
          rf"{START}(?:pplx-[A-Za-z0-9]{{40,}}|xai-[A-Za-z0-9]{{60,}})"),
    Shape("replicate-api-token", ("r8_",), rf"{word('r8_')}[A-Za-z0-9]{{37}}"),
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
          rf"{START}(?:[sr]k_(?:test|live|prod)_[A-Za-z0-9]{{10,}}|whsec_[A-Za-z0-9+/=]{{20,}})"),
    Shape("sendgrid-api-token", ("SG.",), rf"{word('SG.')}[\w=-]{{16,32}}\.[\w=-]{{16,64}}"),
    Shape("twilio-api-key", ("SK",), rf"{word('SK')}[a-f0-9]{{32}}{END}"),
    Shape("mailgun-token", ("key-",), rf"{word('key-', '_-')}[a-f0-9]{{32}}{END}"),
    Shape("sendinblue-api-token", ("xkeysib-",), r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Shape("shopify-access-token", ("shp",), r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    Shape("square-access-token", ("sq0",), r"sq0(?:atp|csp)-[\w-]{22,}"),
    Shape("grafana-token", ("glsa_", "glc_", "eyJrIjoi"),
          r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}=*|(?<![\w-])eyJrIjoi[A-Za-z0-9]{30,}=*"),
    Shape("new-relic-api-key", ("NRAK-", "NRAA-", "NRII-", "NRJS-"), r"NR(?:AK|AA|II|JS)-[A-Za-z0-9]{19,32}"),
    Shape("dynatrace-api-token", ("dt0",), r"dt0[a-z]\d{2}\.[A-Z0-9]{8,24}\.[A-Z0-9]{32,}"),
    Shape("sentry-token", ("sntry",), r"sntry[su]_[A-Za-z0-9+/=_]{40,}"),
    Shape("typeform-api-token", ("tfp_",), rf"{word('tfp_')}[\w.=-]{{40,}}"),
    Shape("figma-or-contentful-token", ("figd_", "CFPAT-"), r"figd_[\w-]{30,}|CFPAT-[\w-]{43}"),
    Shape("shippo-or-easypost-token", ("shippo_", "EZAK", "EZTK"),
          rf"shippo_(?:live|test)_[A-Fa-f0-9]{{40}}|{START}EZ[AT]K[A-Za-z0-9]{{54}}"),
    Shape("adobe-client-secret", ("p8e-",), rf"{word('p8e-')}[A-Za-z0-9]{{32}}"),
    Shape("hubspot-private-app-token", ("pat-",), rf"{word('pat-', '_-')}(?:na|eu|ap)\d-[a-f0-9-]{{36}}"),
    *vendors(),
)  # fmt: skip


@cache
def _compiled(shape: Shape) -> re.Pattern[str]:
    return re.compile(shape.pattern, re.ASCII)


class _Word(NamedTuple):
    """A word to search for. ``places``: of the shapes whose keyword it is. ``lead``: of a base64, see :func:`codes`.

    ``is_name``: it begins the name of a secret.
    """

    size: int
    places: tuple[int, ...] = ()
    lead: int | None = None
    is_name: bool = False


class Hits(NamedTuple):
    """What one search of a text found: places of shapes, begin of a group and place of base64, begins of names."""

    places: Sequence[int]
    encoded: Sequence[tuple[int, int]]
    names: Sequence[int]


# Within base64, by what a key file, a list of settings and a token begin whose keyword is too short to be searched for.
_ONLY_ENCODED = (
    "-----BEGIN ", "password", "Password", "PASSWORD", "passwd", "eyJhb", "eyJ0eX", "eyJra", "AKIA", "ASIA", "dp.pt.",
    "dp.st.", "dp.ct.", "dt0c01.", "shpat_", "shpca_", "shppa_", "shpss_", "sk-ant-", "sk-proj-", "sk-or-",
    "sk_live_", "sk_test_", "rk_live_", "rk_test_", "sq0atp-", "sq0csp-", "xoxb-", "xoxp-", "xoxa-", "xoxe-", "xapp-",
    "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "gloas-", "hf_", "r8_", "SG.", "A3-", "sl.", "pat.",
    "sat.",
)  # fmt: skip


_FREQUENT = 'eastrinoclpd-mu/:"gfhy0v1kb,.2w3{}x4TAGPS5M67R8j9DCLEI_NOHUBFqzWVKJYXQZ+'
"""Characters of records, the most frequent first: the automaton compares a character with beginnings in their order."""


@cache
def _automaton() -> Any:
    """Return an Aho-Corasick automaton of all words. Searching each by itself takes five times as long."""
    import ahocorasick

    words = {
        code: _Word(len(code), lead=lead)
        for keyword in (*_ONLY_ENCODED, *(keyword for shape in SHAPES for keyword in shape.keywords))
        for code, lead in codes(keyword)
    }
    words |= {text: _Word(len(text), is_name=True) for core in CORES for text in spellings(core)}
    for place, shape in enumerate(SHAPES):
        for keyword in shape.keywords:
            before = words.get(keyword, _Word(len(keyword)))
            words[keyword] = before._replace(places=(*before.places, place), lead=None)
    rank = {char: number for number, char in enumerate(_FREQUENT)}
    automaton = ahocorasick.Automaton()
    for text in sorted(words, key=lambda text: [rank.get(char, len(rank)) for char in text]):
        automaton.add_word(text, words[text])
    automaton.make_automaton()
    return automaton


def hits_in(text: str) -> Hits:
    """Search the text once for all that may be a secret. A text without any takes a few nanoseconds per character."""
    found: set[int] = set()
    encoded, names = [], []
    for end, (size, places, lead, is_name) in _automaton().iter(text):
        if lead is not None:
            start = end + 1 - size
            encoded.append((start - lead, start))
            continue
        if places:
            found.update(places)
        if is_name:
            names.append(end + 1 - size)
    return Hits(sorted(found) if found else (), encoded, names)


def has_secret(text: str, *, in_id: bool = False) -> bool:
    """Return whether a secret is in the text, known by its shape, also in base64, or by the name before it."""
    hits = hits_in(text)
    for place in hits.places:
        if _compiled(SHAPES[place]).search(text) is not None:
            return True
    if hits.encoded and any(_encoded_in(text, hits.encoded)):
        return True
    return bool(hits.names) and (not in_id or may_assign(text)) and any(named_in(text, in_id=in_id, begins=hits.names))


def _encoded_in(text: str, hits: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of base64 with a secret in it."""
    done = 0
    seen = [0] * 4
    for group, start in hits:
        # What was decoded from a group before is not decoded again: a text may be one keyword after the other.
        if start < done or group < seen[group % 4]:
            continue
        seen[group % 4] = group + DECODED - OVERLAP
        said = decoded(text, group)
        within = hits_in(said)
        if any(_compiled(SHAPES[place]).search(said) for place in within.places) or any(
            named_in(said, begins=within.names)
        ):
            begin, done = extent(text, start, done)
            yield begin, done


def without_secrets(text: str) -> str:
    """Return the text with each secret masked, found by shape or by name. Masking again changes nothing."""
    plain = visible(text)
    hits = hits_in(plain)
    masked = _without(plain, _encoded_in(plain, hits.encoded)) if hits.encoded else plain
    for place in hits.places:
        masked = _each_masked(SHAPES[place], masked, _masked)
    if hits.names:
        masked = _without_named(masked, hits.names if masked == plain else None)
    return text if masked == plain else masked


def within_bounds(text: str, mask: Callable[[str], str]) -> str:
    """Return the text masked, and cut after :data:`LONGEST` characters; of a secret at the cut nothing is kept."""
    if len(text) <= LONGEST:
        return mask(text)
    kept = mask(text[: LONGEST + _MARGIN])[:-_MARGIN]
    return f"{kept[: LONGEST - _OF_A_CUT]}{CUT}{len(text):,} characters)"


def shortened(text: str, longest: int) -> str:
    """Return the first characters of the text as :func:`public_id` masks it: masked first, so that no half is kept."""
    return within_bounds(text, public_id)[:longest]


def public_id(text: str) -> str:
    """Return an id, name or key with each secret masked, so that it stays unique and the same in every scan.

    A token is replaced by the mask and a hash; it is too long to be guessed from the hash. Secrets that people choose
    could be guessed, so they get the mask alone: ids that differ only in a password belong to the same subject.
    """
    plain = visible(text)
    hits = hits_in(plain)
    masked = _without(plain, _encoded_in(plain, hits.encoded), _hashed) if hits.encoded else plain
    for place in hits.places:
        shape = SHAPES[place]
        masked = _each_masked(shape, masked, _masked if shape.guessable else _masked_as_one)
    if hits.names:
        masked = _without_named(masked, hits.names if masked == plain else None, in_id=True)
    return text if masked == plain else masked


def _without_named(text: str, begins: Iterable[int] | None, *, in_id: bool = False) -> str:
    """Return the text with what stands beside a secret's name masked.

    A value with a blank in it may have held apart what the mask joins, such as the password of an address.
    """
    masked = _without(text, named_in(text, in_id=in_id, begins=begins))
    for place in hits_in(masked).places if masked != text else ():
        if SHAPES[place].guessable:
            masked = _each_masked(SHAPES[place], masked, _masked)
    return masked


def _without(text: str, places: Iterable[tuple[int, int]], mask: Callable[[str], str] = lambda _secret: MASK) -> str:
    kept, done = [], 0
    for start, end in places:
        kept += [text[done:start], mask(text[start:end])]
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
    start, end = match.span(match.lastindex or 0)
    return f"{whole[: start - match.start()]}{mask}{whole[end - match.start() :]}"


def _masked_as_one(match: re.Match[str]) -> str:
    return _masked(match, _hashed(match[match.lastindex or 0]))


def _hashed(secret: str) -> str:
    return f"{MASK}~{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:_HASH_DIGITS]}"
