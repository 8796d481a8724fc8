// The overview above the lists: headline, caveats, gaps, cards, charts and notices.

const GAPS_LISTED = 12;
const GAPS_UNFOLDED = 2; // so few stand open above the numbers; more would push the list out of sight
const TALL = 1200; // pixels of a window that has room for the charts above the list
const CHARTS = [
  { title: "Registry", axis: "registry", view: "identities", facet: "registry" },
  { title: "Ownership", axis: "ownership", view: "identities", facet: "ownership" },
  { title: "Usage", axis: "usage", view: "identities", facet: "usage" },
  { title: "Findings", axis: "severity", view: "findings", facet: "severity" },
  { title: "Age of credentials", axis: "age", view: "credentials", facet: "age" },
];

// The number that a gap must be able to change to make a card or chart incomplete; others are called so themselves.
const NUMBERS = {
  new_findings: "findings",
  severity: "findings",
  unregistered: "registry",
  orphaned: "ownership",
  abandoned: "ownership",
  admins: "privilege",
  not_found: "entries",
  age: "credentials",
};

// note: what the number counts; choice: the facets under which the list shows just these; rare: not shown for none;
// axis: the one whose unknown ones the number leaves out.
const CARDS = [
  {
    name: "new_findings",
    label: "New findings",
    note: "not in the previous scan",
    view: "findings",
    choice: { status: ["new", "reopened"] },
    rare: true,
  },
  { name: "unregistered", label: "Unregistered", note: "no registry entry matches", choice: { registry: ["unregistered"] } },
  { name: "orphaned", label: "Orphaned", note: "no active owner", choice: { ownership: ["orphaned"] } },
  {
    name: "abandoned",
    label: "Abandoned",
    note: "orphaned and unused",
    choice: { abandoned: ["true"] },
  },
  { name: "admins", label: "Admins", note: "full control", choice: { privilege: ["admin"] }, axis: "privilege" },
  { name: "agents", label: "AI agents", note: "strong or agreeing signals", view: "agents", choice: {} },
  {
    name: "not_found",
    label: "Declared, not found",
    note: "entries without a match",
    view: "entries",
    choice: { state: ["not_found"] },
  },
];

const NEED_A_REGISTRY = ["unregistered", "orphaned", "abandoned", "not_found"];

const COUNTED_AXES = ["registry", "ownership", "usage", "privilege"]; // identities by these are in overview.counts

// go(view, { facet: [keys] }) opens a list, narrowed.
function showOverview(overview, go) {
  const { scan, headline, policy } = overview;
  document.title = `Muster: ${headline}`;
  byId("headline").textContent = headline;
  byId("run").replaceChildren(
    ...[["Scanned", moment(scan.finished)], ["Scan", scan.id], ["Muster", scan.version]].map(([name, value]) =>
      h("span", null, `${name} `, outside(value ?? "unknown")),
    ),
  );
  if (scan.decisions) byId("run").append(h("span", null, scan.decisions));
  byId("since").replaceChildren(...sinceLine(overview.since, overview.changed, go));
  byId("caveats").replaceChildren(...overview.caveats.map((caveat) => h("li", null, caveat)));
  byId("gaps").replaceChildren(...gapsBanner(overview.gaps, go));
  byId("cards").replaceChildren(...CARDS.filter(({ name, rare }) => !rare || overview.summary[name]).map((card) => cardOf(card, overview, go)));
  byId("charts").replaceChildren(
    ...CHARTS.map((chart) => chartOf(chart, overview, go)),
    ...orphansChart(overview.holders, overview.limited.ownership, go),
    ...trendChart(overview.trend),
  );
  byId("more").open = innerHeight >= TALL;
  let wasOpen = false;
  addEventListener("beforeprint", () => {
    wasOpen = byId("more").open;
    byId("more").open = true;
  });
  addEventListener("afterprint", () => (byId("more").open = wasOpen));
  byId("notices").replaceChildren(...noticesOf(overview.notices));
  byId("definition").textContent = overview.orphaned_means;
  byId("thresholds").textContent =
    `Dormant: enabled and unused for ${policy.dormant_identity} days, with a complete record of use. ` +
    `Credentials are due for rotation after ${policy.rotation} days. ` +
    "A number marked “incomplete” may be another: identities or entries could not be read.";
}

// --- gaps

function gapsBanner(unread, go) {
  const gaps = groupedGaps(unread);
  if (!gaps.length) return [];
  const sections = gaps.reduce((sum, gap) => sum + gap.sections, 0);
  const listed = gaps.slice(0, GAPS_LISTED);
  const all = gaps.length > listed.length ? `All ${count(sections)} gaps` : "Show in coverage";
  return [
    h(
      "details.gaps",
      { open: gaps.length <= GAPS_UNFOLDED },
      h(
        "summary",
        null,
        h("b", null, "What could not be read"),
        h("span.quiet", null, ` ${count(sections)} ${sections === 1 ? "section" : "sections"}: results that depend on it are incomplete.`),
      ),
      h("ul", null, listed.map(gapItem)),
      h("button", { type: "button", onclick: () => go("coverage", { gap: ["true"] }) }, all),
    ),
  ];
}

// Gaps stand first in the coverage.
function gapsIn(coverage) {
  const gaps = [];
  for (let row = 0; row < coverage.length && coverage.at("gap", row); row++) gaps.push(coverage.row(row));
  return gaps;
}

