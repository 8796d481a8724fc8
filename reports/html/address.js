// The page's state and its permalink: everything after the # of a file's address.
//
// State: { view, text, sort, flat, chosen, open }, where sort is { name, descending } or null, flat says that a list
// which can be grouped is not, chosen is { facet: Set of facetKey }, and open is { kind, id } or null. What is open is
// named by a key that the next report has, too: #identity=KEY, #finding=FINGERPRINT.

// What can be open, and the list that it is opened from.
const HOMES = {
  identity: "identities",
  finding: "findings",
  entry: "entries",
  secret: "credentials",
  reading: "coverage",
  changed: "changes",
};
const RESERVED = new Set(["view", "q", "sort", "group", "open", ...Object.keys(HOMES)]);

function blankState(view, chosen = {}, text = "") {
  const sets = Object.fromEntries(Object.entries(chosen).map(([facet, keys]) => [facet, new Set(keys)]));
  return { view, text, sort: null, flat: false, chosen: sets, open: null };
}

function readAddress(fragment) {
  return stateOf(new URLSearchParams(fragment.replace(/^#/, "")), readOpen(fragment));
}

function stateOf(fields, open) {
  const chosen = Object.create(null); // facets are named by the address
  for (const [name, value] of fields) if (!RESERVED.has(name)) (chosen[name] ??= new Set()).add(value);
  const sort = fields.get("sort");
  return {
    view: fields.get("view") ?? (open && HOMES[open.kind]) ?? null,
    text: fields.get("q") ?? "",
    sort: sort ? { name: sort.replace(/^-/, ""), descending: sort.startsWith("-") } : null,
    flat: fields.get("group") === "none",
    chosen,
    open,
  };
}

// A + in a key is a plus, also where someone wrote the address by hand. `open=kind:id` is how earlier reports wrote it.
function readOpen(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  for (const kind of Object.keys(HOMES)) if (fields.get(kind)) return { kind, id: fields.get(kind) };
  const [, kind, id] = /^([a-z]+):([^]+)$/.exec(fields.get("open") ?? "") ?? [];
  return Object.hasOwn(HOMES, kind ?? "") ? { kind, id } : null;
}

// What narrows and orders the list, without its name.
function fieldsOf({ text, sort, flat, chosen }) {
  const fields = new URLSearchParams();
  if (text) fields.set("q", text);
  for (const [facet, keys] of Object.entries(chosen)) for (const key of keys) fields.append(facet, key);
  if (sort) fields.set("sort", (sort.descending ? "-" : "") + sort.name);
  if (flat) fields.set("group", "none");
  return fields;
}

function writeAddress(state) {
  const { view, open } = state;
  const fields = fieldsOf(state);
  const isHome = open && HOMES[open.kind] === view && fields.size === 0;
  const address = new URLSearchParams([...(isHome ? [] : [["view", view]]), ...fields]);
  if (open) address.set(open.kind, open.id);
  return `#${readableQuery(address)}`;
}

function readableQuery(fields) {
  const written = { "+": "%20", "%3A": ":", "%2F": "/", "%40": "@" };
  return String(fields).replace(/\+|%3A|%2F|%40/g, (code) => written[code]);
}
