// What the lists are made of beside the blocks: tables derived from several, and the texts a filter searches.

function keyOf(identities, row) {
  const stem = identities.at("stem", row) ?? "";
  return identities.at("named", row) ? stem + identities.at("name", row) : stem;
}

function findingsWithSubjects({ findings, identities }) {
  const subject = Column.of(findings.length, (row) => subjectOf(findings, identities, row));
  const key = Column.of(findings.length, (row) => subjectKey(findings, identities, row));
  const identity = (row) => findings.at("identity", row);
  const ofIdentity = (name) => identities.columns[name].borrowed(findings.length, identity);
  const borrowed = ["provider", "source", "scope", "team", "agent"].map((name) => [name, ofIdentity(name)]);
  return new Table(findings.length, { ...findings.columns, subject, key, ...Object.fromEntries(borrowed) });
}

// What agents are, do and have, beside what the list of identities says of them.
function agentsAsIdentities({ agents, identities }) {
  const identity = (row) => agents.at("identity", row);
  const key = Column.of(agents.length, (row) => keyOf(identities, identity(row)));
  const borrowed = AGENT_FACTS.map((name) => [name, identities.columns[name].borrowed(agents.length, identity)]);
  return new Table(agents.length, { ...agents.columns, key, ...Object.fromEntries(borrowed) });
}

const AGENT_FACTS = [
  "name", "provider", "source", "scope", "kind", "registry", "provisional", "ownership", "usage", "privilege", "severity",
  "owner", "is_leaving", "team", "rechecked",
];

function subjectOf(findings, identities, row) {
  const identity = findings.at("identity", row);
  if (typeof identity === "number") return identities.at("name", identity) ?? keyOf(identities, identity);
  return identity ?? findings.at("entry", row) ?? findings.at("credential", row);
}

function subjectKey(findings, identities, row) {
  const identity = findings.at("identity", row);
  return typeof identity === "number" ? keyOf(identities, identity) : (identity ?? findings.at("entry", row));
}

// What names a section of a scope in the next report, too.
function readingId(coverage, row) {
  return ["source", "scope", "section"].map((name) => coverage.at(name, row) ?? "").join(" ");
}

function entriesWithCounts({ entries }) {
  const matched = Column.of(entries.length, (row) => entries.at("matched", row).length);
  return new Table(entries.length, { ...entries.columns, count: matched });
}

// What identities hold and what is stored, as one table; a secret has no holder and its key as id.
function credentialsAndSecrets({ credentials, secrets, identities }) {
  const held = credentials.length;
  const length = held + secrets.length;
  const either = (ofCredential, ofSecret) =>
    Column.of(length, (row) => (row < held ? ofCredential(row) : ofSecret(row - held)));
  const own = (name, ofSecret) => either((row) => credentials.at(name, row), ofSecret);
  const holders = (name, ofSecret) => either((row) => identities.at(name, credentials.at("identity", row)), ofSecret);
  const secretly = (name) => (row) => secrets.at(name, row);
  return new Table(length, {
    holder: either((row) => keyOf(identities, credentials.at("identity", row)), () => null),
    kind: either((row) => word(credentials.at("kind", row)), () => "stored secret"),
    id: own("id", secretly("key")),
    name: holders("name", secretly("name")),
    provider: holders("provider", secretly("provider")),
    scope: holders("scope", secretly("scope")),
    source: holders("source", secretly("source")),
    owner: holders("owner", () => null),
    team: holders("team", () => null),
    age: own("age", secretly("age")),
    state: either((row) => enabledWord(credentials.at("enabled", row)), () => null),
    created: own("created", (row) => secrets.at("rotated", row) ?? secrets.at("created", row)),
    expires: either((row) => expiryOf(credentials, row), secretly("expires")),
    last_used: own("last_used", secretly("last_used")),
  });
}

function expiryOf(credentials, row) {
  return credentials.at("never_expires", row) ? Infinity : credentials.at("expires", row);
}

// --- texts

function searchText(...texts) {
  return texts.flat().filter((text) => text !== null).join("\n").toLowerCase();
}

function plainTerms(table, names) {
  return new Terms(termsOf(table, names));
}

function termsOf(table, names) {
  return Array.from({ length: table.length }, (_, row) => searchText(...names.map((name) => table.at(name, row))));
}

