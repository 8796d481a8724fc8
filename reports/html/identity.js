// The panel of an identity: every verdict with its evidence, and everything it holds.

// `shown`: the row of a finding that stands above already.
function identityPanel(row, tables, shown = null) {
  const identity = tables.identities.row(row);
  const details = tables.verdicts.row(row);
  const key = keyOf(tables.identities, row);
  const held = (name) => tables[name].where("identity", row);
  const findings = held("findings").filter((finding) => finding.row !== shown);
  const owners = held("owners");
  return {
    title: identity.display_name ?? identity.name ?? key,
    parts: [
      h("p.key", null, h("code", null, breakable(key))),
      standing(identity, details),
      nextStep(details.next_step, owners),
      source.actions("identity", row, tables),
      section("Exposure", held("exposures").map((found) => exposureOf(found, identity.display_name ?? identity.name ?? key))),
      section(shown === null ? "Findings" : "Other findings", manyOf("div", findings, (finding) => findingItem(finding, tables))),
      section("Verdicts", verdictsOf(identity, details, held)),
      section("Path to admin", pathOf(row, tables)),
      section("Attack paths", pathsOf(row, tables)),
      section("Blast radius", reachOf(held("reach")[0], held("consequences"))),
      section("Activity", activityOf(row, tables)),
      section("Drift from its entry", driftOf(held("drift"))),
      section("Not compared with its entry", textsOf(held("not_compared"))),
      section("Credentials", timeline(held("credentials"), tables.now), credentialsOf(held("credentials"))),
      section("Permissions", grantsOf(held("grants"))),
      section("Workloads that run as it", textsOf(held("consumers"))),
      section("Links", neighbourhoodOf(row, tables, held), linksOf(row, tables)),
      section("Trusted principals", trustsOf(held("trusts"))),
      section("Gaps in its scope", gapsAround(identity, tables.coverage)),
      section("Facts", factsOf(identity, details, held("aliases"))),
      section("Tags", facts(held("tags").map(({ name, value }) => [name, value]))),
      section("Attributes", facts(held("attributes").map(({ name, value }) => [name, value]))),
    ],
  };
}

function standing(identity, details) {
  return h(
    "p.tags",
    null,
    mark("severity", identity.severity),
    !identity.rechecked && notRechecked(),
    identity.abandoned && tag("abandoned", "Orphaned, and dormant or never used"),
    details.enabled === false && tag("disabled"),
  );
}

// Nobody is told to ask themselves.
function nextStep(text, owners) {
  if (!text) return false;
  const asksViewer = owners.some(({ who }) => source.isViewer(who) && text.includes(who));
  return h("p.next", null, h("b", null, "Next step "), asksViewer ? "You are suggested as its owner. Is it yours? Say so here." : outside(text));
}

// --- verdicts

function verdictsOf(identity, details, held) {
  return [
    registryVerdict(identity, details, held("matches")),
    ownershipVerdict(identity, details, held("owners")),
    verdict("Usage", mark("usage", identity.usage), details.usage_evidence),
    verdict("Privilege", mark("privilege", identity.privilege), bullets(held("privilege").map(({ text }) => text))),
    verdict("Nature", mark("nature", identity.nature), bullets(held("nature").map(signal))),
    verdict("AI agent", mark("agent", identity.agent), bullets(held("agent").map(signal))),
  ];
}

function registryVerdict(identity, { entry, rung, registry_evidence, agreeing, contradictions }, matches) {
  const matched = entry && h("p.evidence", null, "Entry ", link("entry", entry), rung && `, matched by ${RUNGS[rung]}`);
  const perhaps = matches.map((match) => candidate("Possible match", link("entry", match.who), match));
  return verdict(
    "Registry",
    [mark("registry", identity.registry), identity.provisional && " ", identity.provisional && provisional()],
    matched,
    registry_evidence,
    otherEntries("Declared the same by", agreeing),
    otherEntries("Declared differently by", contradictions),
    perhaps.length > 0 && h("ul.candidates", { "aria-label": "Possible entries" }, perhaps),
  );
}

function otherEntries(lead, entries) {
  const listed = entries.map((id, at) => [at > 0 && ", ", link("entry", id)]);
  return entries.length > 0 && h("p.evidence", null, `${lead} `, listed);
}

