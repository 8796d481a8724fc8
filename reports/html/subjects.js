// The panels of everything else, and which of them an address opens.

function entryPanel(row, tables) {
  const { entries, identities, findings } = tables;
  const entry = entries.row(row);
  const matched = entry.matched.map((identity) => [
    link("identity", keyOf(identities, identity), identities.at("name", identity)),
    identities.at("kind", identity) ?? "–",
    identities.at("scope", identity) ?? "–",
    mark("usage", identities.at("usage", identity)),
  ]);
  const none = h("p.quiet", null, "No identity matches.");
  return {
    title: entry.name ?? entry.id,
    parts: [
      h("p.key", null, h("code", null, breakable(entry.id))),
      h("p.tags", null, mark("entry", entry.state), !entry.rechecked && notRechecked()),
      section("State", h("p", null, meaning("entry", entry.state)), entry.evidence && bullets([entry.evidence])),
      section("Matched identities", smallTable(["Name", "Kind", "Scope", "Usage"], matched) || none),
      section("Possible matches", perhapsOf(entry, identities)),
      section("Findings", manyOf("div", findings.where("entry", entry.id), (finding) => findingItem(finding, tables))),
      section("Declared", declared(entry)),
    ],
  };
}

// Possible matches of an entry without a match.
function perhapsOf({ perhaps }, identities) {
  const named = (who) => {
    if (typeof who !== "number") return outside(who);
    return link("identity", keyOf(identities, who), identities.at("name", who));
  };
  const listed = perhaps.map(([who, score, evidence]) => candidate("Possible match", named(who), { score, evidence }));
  return listed.length > 0 && h("ul.candidates", null, listed);
}

function declared(entry) {
  return facts([
    ["identities", entry.declared.join(", ")],
    ["kind", entry.kind],
    ["provider", entry.provider],
    ["scope", entry.scope],
    ["owner", entry.owner === null ? "none" : [personNamed(entry.owner)].flat()],
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
      h("p.key", null, h("code", null, breakable(secret.key))),
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
  if (typeof finding.identity !== "number") return { title, parts: [section("Finding", findingItem(finding, tables, finding.identity))] };
  const identity = identityPanel(finding.identity, tables, row);
  const subject = link("identity", keyOf(tables.identities, finding.identity), identity.title);
  const heading = h("h3.subject", null, outside(identity.title));
  const why = tables.extra?.why && h("p.quiet", null, outside(tables.extra.why));
  return { title, parts: [section("Finding", why, findingItem(finding, tables, subject)), heading, identity.parts] };
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
  reading: sectionPanel,
  changed: changePanel,
};

// { title, parts } of what an address opens; what is not in this report says so.
async function subjectAt({ kind, id }) {
  const tables = await source.tables(kind, id);
  if (tables?.suggestion) return source.suggested(tables);
  const row = tables ? rowOf(kind, id, tables) : undefined;
  if (row === undefined) return absentPanel(kind, id);
  const { title, parts } = PANELS[kind](row, tables);
  return { title, parts: [...parts, ...source.more(kind, row, tables)] };
}

const ABSENT = {
  identity: "No identity of this report has this key. It left, or it was not in the view that was written.",
  finding: "No finding of this report has this fingerprint. It was resolved, or it left with what it was on.",
};

function absentPanel(kind, id) {
  const { title, why } = source.absent(kind);
  return { title, parts: [h("p.key", null, h("code", null, breakable(id))), h("p", null, why)] };
}

// What changed about one thing, and below it all that is known of it now, where it is still there.
function changePanel(row, tables) {
  const { key, name, subject, identity } = tables.changes.row(row);
  const rows = tables.changes.where("key", key).map(({ change, aspect, before, after, caveat }) => [
    [mark("change", change), aspect && ` ${word(aspect)}`],
    before ?? "–",
    after ?? "–",
    caveat ?? "",
  ]);
  const record = tables.changes.where("key", key)[0];
  const here = rowsByKey(tables.identities).get(subject === "finding" ? identity : key);
  return {
    title: name ?? key,
    parts: [
      section(
        "What changed",
        h("p.quiet", null, `Since ${moment(tables.since.at)}`),
        smallTable(["Change", "Before", "Now", "Caveat"], rows),
        facts([
          ["key", key],
          ["provider", record.provider],
          ["scope", record.scope],
          ["kind", record.kind],
          ["contact", record.ask],
          ["next step", record.next_step],
        ]),
      ),
      here !== undefined && [h("h3.subject", null, "Current state"), identityPanel(here, tables).parts],
    ],
  };
}

function rowOf(kind, id, { identities, entries, secrets, findings, coverage, changes }) {
  switch (kind) {
    case "identity":
      return rowsByKey(identities).get(id);
    case "entry":
      return entries.index("id").get(id)?.[0];
    case "secret":
      return secrets.index("key").get(id)?.[0];
    case "finding":
      return findings.index("fingerprint").get(id)?.[0] ?? rowOfDigits(findings, id.slice(0, digits)) ?? rowOfDigits(findings, id);
    case "reading":
      return Array.from({ length: coverage.length }, (_, row) => row).find((row) => readingId(coverage, row) === id);
    case "changed":
      return changes.index("key").get(id)?.[0];
    default:
      return undefined;
  }
}

// The one finding whose fingerprint begins so.
function rowOfDigits(findings, id) {
  if (!/^[0-9a-f]{8,}$/.test(id)) return undefined;
  const rows = [...findings.index("fingerprint")].filter(([whole]) => whole.startsWith(id)).map(([, [row]]) => row);
  return rows.length === 1 ? rows[0] : undefined;
}

function rowsByKey(identities) {
  const rows = () => Array.from({ length: identities.length }, (_, row) => [keyOf(identities, row), row]);
  return (identities.rowOfKey ??= new Map(rows()));
}
