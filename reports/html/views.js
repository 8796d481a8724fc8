// The lists: for each the blocks it reads, its columns and facets, its first order where it is not that of its rows,
// what its filter searches, what a row opens, what its rows are called in an export, and what they can be grouped by.

// --- columns: { name, label, className, axis, cell(table, row) → children }; an axis gives marks and their order;
// `written` is what an export says where it is not the value itself

function textColumn(name, label, className = name) {
  return { name, label, className, cell: (table, row) => plainCell(table.at(name, row)) };
}

function stateColumn(name, label, axis = name) {
  return { name, label, className: `state.${axis}`, axis, cell: (table, row) => mark(axis, table.at(name, row)) };
}

function codeColumn(name, label, className) {
  return { name, label, className, cell: (table, row) => h("code", null, outside(table.at(name, row) ?? "–")) };
}

function countColumn(name, label) {
  return { name, label, className: "count", cell: (table, row) => count(table.at(name, row)) };
}

function dayColumn(name, label) {
  const written = (table, row) => {
    const minutes = table.at(name, row);
    return minutes === Infinity || minutes === "never" ? "never" : day(minutes);
  };
  return { name, label, className: "date", cell: (table, row) => plainCell(written(table, row)), written };
}

function ownerColumn(label) {
  const cell = (table, row) => {
    const owner = table.at("owner", row);
    if (owner === null) return plainCell(null);
    const leaving = table.columns.is_leaving?.at(row);
    return h("div.cell", null, personNamed(owner), leaving && tag("leaving", "About to leave, and there is no other owner"));
  };
  return { name: "owner", label, className: "owner", cell };
}

function plainCell(value) {
  return value === null ? h("span.quiet", null, "–") : outside(String(value), "span");
}

function nameCell(table, row) {
  const key = keyOf(table, row);
  return h(
    "div.cell",
    null,
    h("span", { title: key }, outside(table.at("display_name", row) ?? table.at("name", row) ?? key)),
    table.reasons(row).slice(0, REASONS_SHOWN).map(reasonTag),
    table.at("provisional", row) && provisional(),
    !table.at("rechecked", row) && notRechecked(),
  );
}

const REASONS_SHOWN = 2; // why a search found an identity, where its name, key, owner and scope do not show it
const REASON_LEAD = 6;

// All of it for who hovers or listens; what is seen begins where the hit is, so that it fits beside the name.
function reasonTag({ what, text, at }) {
  const title = `${what} ${text}`;
  const seen = h("span", { "aria-hidden": "true" }, at > REASON_LEAD ? `…${text.slice(at)}` : text);
  return h("span.tag.reason", { title }, h("span.unseen", null, title), seen);
}

function agentCell(table, row) {
  const key = table.at("key", row);
  return h(
    "div.cell",
    null,
    h("span", { title: key }, outside(table.at("name", row) ?? key)),
    table.at("provisional", row) && provisional(),
    !table.at("rechecked", row) && notRechecked(),
  );
}

function toolsOf(table, row) {
  return [table.at("tools", row), table.at("servers", row)].filter(Boolean).join("; ") || null;
}

function personCell(table, row) {
  const person = table.at("person", row);
  return plainCell(person === null ? null : literal(person));
}

function findingCell(table, row) {
  const status = table.at("status", row);
  const standing = [
    status !== "open" && tag(status),
    table.at("explained", row) === "unexplained" && tag("unexplained", meaning("explained", "unexplained")),
    !table.at("rechecked", row) && notRechecked(),
  ];
  return h("div.cell", null, plainCell(table.at("title", row)), standing);
}

function changeCell(table, row) {
  const name = h("span", { title: table.at("key", row) }, outside(table.at("name", row) ?? table.at("key", row)));
  return h("div.cell", null, name, table.at("reach_grew", row) && tag("reach grew", "It can do or become more than before"));
}

