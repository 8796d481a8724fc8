"""What both vendors' connectors do: one scope, the organization, read with the keys that the source has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from msgspec.structs import replace

from connectors.ai_vendors.api import Api, FileApi, HttpApi, opened
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import VendorOrganization
from connectors.ai_vendors.sections import VendorTable
from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, SectionReading, Spec
from connectors.core.reading import require_sdk
from scanner.errors import SourceError, UsageError
from scanner.model import EVERY_SCOPE, Coverage
from scanner.redaction.redact import SecretRef


class VendorConnector:
    """Reads accounts, keys, rules and agents. Never a key's value, or instructions of an agent.

    ``rights``: what the API says of rights that its keys need not have. Raises MissingExtra if requests is not
    installed.
    """

    spec: ClassVar[Spec]
    table: ClassVar[VendorTable]
    rights: ClassVar[str]

    def __init__(self, source: str, settings: Any) -> None:
        require_sdk("requests", self.spec)
        self._source = source
        self._settings = settings

    @abstractmethod
    def named(self, api: Api) -> str:
        """The name of the organization. Raises SourceError."""
        ...

    @abstractmethod
    def span(self, now: datetime) -> Mapping[str, str]:
        """The parameters that a request for usage needs."""
        ...

    @abstractmethod
    def read(self, reader: VendorReader, context: Any) -> Iterator[DiscoveredRecord]:
        """The records of the organization. ``context``: of its scope."""
        ...

    def context(self, api: Api, section: SectionReading) -> Any:
        """What reading needs to know before it begins. Raises SourceError."""
        del api, section

    def log_api(self, meter: Meter) -> HttpApi:
        """The API of the log. Raises UsageError if the source reads files."""
        if self._settings.from_files is not None:
            raise UsageError(f"the source {self._source} reads files, so no log can be read live through it")
        return self._http("token", self._settings.secret, meter)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The organization of the admin key. See ``Connector.scopes``."""
        nowhere = Scope(source=self._source, spec=self.spec, id=EVERY_SCOPE)
        meter = self._meter()
        found: list[Scope] = []
        with nowhere.section(*self.spec.entrances, meter=meter) as section, ExitStack() as stack:
            api = stack.enter_context(closing(self._admin(meter)))
            context = self.context(api, section)
            if name := self.named(api):
                found.append(Scope(source=self._source, spec=self.spec, id=name, context=context))
        coverage = section.coverage
        yield from found
        yield coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read with the admin key, then what takes other keys."""
        meter = self._meter()
        with ExitStack() as stack:
            apis = self._apis(stack, meter)
            reader = VendorReader(VendorOrganization(scope), self.table, apis, meter, self._settings.workers)
            yield from self.read(reader, scope.context)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        folder = self._settings.from_files
        if folder is not None:
            is_there = folder.is_dir()
            fix = None if is_there else "write the API's answers into it"
            yield Check(name="files", ok=is_there, detail=f"{folder} {'is' if is_there else 'is not'} there", fix=fix)
            return
        try:
            with ExitStack() as stack:
                yield from self._tried(self._apis(stack, Meter()))
        except SourceError as error:
            yield Check(name="token", ok=False, detail=str(error), fix=error.hint)
            return
        yield Check(name="token's rights", ok=True, detail=self.rights)

    def _tried(self, apis: Mapping[str, Mapping[str, Api]]) -> Iterator[Check]:
        """Check each section: its first request without parameters in its path, once for each key."""
        span = self.span(datetime.now(UTC))
        for section in self.table.read_by(self._settings):
            whole = (request for request in self.table.requests[section].values() if "{" not in request.path)
            request = next(whole, None)
            if request is None:
                continue
            if request.spanned:
                request = replace(request, params={**request.params, **span})
            for part, api in apis.get(self.table.sections[section].key, {}).items():
                name = f"{section} {part}".strip()
                try:
                    api.one(request, dict)
                except SourceError as error:
                    fix = error.permission or error.hint
                    yield Check(name=name, ok=False, detail=str(error), fix=fix and f"it takes {fix}")
                else:
                    yield Check(name=name, ok=True, detail="can be read")

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return cls.table.policy()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return self.table.policy(self._settings)

    def _apis(self, stack: ExitStack, meter: Meter) -> dict[str, Mapping[str, Api]]:
        """By setting, the API for each of its keys. A list of keys is numbered; a single key has no name.

        Raises SourceError if the admin key is missing. Others are missed when they are used.
        """
        admin = stack.enter_context(closing(self._admin(meter)))
        ways: dict[str, Mapping[str, Api]] = {"token": {"": admin}}
        for setting in self.table.keys.keys() - ways:
            given = getattr(self._settings, setting)
            is_single = given is None or isinstance(given, SecretRef)
            if isinstance(admin, FileApi):
                of = next(name for name, section in self.table.sections.items() if section.needs == setting)
                first = next(iter(self.table.requests[of].values()))
                ways[setting] = {"" if is_single else "1": admin} if admin.has(first) else {}
                continue
            if isinstance(given, Mapping):
                keys = dict(given)
            else:
                keys = {"": given} if is_single and given else {}
                keys |= {} if is_single else {str(at): key for at, key in enumerate(given, start=1)}
            ways[setting] = {
                part: stack.enter_context(closing(opened(partial(self._http, setting, key, meter))))
                for part, key in keys.items()
            }
        return ways

    def _admin(self, meter: Meter) -> Api:
        folder = self._settings.from_files
        return self._http("token", self._settings.secret, meter) if folder is None else FileApi(folder)

    def _http(self, setting: str, key: SecretRef, meter: Meter) -> HttpApi:
        value = key.resolve()
        headers = {name: form.replace("{key}", value) for name, form in self.table.keys[setting].headers.items()}
        return HttpApi(self._settings, headers, meter)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)