function ownershipVerdict({ ownership, reason, owner }, { backup_only, leaving, ownership_evidence }, owners) {
  const backup = backup_only && " (only a backup owner is active)";
  const ask = owners.map((person) =>
    source.isViewer(person.who) ? candidate("Suggested:", h("b", null, "you"), person) : candidate("Ask", h("b", null, personNamed(person.who)), person),
  );
  return verdict(
    "Ownership",
    [mark("ownership", ownership), reason && `: ${REASONS[reason]}`],
    owner && h("p.evidence", null, "Owner ", personNamed(owner), backup),
    ownership_evidence,
    leaving.length > 0 && h("p.evidence", null, "About to leave: ", outside(leaving.join(", "))),
    ask.length > 0 && h("ul.candidates", { "aria-label": "Likely owners" }, ask),
  );
}

function candidate(lead, who, { score, evidence }) {
  const likely = h("span.score", null, ` ${Math.round(score * 100)} %`);
  return h("li", null, `${lead} `, who, likely, evidence && h("span.evidence", null, prose(evidence)));
}

// --- what it could do at worst: the numbers of the whole scan, and what its own permissions allow

function reachOf(reach, consequences) {
  if (!reach) return false;
  const { sentence, identities, secrets, scopes, unknown } = reach;
  const numbers = [
    ["Other identities", identities],
    ["Stored secrets", secrets],
    ["Scopes", scopes],
  ];
  const rows = consequences.map(({ title, actions, by, where, narrow, conditional }) => [
    title,
    [actions, by].filter(Boolean).join(", by ") || "–",
    [where ?? "its own scope", narrow && "some resources", conditional && "under a condition"].filter(Boolean).join(", "),
  ]);
  return [
    h("p", null, outside(sentence)),
    smallTable(["Within reach", "How many"], numbers),
    smallTable(["It can itself", "By", "Where"], rows),
    unknown.length > 0 && h("p.quiet", null, `Not known: ${unknown.join("; ")}`),
  ];
}

function driftOf(drift) {
  const rows = drift.map(({ aspect, declared, found }) => [word(aspect), declared ?? "–", found ?? "–"]);
  return smallTable(["What", "Declared", "Found"], rows);
}

function signal({ says, sort, strength, evidence }) {
  return `${evidence} (${strength}, from its ${sort}: ${says})`;
}

function findingItem(finding, tables, subject = null) {
  const about = [
    ["identity", subject],
    ["credential", finding.credential],
    ["entry", finding.entry && link("entry", finding.entry)],
    ["first seen", day(finding.first_seen)],
  ];
  const onDay = [
    ["explained", finding.explained && mark("explained", finding.explained)],
    ["explained by", finding.explained_by],
    ["event ids", listOfIds(finding.events)],
  ];
  const { rule, state, status, rechecked, acknowledged, asked, controls, fingerprint } = finding;
  const known = ["open", "worsened"].includes(state) && status !== "open" && tag(status);
  return h(
    "article.finding",
    null,
    h("h4", null, mark("severity", finding.severity), " ", outside(finding.title ?? rule)),
    h("p.tags", null, mark("finding", state), h("code", null, rule), known, !rechecked && notRechecked()),
    acknowledged && h("p", null, outside(`Acknowledged: ${acknowledged}`)),
    asked && h("p", null, outside(`Asked for, waits for a reviewer: ${asked}`)),
    finding.remediation && h("p.remedy", null, outside(finding.remediation)),
    source.actions("finding", finding, tables),
    facts([...about, ...finding.evidence.map(readable), ...onDay]),
    controls.length > 0 && h("p.tags", null, controls.map((control) => tag(outside(control)))),
    h("p.tags.fingerprint", null, link("finding", fingerprint, shortened(fingerprint)), copyButtons(finding)),
  );
}

// The command that suppresses a finding, and of one about a day the ids of its events.
function copyButtons({ fingerprint, events }) {
  return [
    source.hasCommands && copying("Copy acknowledge command", `muster acknowledge ${shortened(fingerprint)}${acknowledgeWith}`),
    events.length > 0 && copying("Copy event ids", events.join("\n")),
  ];
}

// Ids to look for in the audit log.
function listOfIds(ids) {
  const listed = ids.map((id) => h("li", null, h("code", null, breakable(id ?? "–"))));
  return ids.length > 0 && h("ul.ids", null, listed);
}