// The row that represents all findings of a rule. A server does not count what they are about.
function ruleCells({ value, title, many, severities, fresh, subjects, about, subject }, isOpen) {
  const names = orderOf("severity");
  const some = severities.map((number, at) => number && `${count(number)} ${names[at]}`).filter(Boolean);
  const sign = h("span.sign", null, h("span", { "aria-hidden": "true" }, isOpen ? "▾" : "▸"), h("span.unseen", null, isOpen ? "open:" : "folded:"));
  return {
    severity: mark("severity", names[severities.findIndex(Boolean)]),
    title: h(
      "div.cell",
      null,
      h("span", null, sign, plainCell(title)),
      h("b.many", null, subjects > 1 && subjects === many ? `${count(many)} ${about}` : count(many)),
      subjects === 1 && h("span.quiet", null, plainCell(subject)),
      subjects > 1 && subjects !== many && h("span.quiet", null, `on ${count(subjects)} ${about}`),
      some.length > 1 && h("span.quiet", null, some.join(", ")),
      fresh > 0 && tag(`${count(fresh)} new`),
    ),
    rule: h("code", null, outside(value ?? "–")),
  };
}

function entryCell(table, row) {
  const name = table.at("name", row) ?? table.at("declared", row).join(", ");
  return h("div.cell", null, plainCell(name), !table.at("rechecked", row) && notRechecked());
}

// --- lists

