"""A company's machines over four months: schedules, noise, deployments on known days, and everything that is labelled.

Each identity has a *trade*: a nightly job, a service, a pipeline, an agent, an event-driven function, a monthly job.
A trade gives its hours, how much it does and how often it does something that it rarely does. What an organisation does
depends on its seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.behaviour.attacks import ATTACKS, NEEDS_OWN_HOURS, graft
from scanner.model import Assessment, Entry, Identity, Person, Privilege, UsageVerdict
from scanner.model.activity import ActivityPast, Caller, CallerPast, DayCounts, LogPast, NamedChange
from scanner.model.agents import AgentVerdict
from scanner.model.declared import Origin
from scanner.model.judged import NatureVerdict, OwnershipVerdict, RegistryVerdict

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
DAYS = 120
"""So many days of logs; the last 30 are judged."""
JUDGED = 29
ACCOUNT = "123456789012"
_NORMAL = Privilege(level="normal")


class Trade(Struct, frozen=True, kw_only=True):
    """A way of working. ``usual``: actions of every active day; ``rare``: with the chance of each on a day."""

    name: str
    usual: tuple[str, ...]
    rare: Mapping[str, float]
    hours: tuple[int, ...]
    days: Callable[[date], bool] = lambda _: True
    events: int = 200
    spread: float = 0.25
    networks: int = 1
    roams: bool = False
    client: str = "boto3"
    is_agent: bool = False


TRADES: tuple[Trade, ...] = (
    Trade(name="nightly", usual=("read=s3:ListBucket", "read=s3:GetObject", "write=s3:PutObject",
          "read=glue:GetTable"), rare={"write=s3:DeleteObject": 0.15, "write=glue:UpdateTable": 0.1}, hours=(2, 3)),
    Trade(name="service", usual=("read=dynamodb:GetItem", "write=dynamodb:PutItem", "write=sqs:SendMessage",
          "secret=secretsmanager:GetSecretValue"), rare={"write=dynamodb:DeleteItem": 0.3, "write=sns:Publish": 0.4},
          hours=tuple(range(24)), events=900, networks=3),
    Trade(name="pipeline", usual=("read=ecr:DescribeImages", "write=ecr:PutImage", "become=sts:AssumeRole"),
          rare={"write=ecs:UpdateService": 0.6, "write=lambda:UpdateFunctionCode": 0.3,
                "write=cloudformation:UpdateStack": 0.25, "write=s3:PutObject": 0.5, "write=ecr:DeleteImage": 0.1},
          hours=tuple(range(7, 19)), days=lambda day: day.weekday() < 5, events=150, spread=0.6, roams=True,
          client="terraform"),
    Trade(name="agent", usual=("write=bedrock:InvokeModel", "read=dynamodb:Query", "read=s3:GetObject"),
          rare={"write=dynamodb:PutItem": 0.5, "write=sqs:SendMessage": 0.25, "read=athena:GetQueryResults": 0.3,
                "write=athena:StartQueryExecution": 0.3},
          hours=tuple(range(6, 23)), events=400, spread=0.5, networks=2, is_agent=True),
    Trade(name="function", usual=("read=s3:GetObject", "write=dynamodb:UpdateItem"),
          rare={"write=sqs:DeleteMessage": 0.7, "write=sns:Publish": 0.2}, hours=tuple(range(0, 24, 2)), events=60,
          spread=0.8, networks=2, client="botocore"),
    Trade(name="monthly", usual=("read=ce:GetCostAndUsage", "write=s3:PutObject"), rare={"write=ses:SendEmail": 0.5},
          hours=(5,), days=lambda day: day.day in (1, 2, 15, 16), events=40),
)  # fmt: skip
_NEW_WORK = (
    "write=sqs:PurgeQueue", "write=kinesis:PutRecords", "write=firehose:PutRecordBatch", "write=states:StartExecution",
    "secret=ssm:GetParameter", "write=events:PutEvents", "write=rds-data:ExecuteStatement",
)  # fmt: skip


class Label(Struct, frozen=True):
    """What is true of an identity and day: a rule that must fire; ``technique`` of an attack, ``deploy``: known."""

    identity: str
    day: date
    rule: str
    technique: str | None = None
    deploy: bool = False


class Organisation(Struct, frozen=True, kw_only=True):
    """All of it. ``deploys``: identities' days on which something new was deployed that the log names."""

    assessments: Sequence[Assessment]
    entries: Mapping[str, Entry]
    people: Sequence[Person]
    retired_since: Mapping[str, datetime]
    past: ActivityPast
    labels: Sequence[Label]
    deploys: Mapping[str, Sequence[date]]
    acted: Mapping[str, Mapping[date, Mapping[str, int]]]


def organisation(seed: int, size: int) -> Organisation:
    """An organisation of so many machines."""
    return _Making(seed, size).made()


