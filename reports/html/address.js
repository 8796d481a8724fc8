// The page's state and its permalink: everything after the # of the address.
//
// State: { view, text, sort, chosen, open }, where sort is { name, descending } or null, chosen is
// { facet: Set of facetKey }, and open is { kind, id } or null.

const RESERVED = ["view", "q", "sort", "open"];

function blankState(view, chosen = {}) {
  const sets = Object.fromEntries(Object.entries(chosen).map(([facet, keys]) => [facet, new Set(keys)]));
  return { view, text: "", sort: null, chosen: sets, open: null };
}

function readAddress(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const chosen = Object.create(null); // facets are named by whoever wrote the address
  for (const [name, value] of fields) if (!RESERVED.includes(name)) (chosen[name] ??= new Set()).add(value);
  const sort = fields.get("sort");
  const [, kind, id] = /^([a-z]+):([^]*)$/.exec(fields.get("open") ?? "") ?? [];
  return {
    view: fields.get("view"),
    text: fields.get("q") ?? "",
    sort: sort ? { name: sort.replace(/^-/, ""), descending: sort.startsWith("-") } : null,
    chosen,
    open: kind ? { kind, id } : null,
  };
}

function writeAddress({ view, text, sort, chosen, open }) {
  const fields = new URLSearchParams({ view });
  if (text) fields.set("q", text);
  for (const [facet, keys] of Object.entries(chosen)) for (const key of keys) fields.append(facet, key);
  if (sort) fields.set("sort", (sort.descending ? "-" : "") + sort.name);
  if (open) fields.set("open", `${open.kind}:${open.id}`);
  return `#${fields}`;
}
