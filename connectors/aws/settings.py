"""What ``[[source]] type = "aws"`` may say."""

from __future__ import annotations

import re

from msgspec import Struct

from connectors.address import check_url

ALL_REGIONS = "all"
# The name becomes part of a host's: nothing else may.
_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}")


class AwsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one AWS account. Credentials are never among them: the SDK's own chain, or ``profile``, gives them.

    ``regions``: names, or ``all`` that are enabled. ``endpoint_url``: where every service answers instead of AWS.
    ``max_rate``: requests a second for each service and region, from the start; without it, AWS's pace is taken
    up when AWS first asks for it. ``max_attempts``: tries for one call, the first included.
    """

    profile: str | None = None
    regions: str | tuple[str, ...] = ALL_REGIONS
    endpoint_url: str | None = None
    insecure_http: bool = False
    max_rate: float | None = None
    max_attempts: int = 8

    def __post_init__(self) -> None:
        for region in self.named_regions or ():
            if not _REGION.fullmatch(region):
                raise ValueError(f"{region!r} is no region's name: name regions such as eu-west-1, or say all")
        if self.named_regions == ():
            raise ValueError("regions is empty: name some, or say all")
        if self.max_rate is not None and self.max_rate <= 0:
            raise ValueError("max_rate is a number of requests a second, above 0")
        if self.max_attempts < 1:
            raise ValueError("max_attempts is at least 1")
        if self.endpoint_url is not None:
            check_url(self.endpoint_url, insecure_http=self.insecure_http)

    @property
    def named_regions(self) -> tuple[str, ...] | None:
        """The regions asked for, each once and in their order; None: all that are enabled."""
        if self.regions == ALL_REGIONS:
            return None
        named = (self.regions,) if isinstance(self.regions, str) else self.regions
        return tuple(dict.fromkeys(named))