// Gaps that say the same of several scopes, or of several days of a log, as one.
function groupedGaps(gaps) {
  const groups = new Map();
  for (const gap of gaps) {
    const [, section, of] = gap.section?.match(/^(.+):(\d{4}-\d\d-\d\d)$/) ?? [null, gap.section, null];
    const id = JSON.stringify([gap.source, section, of !== null, gap.status, gap.detail, gap.permission]);
    if (!groups.has(id)) groups.set(id, { ...gap, places: [], days: new Set(), sections: 0 });
    const group = groups.get(id);
    group.sections++;
    if (!group.places.includes(gap.scope)) group.places.push(gap.scope);
    if (of !== null) group.days.add(of);
    if (group.days.size > 1) group.section = spanOfDays(section, [...group.days].sort());
  }
  return [...groups.values()];
}

function spanOfDays(section, days) {
  return `${section} of ${count(days.length)} days, ${days[0]} to ${days.at(-1)}`;
}

function gapItem({ source, section, status, detail, permission, places }) {
  const more = places.length > 3 ? ` and ${count(places.length - 3)} more` : "";
  const where = places[0] === "*" ? "every scope" : places.slice(0, 3).join(", ") + more;
  const what = detail && [": ", outside(detail)];
  return h(
    "li",
    null,
    mark("coverage", status),
    h("span", null, h("code", null, section), " of ", outside(source), " in ", outside(where), what),
    permission && h("span.permission", null, "needs ", h("code", null, permission)),
  );
}

// --- what changed

// How many identities joined, moved and left since the scan before, each leading to them.
function sinceLine(since, changed, go) {
  if (!since) return [];
  const shown = orderOf("change").filter((change) => changed[change]);
  const button = (change) =>
    h("button", { type: "button", onclick: () => go("changes", { change: [change], subject: ["identity"] }) },
      `${count(changed[change])} ${word(change)}`);
  return [`Since ${day(since.at)} `, ...(shown.length ? shown.map(button) : ["no identity joined, moved or left"])];
}

// { change: how many identities }
function identitiesChanged(changes) {
  const keys = {};
  for (let row = 0; row < changes.length; row++) {
    if (changes.at("subject", row) === "identity") (keys[changes.at("change", row)] ??= new Set()).add(changes.at("key", row));
  }
  return Object.fromEntries(Object.entries(keys).map(([change, changed]) => [change, changed.size]));
}

// --- notices

function noticesOf(notices) {
  if (!notices.length) return [];
  const summary = h("summary", null, "Notices", h("span.quiet", null, ` ${count(notices.length)}`));
  return [h("details", null, summary, h("ul", null, notices.map((notice) => h("li", null, outside(notice)))))];
}

// --- numbers

function cardOf({ name, label, note, view = "identities", choice, axis }, { summary, limited, registry_given, counts }, go) {
  const unchecked = !registry_given && NEED_A_REGISTRY.includes(name);
  const unknown = axis ? (counts[axis].unknown ?? 0) : 0;
  const shown = unknown ? `${note}; unknown for ${count(unknown)}` : note;
  const value = unchecked ? "–" : count(summary[name]);
  return h(
    "button.card",
    { type: "button", onclick: () => go(view, choice) },
    h("span.label", null, label),
    h("span.value", null, value, !unchecked && incompleteBy(limited[NUMBERS[name] ?? name])),
    h("span.note", null, unchecked ? "unchecked: no registry was given" : shown),
  );
}

function chartOf({ title, axis, view, facet }, { summary, limited, ages, counts }, go) {
  const counted = { ...counts, severity: summary.findings, age: ages }[axis];
  const states = orderOf(axis).map((state) => ({ state, number: counted[state] ?? 0 }));
  const parts = states.filter(({ number }) => number || axis === "severity");
  const whole = parts.reduce((sum, { number }) => sum + number, 0);
  const rows = parts.map(({ state, number }) =>
    h(
      "li",
      null,
      h(
        "button",
        { type: "button", onclick: () => go(view, { [facet]: [state] }), title: meaning(axis, state) },
        h(`span.swatch.tone-${tone(axis, state)}`, { "aria-hidden": "true" }),
        h("span", null, word(state)),
        h("span.number", null, count(number)),
        h("span.share", null, share(number, whole)),
      ),
    ),
  );
  return h("figure", null, captionOf(title, whole, limited[NUMBERS[axis] ?? axis]), stackedBar(axis, parts, whole), h("ul", null, rows));
}

// gaps: those that can change the number, as text; undefined for none.
function captionOf(title, whole, gaps) {
  return h("figcaption", null, title, h("span.total", null, incompleteBy(gaps), ` ${count(whole)}`));
}

function incompleteBy(gaps) {
  return gaps && h("span.incomplete", { title: `not read in full: ${gaps}` }, "incomplete");
}

function countsOf(column) {
  const { values, codes } = column.coded;
  const counts = new Uint32Array(values.length);
  for (const code of codes) counts[code]++;
  return Object.fromEntries(values.map((value, code) => [value, counts[code]]));
}

// One bar, its parts as long as their share; the list below says the same in numbers.
function stackedBar(axis, parts, whole) {
  let at = 0;
  const rects = parts.filter(({ number }) => number).map(({ state, number }) => {
    const width = (100 * number) / whole;
    at += width;
    return svg("rect", { x: at - width, width, height: 1, class: `tone-${tone(axis, state)}` });
  });
  return barOf(rects);
}

function barOf(rects) {
  return svg("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true", class: "bar" }, rects);
}
