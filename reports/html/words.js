// The words of the page: how states are called, what they mean, how grave they are, and how dates are written.

const STATES = {
  severity: {
    critical: ["critical", "Act today"],
    high: ["bad", "Act this week"],
    medium: ["warn", "Plan it"],
    low: ["info", "When you pass by"],
    info: ["quiet", "Good to know"],
  },
  registry: {
    unregistered: ["bad", "Discovered, and no registry entry stands for it"],
    ambiguous: ["warn", "The strongest way to match hits several entries"],
    registered: ["good", "Matched to exactly one registry entry"],
    exempt: ["quiet", "Managed by the provider, a person, or exempt by configuration"],
    unchecked: ["unknown", "No registry was given"],
  },
  ownership: {
    orphaned: ["bad", "Nobody accountable answers for it"],
    owned: ["good", "An accountable owner resolves to an active person"],
    unchecked: ["unknown", "An owner cannot be checked without a registry and a roster"],
    not_applicable: ["quiet", "Exempt: nobody here has to answer for it"],
  },
  usage: {
    never_used: ["bad", "Not used since it was created, fully evidenced"],
    dormant: ["warn", "Enabled and not used in the whole window, fully evidenced"],
    active: ["good", "Used inside the window"],
    disabled: ["quiet", "Cannot be used at present"],
    unknown: ["unknown", "The evidence does not cover the whole window"],
  },
  privilege: {
    admin: ["bad", "Effectively everything, or all of the provider's access management"],
    escalation: ["bad", "A known method leads to admin"],
    high: ["warn", "High-consequence actions"],
    unknown: ["unknown", "Something needed to tell could not be read"],
    normal: ["quiet", "Nothing that stands out"],
  },
  agent: {
    yes: ["agent", "An AI agent: a strong signal, or two weak ones that agree"],
    suggested: ["unknown", "A weak signal suggests an AI agent"],
    no: ["quiet", "No sign of an AI agent"],
  },
  nature: {
    mixed: ["warn", "A person's account that machines use, or the other way round"],
    human: ["quiet", "A person"],
    non_human: ["quiet", "Not a person"],
    unknown: ["unknown", "No signal tells"],
  },
  entry: {
    retired_but_alive: ["bad", "Retired or expired, and an enabled identity matches"],
    not_found: ["bad", "Active, nothing matches, and the place where it would be was completely read"],
    not_evaluated: ["unknown", "Nothing matches, but the place where it would be was not completely read"],
    suspended: ["warn", "Suspended by its registry entry"],
    proposed: ["info", "Not yet approved"],
    found: ["good", "At least one identity matches"],
    retired: ["quiet", "Retired, and nothing enabled lives: the good end"],
  },
  coverage: {
    denied: ["bad", "The permission is missing"],
    failed: ["bad", "An error ended it"],
    partial: ["warn", "Read in part"],
    skipped: ["warn", "Not tried"],
    complete: ["good", "Read to the end"],
    not_offered: ["quiet", "This server or region has no such thing"],
    off: ["quiet", "Optional, and not asked for"],
  },
};

const ORDERS = Object.fromEntries(Object.entries(STATES).map(([axis, states]) => [axis, Object.keys(states)]));

const REASONS = {
  unregistered: "nobody declared it",
  ambiguous: "several entries match and lead to different owners",
  never_assigned: "its entry names no owner",
  departed: "its owner has left",
  unresolvable: "its owner is not on the roster",
  group_empty: "its owning group has no active member",
  owner_is_machine: "its owner is a machine",
};

const RUNGS = {
  key: "its full id",
  unique_id: "the provider's immutable id",
  credential: "the id of a credential it holds",
  tag: "a tag that carries the entry's id",
  alias: "an alias",
  name: "its name",
  glob: "a pattern",
};

const RELATIONS = {
  can_assume: ["can become", "can be assumed by"],
  runs_as: ["runs as", "runs"],
  stores: ["is stored at", "stores"],
  federates: ["federates to", "is federated from"],
  member_of: ["is a member of", "has as member"],
  acts_as: ["acts as", "is acted as by"],
};

function tone(axis, value) {
  return STATES[axis]?.[value]?.[0] ?? "quiet";
}

function meaning(axis, value) {
  return STATES[axis]?.[value]?.[1];
}

function absent(axis) {
  return axis === "severity" ? "no finding" : "–";
}

// A state or kind of ours as a word; what comes from outside stays as it is.
function word(state) {
  return state.replaceAll("_", " ");
}

function enabledWord(enabled) {
  if (enabled === null) return "unknown";
  return enabled ? "enabled" : "disabled";
}

function literal(value) {
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

const NUMBER = new Intl.NumberFormat("en");

function count(number) {
  return NUMBER.format(number);
}

function counted(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

function share(part, whole) {
  if (!whole || !part) return "0 %";
  const percent = (100 * part) / whole;
  return percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

// Times are minutes since 1970 in UTC, and shown so.
function moment(minutes) {
  return minutes === null ? null : `${new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function day(minutes) {
  return minutes === null ? null : new Date(minutes * 60000).toISOString().slice(0, 10);
}
