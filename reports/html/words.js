// The page's terms for states, reasons and relations, and its formats of numbers and dates.

// { axis: { state: { tone, meaning } } }, most severe first; they come with the data (states.py).
const STATES = {};

const REASONS = {
  unregistered: "no registry entry matches",
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

const WRITERS = {
  anybody: "anybody writes",
  outsiders: "an outsider with an account writes",
  insiders: "somebody of the organization writes",
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
  return STATES[axis]?.[value]?.tone ?? "quiet";
}

function meaning(axis, value) {
  return STATES[axis]?.[value]?.meaning;
}

// The states of an axis, most severe first; undefined where there is no such axis.
function orderOf(axis) {
  return axis && Object.keys(STATES[axis]);
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

// Who left, by the name that owners go by; filled when the page opens.
const LEFT = new Set();

// Digits that make a fingerprint unique in this report; set when the page opens.
let digits = 8;
// Further options of the acknowledge command; set when the page opens.
let acknowledgeWith = "";

function shortened(fingerprint) {
  return fingerprint.slice(0, digits);
}

const NUMBER = new Intl.NumberFormat("en");

function count(number) {
  return NUMBER.format(number);
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