// What an identity holds leads to it, too: its credentials, grants, services and the principals it trusts.
async function identityTerms(identities) {
  const { verdicts, ...held } = await openTables("search", "credentials", "details", "activity");
  const own = termsOf(identities, ["name", "display_name", "owner", "scope"]);
  const terms = own.map((text, row) =>
    searchText(keyOf(identities, row), text, verdicts.at("unique_id", row), verdicts.at("entry", row)),
  );
  const sides = SIDES.map(([table, name, what]) => {
    const { columns } = held[table];
    return { what, name, table: held[table], coded: columns[name].coded, to: (row) => columns.identity.at(row) };
  });
  return new Terms(terms, [...sides, usedSide(held.services)]);
}

// What was used, as permissions name it: service:Action. Few of these are distinct, where lists of them rarely repeat.
function usedSide(services) {
  const [values, codes, rows, known] = [[], [], [], new Map()];
  const named = (row) => services.at("actions", row).map((action) => `${services.at("service", row)}:${action}`);
  for (let at = 0; at < services.length; at++) {
    const service = services.at("service", at);
    const actions = services.at("actions", at);
    const codeOf = known.get(service) ?? new Map();
    known.set(service, codeOf);
    for (const action of actions.length ? actions : [""]) {
      if (!codeOf.has(action)) codeOf.set(action, values.push(`${service}:${action}`) - 1);
      codes.push(codeOf.get(action));
      rows.push(services.at("identity", at));
    }
  }
  const used = { at: (row) => named(row).join(", ") || services.at("service", row) };
  const table = new Table(services.length, { ...services.columns, used });
  return { what: "used", name: "used", table, coded: { values, codes }, to: (at) => rows[at] };
}

// Tables of what identities hold, the columns that a filter looks at, and what a hit in them is called.
const SIDES = [
  ["aliases", "alias", "alias"],
  ["tags", "name", "tag"],
  ["tags", "value", "tag"],
  ["credentials", "id", "credential"],
  ["grants", "name", "grant"],
  ["grants", "via", "granted through"],
  ["grants", "resource", "granted on"],
  ["trusts", "principal", "trusts"],
  ["consumers", "text", "runs"],
  ["links", "target", "linked with"],
  ["attributes", "value", "attribute"],
];

// Owners that every identity of theirs reports as left.
function ownersWhoLeft({ length, columns }) {
  const left = new Set();
  for (let row = 0; row < length; row++) if (columns.reason.at(row) === "departed") left.add(columns.owner.at(row));
  return [...left];
}

// --- groups

// The rows of a list by the values of a column, the highest severity first, then the most rows: { value, title, rows, many,
// severities, fresh, subjects, about, subject }. severities is how many there are of each, fresh how many are new, subjects
// how many things they are about, `about` what those are called, and subject the first of them.
function groupedRows(table, rows, name) {
  const { values, codes } = table.columns[name].coded;
  const [identities, others] = [table.columns.identity.coded, table.columns.subject.coded];
  const none = identities.values.indexOf(null);
  const severities = orderOf("severity");
  const ranks = table.columns.severity.coded.values.map((value) => severities.indexOf(value));
  const severityOf = table.columns.severity.coded.codes;
  const groups = new Map();
  for (const row of rows) {
    const code = codes[row];
    let group = groups.get(code);
    if (!group) groups.set(code, (group = { value: values[code], rows: [], fresh: 0, severities: severities.map(() => 0), subjects: new Set() }));
    group.rows.push(row);
    group.severities[ranks[severityOf[row]]]++;
    group.subjects.add(identities.codes[row] === none ? -1 - others.codes[row] : identities.codes[row]);
    if (table.at("status", row) !== "open") group.fresh++;
  }
  const rank = ({ severities }) => severities.findIndex(Boolean);
  const described = ({ rows, subjects, ...group }) => ({
    ...group,
    rows,
    many: rows.length,
    title: table.at("title", rows[0]),
    subjects: subjects.size,
    about: [...subjects].every((subject) => subject >= 0) ? "identities" : "subjects",
    subject: table.at("subject", rows[0]),
  });
  return [...groups.values()].map(described).sort((a, b) => rank(a) - rank(b) || b.many - a.many);
}