class _Making:
    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(seed)
        self.size = size
        self.people: list[Person] = []
        self.labels: list[Label] = []
        self.changes: list[NamedChange] = []
        self.deploys: dict[str, list[date]] = {}
        self.acted: dict[str, dict[date, dict[str, int]]] = {}
        self.hours: dict[str, dict[date, list[int]]] = {}
        self.retired_since: dict[str, datetime] = {}

    def made(self) -> Organisation:
        subjects = [self._subject(number) for number in range(self.size)]
        return Organisation(
            assessments=[one for one, _ in subjects],
            entries={entry.id: entry for _, entry in subjects},
            people=self.people,
            retired_since=self.retired_since,
            past=self._past([one for one, _ in subjects]),
            labels=self.labels,
            deploys=self.deploys,
            acted=self.acted,
        )

    def _subject(self, number: int) -> tuple[Assessment, Entry]:
        trade = TRADES[number % len(TRADES)]
        identity = Identity(
            key=f"arn:aws:iam::{ACCOUNT}:role/{trade.name}-{_letters(number)}", provider="aws", source="prod",
            scope=ACCOUNT, kind="role", name=f"{trade.name}-{_letters(number)}",
            created_at=NOW - timedelta(days=500),
        )  # fmt: skip
        self._live(identity.key, trade)
        entry = Entry(
            id=f"E{number}", origin=Origin(file="registry.csv", row=number + 2), identities=(identity.key,),
            owner=("ada@example.com",),
        )  # fmt: skip
        one = Assessment(
            identity=identity,
            nature=NatureVerdict(verdict="non_human"),
            agent=AgentVerdict(is_agent=trade.is_agent),
            registry=RegistryVerdict(state="registered", entry=entry.id),
            ownership=OwnershipVerdict(state="owned", owner="ada@example.com"),
            usage=UsageVerdict(state="unknown", window_days=90, evidence=""),
            privilege=_NORMAL,
        )
        event = number // len(TRADES) % 4
        if event == 1:
            self._deploy(identity.key)
        elif event == 2 and trade.name != "monthly":
            self._attack(identity.key, trade, number)
        elif event == 3:
            return self._declared_wrongly(one, entry, number // (4 * len(TRADES)))
        return one, entry

    # --- Days ---

    def _live(self, key: str, trade: Trade) -> None:
        random = self.random
        networks = [f"network=10.{random.randrange(250)}.{random.randrange(250)}.0/24" for _ in range(trade.networks)]
        level = trade.events * random.uniform(0.5, 2)
        self.acted[key], self.hours[key] = {}, {}
        for back in range(DAYS, 0, -1):
            day = NOW.date() - timedelta(days=back)
            if not trade.days(day) or random.random() < 0.01:
                continue
            volume = max(int(level * random.lognormvariate(0, trade.spread)), len(trade.usual))
            did = {action: max(1, volume // len(trade.usual)) for action in trade.usual}
            did |= {action: random.randrange(1, 6) for action, chance in trade.rare.items() if random.random() < chance}
            for network in networks if not trade.roams else self._runners():
                did[network] = 10
            did |= {"region=eu-west-1": volume, f"client={trade.client}": volume}
            if trade.is_agent:
                did["tool=model-a"] = volume
            if random.random() < 0.05:
                did["read=s3:HeadObject"] = -random.randrange(1, 4)
            self.acted[key][day] = did
            late = [(trade.hours[-1] + 1) % 24] if random.random() < 0.08 else []
            self.hours[key][day] = sorted({*trade.hours, *late})

    def _runners(self) -> list[str]:
        return [f"network=140.82.{self.random.randrange(250)}.0/24" for _ in range(2)]

    def _active_day(self, key: str) -> date:
        days = [day for day in self.acted[key] if (NOW.date() - day).days <= JUDGED]
        return self.random.choice(days)

    # --- What happens to it ---

    def _deploy(self, key: str) -> None:
        """From one day on it does something new; three of four deployments are in the log."""
        day, work = self._active_day(key), self.random.sample(_NEW_WORK, 2)
        is_known = self.random.random() < 0.75
        self.deploys[key] = [day]
        for later in (one for one in self.acted[key] if one >= day):
            self.acted[key][later] |= dict.fromkeys(work, self.random.randrange(1, 30))
        if is_known:
            at = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=self.random.randrange(1, 40))
            self.changes.append(
                NamedChange(
                    scope=ACCOUNT, at=at, target=key, action="iam:PutRolePolicy", by="arn:pipeline", event_id="c"
                )
            )
        self.labels.append(Label(key, day, "behaviour_changed", deploy=is_known))

    def _attack(self, key: str, trade: Trade, number: int) -> None:
        attack = ATTACKS[number // (4 * len(TRADES)) % len(ATTACKS)]
        if attack.name == NEEDS_OWN_HOURS and len(trade.hours) > 3:
            return
        if trade.roams and attack.moves and not attack.actions and attack.client is None and attack.mark is None:
            return  # a network more says nothing of anyone who changes it every day
        known = {feature for did in self.acted[key].values() for feature in did}
        if attack.actions and set(attack.actions) <= known:
            return  # it does that every day
        day = self._active_day(key)
        changed = graft(attack, self.acted[key][day], self.hours[key][day], self.random)
        self.acted[key][day], self.hours[key][day] = changed["did"], changed["hours"]
        self.labels.append(Label(key, day, "behaviour_changed", technique=attack.name))

    def _declared_wrongly(self, one: Assessment, entry: Entry, which: int) -> tuple[Assessment, Entry]:
        """The exact kinds, one an identity."""
        key, kind = one.identity.key, _EXACT[which % len(_EXACT)]
        day = self._active_day(key)
        after = [other for other in self.acted[key] if other >= day]
        if kind == "used_outside_declaration":
            services = {_service(one) for did in self.acted[key].values() for one in did if _is_action(one)}
            entry = replace(entry, systems=tuple(sorted(services)))
            self.acted[key][day]["read=comprehend:DetectEntities"] = 3
            after = [day]
        elif kind == "used_after_owner_left":
            person = f"left{entry.id}@example.com"
            left = day - timedelta(days=1)
            self.people.append(Person(email=person, origin=entry.origin, status="left", left_on=left))
            entry = replace(entry, owner=(person,))
            ownership = OwnershipVerdict(state="orphaned", reason="departed", owner=person)
            one = replace(one, ownership=ownership)
        elif kind == "used_though_retired":
            entry = replace(entry, status="retired")
            self.retired_since[entry.id] = datetime.combine(day, datetime.min.time(), UTC)
        elif kind == "used_after_expiry":
            entry = replace(entry, expires=day - timedelta(days=1))
        elif kind == "undeclared_credential_used":
            entry = replace(entry, credentials=("AKIADECLARED00000000",))
            for other, did in self.acted[key].items():
                did["credential=AKIADECLARED00000000"] = 5
                if other == day:
                    did["credential=AKIASOMEBODYELSES000"] = 2
            after = [day]
        elif kind == "interactive_use":
            self.acted[key][day]["mark=interactive"] = 2
            after = [day]
        else:
            quiet = NOW.date() - timedelta(days=DAYS)
            self.acted[key] = {other: did for other, did in self.acted[key].items() if other in (day, quiet)}
            after = [day]
        self.labels += [Label(key, other, kind) for other in after]
        return one, entry

    # --- As the store gives it back ---

    def _past(self, assessments: Sequence[Assessment]) -> ActivityPast:
        covered = frozenset((NOW.date() - timedelta(days=back)).toordinal() for back in range(1, DAYS + 1))
        log = LogPast(
            log="trail", provider="aws", source=None, first_read_at=NOW - timedelta(days=1),
            covered={ACCOUNT: covered},
        )  # fmt: skip
        pasts = {number: self._caller(number, one.identity.key) for number, one in enumerate(assessments)}
        return ActivityPast(
            logs={"trail": log},
            callers=[past.caller for past in pasts.values()],
            changes=sorted(self.changes, key=lambda change: change.at),
            read=lambda numbers: [pasts[number] for number in numbers],
        )

    def _caller(self, number: int, key: str) -> CallerPast:
        features: dict[str, int] = {}
        days = []
        for day, did in sorted(self.acted[key].items()):
            hours = self.hours[key][day]
            midnight = int(datetime.combine(day, datetime.min.time(), UTC).timestamp())
            counts = [(features.setdefault(one, len(features)), count) for one, count in did.items()]
            actions = {one: count for one, count in did.items() if _is_action(one)}
            days.append(
                (
                    day.toordinal(),
                    DayCounts(
                        first=midnight + hours[0] * 3600,
                        last=midnight + hours[-1] * 3600 + 1800,
                        hours=sum(1 << hour for hour in hours),
                        events=sum(map(abs, actions.values())),
                        denied=-sum(count for count in actions.values() if count < 0),
                        counts=tuple((one, count) if count > 0 else (one, 0, -count) for one, count in counts),
                        samples=tuple((one, f"e{one}") for one, _ in counts),
                    ),
                )
            )
        caller = Caller(number=number, log="trail", scope=ACCOUNT, caller=key)
        return CallerPast(caller=caller, features=tuple(features), days=tuple(days))


_EXACT = (
    "used_outside_declaration", "used_after_owner_left", "used_though_retired", "used_after_expiry",
    "undeclared_credential_used", "interactive_use", "dormant_woke",
)  # fmt: skip
EXACT_RULES = frozenset(_EXACT)


def _is_action(feature: str) -> bool:
    return feature.partition("=")[0] in ("read", "write", "secret", "become")


def _service(feature: str) -> str:
    return feature.partition("=")[2].partition(":")[0]


def _letters(number: int) -> str:
    """A name without digits, so that no two identities share a template."""
    return "".join(chr(97 + int(digit)) for digit in f"{number:04d}")
