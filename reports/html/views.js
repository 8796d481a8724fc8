// The lists: for each the blocks it reads, its columns and facets, its first order where it is not that of its rows,
// what its filter searches, and what a row opens.

// --- columns: { name, label, className, axis, cell(table, row) → children }; an axis gives marks and their order

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
  const shown = (minutes) => (minutes === Infinity ? "never" : plainCell(day(minutes)));
  return { name, label, className: "date", cell: (table, row) => shown(table.at(name, row)) };
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
    table.at("provisional", row) && provisional(),
    !table.at("rechecked", row) && notRechecked(),
  );
}

function findingCell(table, row) {
  const status = table.at("status", row);
  const standing = [
    status !== "open" && tag(status),
    table.at("acknowledged", row) && tag("acknowledged"),
    !table.at("rechecked", row) && notRechecked(),
  ];
  return h("div.cell", null, plainCell(table.at("title", row)), standing);
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
    filter: "Name, key, alias, owner or tag",
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
      textColumn("owner", "Owner"),
    ],
    facets: [
      { name: "severity", label: "Severity", axis: "severity" },
      { name: "registry", label: "Registry", axis: "registry" },
      { name: "ownership", label: "Ownership", axis: "ownership" },
      { name: "usage", label: "Usage", axis: "usage" },
      { name: "privilege", label: "Privilege", axis: "privilege" },
      { name: "agent", label: "AI agent", axis: "agent" },
      { name: "provider", label: "Provider" },
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
    empty: ({ headline }) => headline,
  },

  findings: {
    label: "Findings",
    blocks: ["findings", "identities"],
    filter: "Title, rule, subject, owner or control",
    columns: [
      stateColumn("severity", "Severity"),
      { name: "title", label: "Finding", className: "name", cell: findingCell },
      textColumn("subject", "About", "subject"),
      codeColumn("rule", "Rule", "rule"),
      textColumn("owner", "Whom to ask"),
    ],
    facets: [
      { name: "severity", label: "Severity", axis: "severity" },
      { name: "provider", label: "Provider" },
      { name: "source", label: "Source" },
      { name: "scope", label: "Scope" },
      { name: "team", label: "Team" },
      { name: "agent", label: "AI agent", axis: "agent" },
      { name: "rule", label: "Rule" },
      { name: "owner", label: "Whom to ask" },
      { name: "status", label: "Status" },
      { name: "rechecked", label: "Re-checked" },
    ],
    build: findingsWithSubjects,
    terms: async (table) => termsOf(table, ["title", "rule", "subject", "credential", "entry", "owner", "controls"]),
    opens: (_, row) => ({ kind: "finding", id: String(row) }),
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
      textColumn("owner", "Owner"),
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
    terms: async (table) => termsOf(table, ["id", "name", "declared", "owner", "origin"]),
    opens: (table, row) => ({ kind: "entry", id: table.at("id", row) }),
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
      textColumn("owner", "Owner"),
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
    terms: async (table) => termsOf(table, ["id", "name", "kind", "owner", "scope"]),
    opens: (table, row) => {
      const holder = table.at("holder", row);
      return holder === null ? { kind: "secret", id: table.at("id", row) } : { kind: "identity", id: holder };
    },
    empty: () => "No credential and no stored secret was seen.",
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
    terms: async (table) => termsOf(table, ["source", "scope", "section", "status", "detail", "permission"]),
    opens: (_, row) => ({ kind: "section", id: String(row) }),
    empty: () => "Nothing was read.",
  },
};

// Where the page opens for each --view.
const OPENINGS = {
  all: blankState("identities"),
  inventory: blankState("identities"),
  orphans: blankState("identities", { ownership: ["orphaned"] }),
  unregistered: blankState("identities", { registry: ["unregistered"] }),
  findings: blankState("findings"),
  registry: blankState("entries"),
  credentials: blankState("credentials"),
  coverage: blankState("coverage"),
};