const VIEWS = {
  identities: {
    label: "Identities",
    blocks: ["identities"],
    filter: "Name, owner, credential, grant…",
    columns: [
      stateColumn("severity", "Severity"),
      { name: "name", label: "Name", className: "name", cell: nameCell },
      textColumn("kind", "Kind"),
      textColumn("provider", "Provider"),
      textColumn("scope", "Scope"),
      stateColumn("registry", "Registry"),
      stateColumn("ownership", "Ownership"),
      stateColumn("usage", "Usage"),
      stateColumn("privilege", "Privilege"),
      stateColumn("agent", "Agent"),
      ownerColumn("Owner"),
    ],
    facets: [
      { name: "severity", label: "Severity", axis: "severity" },
      { name: "registry", label: "Registry", axis: "registry" },
      { name: "ownership", label: "Ownership", axis: "ownership" },
      { name: "usage", label: "Usage", axis: "usage" },
      { name: "privilege", label: "Privilege", axis: "privilege" },
      { name: "provider", label: "Provider" },
      { name: "agent", label: "AI agent", axis: "agent" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "kind", label: "Kind" },
      { name: "owner", label: "Owner" },
      { name: "team", label: "Team" },
      { name: "reason", label: "Why orphaned" },
      { name: "abandoned", label: "Abandoned" },
      { name: "rechecked", label: "Re-checked" },
    ],
    build: ({ identities }) => identities,
    terms: identityTerms,
    opens: (table, row) => ({ kind: "identity", id: keyOf(table, row) }),
    key: keyOf,
    empty: ({ headline }) => headline,
  },

  agents: {
    label: "AI agents",
    blocks: ["agents", "identities"],
    filter: "Name, tool, MCP server, sponsor…",
    columns: [
      stateColumn("severity", "Severity"),
      { name: "name", label: "Name", className: "name", cell: agentCell },
      stateColumn("exposure", "Exposure"),
      textColumn("provider", "Made in"),
      { ...textColumn("runs_as", "Runs as", "subject"), cell: (table, row) => plainCell(table.at("runs_as", row) ?? "itself") },
      stateColumn("privilege", "Privilege"),
      { ...textColumn("tools", "Tools and MCP", "text"), cell: (table, row) => plainCell(toolsOf(table, row)), written: toolsOf },
      countColumn("keys", "Keys"),
      textColumn("sponsor", "Sponsor", "owner"),
      ownerColumn("Owner"),
      { ...textColumn("person", "In the loop", "status"), cell: personCell },
      stateColumn("registry", "Registry"),
    ],
    facets: [
      { name: "severity", label: "Severity", axis: "severity" },
      { name: "exposure", label: "Exposure", axis: "exposure" },
      { name: "registry", label: "Registry", axis: "registry" },
      { name: "ownership", label: "Ownership", axis: "ownership" },
      { name: "usage", label: "Usage", axis: "usage" },
      { name: "privilege", label: "Privilege", axis: "privilege" },
      { name: "person", label: "Person in the loop", none: "not declared" },
      { name: "provider", label: "Made in" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "kind", label: "Kind" },
      { name: "sponsor", label: "Sponsor" },
      { name: "owner", label: "Owner" },
      { name: "team", label: "Team" },
    ],
    build: agentsAsIdentities,
    terms: async (table) =>
      plainTerms(table, ["key", "name", "runs_as", "tools", "servers", "sponsor", "owner", "scope"]),
    opens: (table, row) => ({ kind: "identity", id: table.at("key", row) }),
    key: (table, row) => table.at("key", row),
    empty: () => "No AI agent was found.",
  },

  findings: {
    label: "Findings",
    blocks: ["findings", "identities"],
    filter: "Title, rule, subject, fingerprint…",
    columns: [
      stateColumn("severity", "Severity"),
      { name: "title", label: "Finding", className: "name", cell: findingCell },
      textColumn("subject", "About", "subject"),
      codeColumn("rule", "Rule", "rule"),
      { name: "state", label: "State", cell: (table, row) => mark("finding", table.at("state", row)) },
      ownerColumn("Owner or contact"),
      {
        name: "fingerprint",
        label: "Fingerprint",
        className: "fingerprint",
        cell: (table, row) => h("code", { title: table.at("fingerprint", row) }, outside(shortened(table.at("fingerprint", row)))),
      },
    ],
    grouped: { by: "rule", cells: ruleCells },
    facets: [
      { name: "severity", label: "Severity", axis: "severity" },
      { name: "rule", label: "Rule" },
      { name: "state", label: "State", axis: "finding" },
      { name: "status", label: "Status" },
      { name: "explained", label: "Explained", axis: "explained", none: "not about a day" },
      { name: "provider", label: "Provider" },
      { name: "team", label: "Team" },
      { name: "owner", label: "Owner or contact" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "agent", label: "AI agent", axis: "agent" },
      { name: "rechecked", label: "Re-checked" },
    ],
    build: findingsWithSubjects,
    terms: async (table) =>
      plainTerms(table, ["title", "rule", "subject", "key", "credential", "entry", "owner", "controls", "fingerprint"]),
    opens: (table, row) => ({ kind: "finding", id: table.at("fingerprint", row) }),
    key: (table, row) => table.at("key", row),
    empty: () => "No rule fired.",
  },

  entries: {
    label: "Registry entries",
    blocks: ["entries"],
    filter: "Id, name, declared identity or owner",
    columns: [
      stateColumn("state", "State", "entry"),
      textColumn("id", "Id", "subject"),
      { name: "name", label: "Name", className: "name", cell: entryCell },
      textColumn("kind", "Kind"),
      ownerColumn("Owner"),
      textColumn("status", "Status"),
      countColumn("count", "Identities"),
      textColumn("origin", "Declared in"),
    ],
    facets: [
      { name: "state", label: "State", axis: "entry" },
      { name: "status", label: "Status" },
      { name: "kind", label: "Kind" },
      { name: "owner", label: "Owner" },
      { name: "rechecked", label: "Re-checked" },
    ],
    first: { name: "state", descending: false },
    build: entriesWithCounts,
    terms: async (table) => plainTerms(table, ["id", "name", "declared", "owner", "origin"]),
    opens: (table, row) => ({ kind: "entry", id: table.at("id", row) }),
    key: (table, row) => table.at("id", row),
    empty: ({ registry_given }) =>
      registry_given
        ? "The registry has no entries."
        : "No registry was given, so nothing could be checked against it. Give one with --registry FILE.",
  },

  credentials: {
    label: "Credentials",
    blocks: ["credentials", "secrets", "identities"],
    filter: "Id, identity, kind, owner or scope",
    columns: [
      textColumn("kind", "Kind"),
      codeColumn("id", "Id", "name"),
      textColumn("name", "Held by", "subject"),
      textColumn("state", "State", "status"),
      stateColumn("age", "Age"),
      dayColumn("created", "Value since"),
      dayColumn("expires", "Expires"),
      dayColumn("last_used", "Last used"),
      ownerColumn("Owner"),
    ],
    facets: [
      { name: "kind", label: "Kind" },
      { name: "state", label: "State" },
      { name: "age", label: "Age", axis: "age" },
      { name: "provider", label: "Provider" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "owner", label: "Owner" },
      { name: "team", label: "Team" },
    ],
    first: { name: "created", descending: false },
    build: credentialsAndSecrets,
    terms: async (table) => plainTerms(table, ["id", "name", "holder", "kind", "owner", "scope"]),
    key: (table, row) => table.at("holder", row) ?? table.at("id", row),
    opens: (table, row) => {
      const holder = table.at("holder", row);
      return holder === null ? { kind: "secret", id: table.at("id", row) } : { kind: "identity", id: holder };
    },
    empty: () => "No credential and no stored secret was seen.",
  },

  exposed: {
    label: "Leaked keys",
    blocks: ["exposed"],
    filter: "Key, identity, owner, place or committer",
    columns: [
      countColumn("rank", "Rotate"),
      codeColumn("id", "Key", "name"),
      textColumn("name", "Opens", "subject"),
      textColumn("state", "State", "status"),
      stateColumn("privilege", "Privilege"),
      ownerColumn("Owner"),
      dayColumn("last_used", "Last used"),
      textColumn("place", "Place", "text"),
      textColumn("committer", "Committed by", "owner"),
      dayColumn("exposed", "Since"),
    ],
    facets: [
      { name: "state", label: "State" },
      { name: "privilege", label: "Privilege", axis: "privilege" },
      { name: "priority", label: "Priority" },
      { name: "verified", label: "Tried by the scanner", none: "not tried" },
      { name: "public", label: "Public", none: "unknown" },
      { name: "provider", label: "Provider" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "owner", label: "Owner" },
      { name: "committer", label: "Committed by" },
    ],
    first: { name: "rank", descending: false },
    build: ({ exposed }) => exposed,
    terms: async (table) => plainTerms(table, ["id", "identity", "name", "owner", "place", "committer", "commit"]),
    key: (table, row) => table.at("identity", row) ?? table.at("id", row),
    opens: (table, row) => {
      const identity = table.at("identity", row);
      return identity === null ? { kind: "reading", id: table.at("reading", row) } : { kind: "identity", id: identity };
    },
    empty: () => "No leaked key was reported.",
  },

  changes: {
    label: "Changes",
    blocks: ["changes", "identities"],
    filter: "Name, key, what it was or is",
    columns: [
      stateColumn("change", "Change"),
      { name: "name", label: "Name", className: "name", cell: changeCell },
      textColumn("subject", "What"),
      textColumn("kind", "Kind"),
      textColumn("scope", "Scope"),
      { ...textColumn("aspect", "Of it"), cell: (table, row) => plainCell(table.at("aspect", row) && word(table.at("aspect", row))) },
      textColumn("before", "Before", "text"),
      textColumn("after", "Now", "text"),
      textColumn("ask", "Owner or contact", "owner"),
    ],
    facets: [
      { name: "change", label: "Change", axis: "change" },
      { name: "subject", label: "What" },
      { name: "aspect", label: "Of it" },
      { name: "reach_grew", label: "Reach grew" },
      { name: "provider", label: "Provider" },
      { name: "scope", label: "Scope" },
      { name: "source", label: "Source" },
      { name: "kind", label: "Kind" },
    ],
    build: ({ changes }) => changes,
    terms: async (table) => plainTerms(table, ["name", "key", "identity", "before", "after", "ask", "scope"]),
    opens: (table, row) => ({ kind: "changed", id: table.at("key", row) }),
    key: (table, row) => table.at("key", row),
    empty: ({ since }) =>
      since
        ? `Nothing changed since the scan of ${day(since.at)}.`
        : "There is no earlier scan in the store to compare this one with.",
  },

  coverage: {
    label: "Coverage",
    blocks: ["coverage"],
    filter: "Source, scope, section or detail",
    columns: [
      stateColumn("status", "Status", "coverage"),
      textColumn("section", "Section", "subject"),
      textColumn("source", "Source", "kind"),
      textColumn("scope", "Scope"),
      countColumn("identities", "Found"),
      countColumn("calls", "Calls"),
      textColumn("detail", "Detail", "name"),
      textColumn("permission", "Permission needed", "owner"),
    ],
    facets: [
      { name: "gap", label: "Gap" },
      { name: "status", label: "Status", axis: "coverage" },
      { name: "source", label: "Source" },
      { name: "provider", label: "Provider" },
      { name: "section", label: "Section" },
    ],
    build: ({ coverage }) => coverage,
    terms: async (table) => plainTerms(table, ["source", "scope", "section", "status", "detail", "permission"]),
    opens: (table, row) => ({ kind: "reading", id: readingId(table, row) }),
    key: readingId,
    empty: () => "Nothing was read.",
  },
};

// Where the page opens for each --view.
const OPENINGS = {
  all: blankState("identities"),
  inventory: blankState("identities"),
  orphans: blankState("identities", { ownership: ["orphaned"] }),
  unregistered: blankState("identities", { registry: ["unregistered"] }),
  agents: blankState("agents"),
  findings: blankState("findings"),
  registry: blankState("entries"),
  credentials: blankState("credentials"),
  exposed: blankState("exposed"),
  coverage: blankState("coverage"),
};
