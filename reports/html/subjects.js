// The panels of everything else, and which of them an address opens.

function entryPanel(row, { entries, identities, findings }) {
  const entry = entries.row(row);
  const matched = entry.matched.map((identity) => [
    link("identity", keyOf(identities, identity), identities.at("name", identity)),
    identities.at("kind", identity) ?? "–",
    identities.at("scope", identity) ?? "–",
    mark("usage", identities.at("usage", identity)),
  ]);
  const none = h("p.quiet", null, "None was matched.");
  return {
    title: entry.name ?? entry.id,
    parts: [
      h("p.key", null, h("code", null, entry.id)),
      h("p.tags", null, mark("entry", entry.state), !entry.rechecked && notRechecked()),
      section("State", h("p", null, meaning("entry", entry.state)), entry.evidence && bullets([entry.evidence])),
      section("Identities it stands for", smallTable(["Name", "Kind", "Scope", "Usage"], matched) || none),
      section("What it might mean", perhapsOf(entry, identities)),
      section("Findings", manyOf("div", findings.where("entry", entry.id), findingItem)),
      section("Declared", declared(entry)),
    ],
  };
}

// Identities that an entry may mean which stands for nothing.
function perhapsOf({ perhaps }, identities) {
  const named = (who) => {
    if (typeof who !== "number") return outside(who);
    return link("identity", keyOf(identities, who), identities.at("name", who));
  };
  const listed = perhaps.map(([who, score, evidence]) => candidate("Perhaps", named(who), { score, evidence }));
  return listed.length > 0 && h("ul.candidates", null, listed);
}

function declared(entry) {
  return facts([
    ["identities", entry.declared.join(", ")],
    ["kind", entry.kind],
    ["provider", entry.provider],
    ["scope", entry.scope],
    ["owner", entry.owner ?? "none"],
    ["status", entry.status],
    ...entry.facts,
    ["declared in", entry.origin],
  ]);
}

function secretPanel(row, { secrets }) {
  const secret = secrets.row(row);
  return {
    title: secret.name ?? secret.key,
    parts: [
      h("p.key", null, h("code", null, secret.key)),
      h("p.tags", null, tag("stored secret"), " its value was not read"),
      section(
        "Facts",
        facts([
          ["provider", secret.provider],
          ["source", secret.source],
          ["scope", secret.scope],
          ["created", moment(secret.created)],
          ["value written", moment(secret.rotated)],
          ["last used", moment(secret.last_used)],
          ["expires", moment(secret.expires)],
          ["rotation", secret.rotation === null ? "unknown" : secret.rotation ? "on" : "off"],
          ...secret.facts,
        ]),
      ),
      section("Tags", facts(secret.tags)),
    ],
  };
}

// A finding, and below it all about the identity it is on.
function findingPanel(row, tables) {
  const finding = tables.findings.row(row);
  const title = finding.title ?? finding.rule;
  if (typeof finding.identity !== "number") return { title, parts: [section("Finding", findingItem(finding, finding.identity))] };
  const identity = identityPanel(finding.identity, tables, row);
  const subject = link("identity", keyOf(tables.identities, finding.identity), identity.title);
  const heading = h("h3.subject", null, outside(identity.title));
  return { title, parts: [section("Finding", findingItem(finding, subject)), heading, identity.parts] };
}

function sectionPanel(row, { coverage }) {
  const read = coverage.row(row);
  return {
    title: read.section,
    parts: [
      h("p.tags", null, mark("coverage", read.status)),
      section(
        "Reading",
        facts([
          ["source", read.source],
          ["provider", read.provider],
          ["scope", read.scope],
          ["what it means", meaning("coverage", read.status)],
          ["detail", read.detail],
          ["permission needed", read.permission],
          ["lists", read.kinds.join(", ")],
          ["found", count(read.identities)],
          ["calls", count(read.calls)],
        ]),
      ),
    ],
  };
}

// --- which of them

const PANELS = {
  identity: identityPanel,
  entry: entryPanel,
  secret: secretPanel,
  finding: findingPanel,
  section: sectionPanel,
};

const PANEL_BLOCKS = ["identities", "search", "credentials", "secrets", "details", "findings", "entries", "coverage"];

// { title, parts } of what an address opens; null where there is no such thing in this report.
async function subjectAt({ kind, id }) {
  const [tables, { scan }] = await Promise.all([openTables(...PANEL_BLOCKS), openBlock("overview")]);
  tables.now = scan.started;
  const row = rowOf(kind, id, tables);
  return row === undefined ? null : PANELS[kind](row, tables);
}

function rowOf(kind, id, { identities, entries, secrets, findings, coverage }) {
  const numbered = (table) => (/^\d+$/.test(id) && Number(id) < table.length ? Number(id) : undefined);
  switch (kind) {
    case "identity":
      return rowsByKey(identities).get(id);
    case "entry":
      return entries.index("id").get(id)?.[0];
    case "secret":
      return secrets.index("key").get(id)?.[0];
    case "finding":
      return numbered(findings);
    case "section":
      return numbered(coverage);
    default:
      return undefined;
  }
}

function rowsByKey(identities) {
  const rows = () => Array.from({ length: identities.length }, (_, row) => [keyOf(identities, row), row]);
  return (identities.rowOfKey ??= new Map(rows()));
}