// Puts a text on the clipboard; where the browser refuses, it stands there to be copied.
function copying(label, text) {
  const button = h("button.copy", { type: "button", title: text, onclick: copy }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.replaceWith(h("code", null, text));
    }
  }
  return button;
}

// A fact of a finding as people write it: a heading for a name, a time to the minute.
function readable([name, value]) {
  return [name.replaceAll("_", " "), value?.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, "$1 $2 UTC")];
}

// --- what it holds

function credentialsOf(credentials) {
  const rows = credentials.map((credential) => [
    word(credential.kind),
    h("code", null, breakable(credential.id ?? "–")),
    enabledWord(credential.enabled),
    day(credential.created) ?? "unknown",
    credential.never_expires ? "never" : (day(credential.expires) ?? "unknown"),
    day(credential.last_used) ?? "unknown",
  ]);
  return smallTable(["Kind", "Id", "State", "Created", "Expires", "Last used"], rows);
}

function grantsOf(grants) {
  const rows = grants.map(({ name, via, resource, admin }) => [
    name ?? "–",
    via ?? "–",
    resource ?? "–",
    admin ? tag("admin") : "",
  ]);
  return smallTable(["Permission", "Through", "On", "Level"], rows);
}

function textsOf(texts) {
  return manyOf("ul", texts, ({ text }) => h("li", null, h("code", null, breakable(text ?? "–"))));
}

// Where it leads, and what leads to it.
function linksOf(row, { identities, links }) {
  const named = (target) => {
    if (typeof target !== "number") return target ?? "–";
    return link("identity", keyOf(identities, target), identities.at("name", target));
  };
  const relation = ({ relation, evidence }, way, other) => [RELATIONS[relation][way], named(other), evidence ?? ""];
  return smallTable(
    ["Relation", "To", "Evidence"],
    [
      ...links.where("identity", row).map((found) => relation(found, 0, found.target)),
      ...links.where("target", row).map((found) => relation(found, 1, found.identity)),
    ],
  );
}

// All that it is linked with, drawn: links in both directions, who may become it, workloads that run as it.
function neighbourhoodOf(row, { identities, links }, held) {
  const to = (target) => {
    if (typeof target !== "number") return { label: target === null ? "–" : lastPart(target), go: null };
    const label = identities.at("name", target) ?? keyOf(identities, target);
    return { label, go: () => location.assign(addressOf("identity", keyOf(identities, target))) };
  };
  const named = ({ relation }, target) => ({ relation: RELATIONS[relation][0], ...to(target) });
  const before = [
    ...links.where("target", row).map((found) => named(found, found.identity)),
    ...held("trusts").map(({ principal }) => ({ relation: "can assume it", ...to(principal) })),
    ...held("consumers").map(({ text }) => ({ relation: "runs as it", ...to(text) })),
  ];
  const after = links.where("identity", row).map((found) => named(found, found.target));
  return neighbourhood(identities.at("name", row) ?? keyOf(identities, row), before, after);
}

// The distinguishing end of an ARN or path.
function lastPart(text) {
  return text.split(/[/:]/).filter(Boolean).at(-1) ?? text;
}

function trustsOf(trusts) {
  const rows = trusts.map(({ principal, kind, external, restriction, evidence }) => [
    principal ?? "–",
    external ? `${kind}, external` : kind,
    restriction === "none" ? "no" : restriction,
    evidence ?? "",
  ]);
  return smallTable(["Principal", "Kind", "Restricted", "Evidence"], rows);
}

function gapsAround({ source, scope }, coverage) {
  const gaps = gapsIn(coverage).filter((gap) => gap.source === source && [scope, "*"].includes(gap.scope));
  return gaps.length > 0 && h("ul.gaplist", null, groupedGaps(gaps).map(gapItem));
}

function factsOf(identity, details, aliases) {
  return facts([
    ["display name", identity.display_name],
    ["description", details.description],
    ["provider", identity.provider],
    ["scope", identity.scope],
    ["kind", identity.kind],
    ["environment", details.environment],
    ["team", identity.team],
    ["created", moment(details.created)],
    ["created by", details.created_by],
    ["first seen", moment(details.first_seen)],
    ["last used", moment(details.last_used)],
    ["unique id", details.unique_id],
    ["aliases", aliases.map(({ alias }) => alias).join(", ")],
    ["managed by", details.managed_by],
    ["reported by", details.sources.join(", ")],
  ]);
}
