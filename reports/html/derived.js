// What the lists are made of beside the blocks: tables derived from several, and the texts a filter searches.

function keyOf(identities, row) {
  const stem = identities.at("stem", row) ?? "";
  return identities.at("named", row) ? stem + identities.at("name", row) : stem;
}

function findingsWithSubjects({ findings, identities }) {
  const subject = Column.of(findings.length, (row) => subjectOf(findings, identities, row));
  const identity = (row) => findings.at("identity", row);
  const ofIdentity = (name) => identities.columns[name].borrowed(findings.length, identity);
  const borrowed = ["provider", "source", "scope", "team", "agent"].map((name) => [name, ofIdentity(name)]);
  return new Table(findings.length, { ...findings.columns, subject, ...Object.fromEntries(borrowed) });
}

function subjectOf(findings, identities, row) {
  const identity = findings.at("identity", row);
  if (typeof identity === "number") return identities.at("name", identity) ?? keyOf(identities, identity);
  return identity ?? findings.at("entry", row) ?? findings.at("credential", row);
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

function termsOf(table, names) {
  return Array.from({ length: table.length }, (_, row) => searchText(...names.map((name) => table.at(name, row))));
}

async function identityTerms(identities) {
  const { aliases, tags } = await openTables("search");
  const own = termsOf(identities, ["name", "display_name", "owner", "scope"]);
  const terms = own.map((text, row) => `${keyOf(identities, row).toLowerCase()}\n${text}`);
  const add = (table, names) => {
    for (let row = 0; row < table.length; row++) {
      terms[table.at("identity", row)] += `\n${searchText(...names.map((name) => table.at(name, row)))}`;
    }
  };
  add(aliases, ["alias"]);
  add(tags, ["name", "value"]);
  return terms;
}
