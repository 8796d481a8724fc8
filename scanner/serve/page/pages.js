// The pages beside the lists: what is new, attack paths, owners, activity, reviews, retirements, scans; saved queries; the page's own links.

const PAGE_PATHS = { you: "/you", news: "/new", paths: "/paths", owners: "/owners", activity: "/activity", reviews: "/reviews", retirements: "/retirements", trends: "/trends", decisions: "/decisions", scans: "/scans" };
const CHANGE_KINDS = { identity: "identity", finding: "finding", entry: "entry" };
const NEWER_EVERY = 60_000; // milliseconds between two questions for a newer scan
const NEVER_SCANNED = "There is no earlier scan to compare with.";

// For each its name and what it shows; asked with the address's query.
const SERVED_PAGES = {
  you: { label: "For you", draw: async () => startOf(source.needs) },
  news: { label: "New", draw: newsPage },
  paths: { label: "Paths", draw: pathsPage },
  owners: { label: "Owners", draw: ownersPage },
  activity: { label: "Activity", draw: activityPage },
  reviews: { label: "Reviews", draw: reviewsPage },
  retirements: { label: "Retirements", draw: retirementsPage, isFor: ({ sees_all: all, retirements }) => all || retirements > 0 },
  trends: { label: "Trends", draw: trendsPage },
  decisions: { label: "Decisions", draw: decisionsPage, isFor: ({ sees_all: all, is_reviewer: reviews }) => all || reviews },
  scans: { label: "Scans", draw: scansPage },
};

async function getApi(path) {
  const answer = await fetch(`/api/v1/${path}`);
  if (!answer.ok) throw new Refused(answer.status, await problemOf(answer));
  return answer.json();
}

function listLink(view, chosen, label) {
  return h("a", { href: source.write(blankState(view, chosen)) }, label);
}

// --- what changed

async function newsPage() {
  const { last_visit, since, changes, total } = await getJson("/page/news");
  const heading = h("h2", null, last_visit ? `New since your last visit on ${last_visit.slice(0, 10)}` : "New since the previous scan");
  if (!since) return [heading, h("p", null, NEVER_SCANNED)];
  return [heading, h("p.quiet", null, `Compared with the scan of ${moment(since)}.`), changesTable(changes, total)];
}

function changesTable(changes, total) {
  if (!total) return h("p", null, "Nothing changed.");
  const rows = changes.map(({ change, subject, key, name, aspect, before, after, reach_grew }) => [
    mark("change", change),
    subject,
    [link(CHANGE_KINDS[subject], key, name), reach_grew && [" ", tag("reach grew")]].flat().filter(isShown),
    aspect ? word(aspect) : "",
    before ?? "",
    after ?? "",
  ]);
  const left = total - changes.length;
  return [smallTable(["Change", "What", "Name", "Of it", "Before", "Now"], rows), left > 0 && h("p.quiet", null, `and ${count(left)} more`)];
}

async function scansPage(fields) {
  const [older, newer] = [fields.get("old"), fields.get("new")];
  const { items } = await getApi("scans");
  const choice = (name, id, chosen) => {
    const box = h("input", { type: "radio", name, value: id, "aria-label": `${name === "old" ? "Compare from" : "Compare to"} ${id}` });
    box.checked = chosen === id;
    return box;
  };
  const [from, to] = [older ?? items[1]?.id, newer ?? items[0]?.id];
  const rows = items.map(({ id, started_at, counts, changes }) => [
    choice("old", id, from),
    choice("new", id, to),
    h("a", { href: `/?scan=${encodeURIComponent(id)}` }, started_at.slice(0, 16).replace("T", " ")),
    h("code", null, id),
    counts ? count(counts.identities) : "–",
    counts ? count(Object.values(counts.findings).reduce((sum, number) => sum + number, 0)) : "–",
    changes ? `${count(changes.joined)} joined, ${count(changes.changed)} changed, ${count(changes.left)} left` : "–",
  ]);
  const headings = ["From", "To", "Started (UTC)", "Scan", "Identities", "Findings", "Compared with the scan before"];
  const form = h("form", { action: "/scans", "aria-label": "Compare two scans", onsubmit: compare }, smallTable(headings, rows), h("button.do", { type: "submit" }, "Compare"));
  function compare(event) {
    event.preventDefault();
    const chosen = new URLSearchParams(new FormData(form));
    visit(`/scans?${chosen}`);
  }
  const compared = older && newer ? await getJson("/page/compare", { old: older, new: newer }) : null;
  return [
    h("h2", null, "Scans"),
    h("p.quiet", null, "A scan's link shows its lists as they were. Choose two to see what changed between them."),
    form,
    compared && [h("h2", null, compared.headline), changesTable(compared.changes, compared.total)],
  ];
}

// --- attack paths

// Attack paths between keys, `outside` and `admin`.
async function pathsPage(fields) {
  const [from, to, avoid] = [fields.get("from") ?? "outside", fields.get("to") ?? "admin", fields.get("avoid") ?? ""];
  const asked = { from, ...(to && { to }), ...(avoid && { avoid }) };
  const found = await whenReady(() => getApi(`paths?${new URLSearchParams(asked)}`)).catch((error) => {
    if (error.status === 403) throw error;
    return { error };
  });
  const form = h("form.asking", { "aria-label": "Attack paths", onsubmit: ask }, [
    inputOf("paths", { name: "from", label: "From", value: from, hint: "A key, or outside." }),
    inputOf("paths", { name: "to", label: "To", value: to, hint: "A key, admin, or nothing: all that it can become." }),
    inputOf("paths", { name: "avoid", label: "Not through", value: avoid, hint: "A key (optional)." }),
  ].map(({ element }) => element), h("button.do", { type: "submit" }, "Find paths"));
  function ask(event) {
    event.preventDefault();
    const given = [...new FormData(form)].filter(([name, text]) => text || name === "to");
    visit(`/paths?${readableQuery(new URLSearchParams(given))}`);
  }
  const result = found.error ? h("p", { role: "alert" }, found.error.message) : pathsFound(found);
  return [h("h2", null, "Attack paths"), form, result, h("h2", null, "Choke points"), chokePoints()];
}

// The identities without which most others lose every path to an admin: counted while the paths are read already.
function chokePoints() {
  const place = h("div", null, h("p.quiet", null, "Counting…"));
  const shown = ({ chokes, nodes, bounded }) => {
    const names = new Map(nodes.map(({ key, name }) => [key, name]));
    const rows = chokes.map(({ identity, loses }) => [link("identity", identity, names.get(identity)), count(loses)]);
    const table = smallTable(["Identity", "Lose every path to an admin without it"], rows);
    return [table || h("p", null, "There is none."), bounded && h("p.quiet", null, "The graph is too large to count all of it.")];
  };
  whenReady(() => getApi("chokes"))
    .then((found) => place.replaceChildren(...shown(found).filter(isShown)))
    .catch((error) => place.replaceChildren(h("p", { role: "alert" }, error.message)));
  return place;
}

function pathsFound({ paths, nodes, total, more, bounded }) {
  if (!paths.length) return h("p", { role: "status" }, "No path is known, as far as could be read.");
  const known = new Map(nodes.map((node) => [node.key, node]));
  const node = (key) => {
    const { name, kind, scope, privilege } = known.get(key) ?? { name: key, kind: "", scope: "", privilege: null };
    const note = [kind, scope].filter(Boolean).map(word).join(" in ");
    return { key, name, note, admin: privilege === "admin", href: addressOf("identity", key) };
  };
  const item = (key, step) => {
    const { name, note, admin } = node(key);
    const level = admin && mark("privilege", "admin");
    const shown = h("div.node", null, link("identity", key, name), " ", h("span.quiet", null, outside(note)), " ", level);
    return h(`li${admin ? ".goal" : ""}`, null, step && whyOf(step.evidence, step.conditional), shown);
  };
  const named = (entrances) => [...new Set(entrances.map(({ principal }) => principal))].join(", ");
  const drawn = paths.map(({ steps, outside: entrances }) => [
    entrances?.length > 0 && h("p.quiet", null, "From outside: ", outside(named(entrances))),
    h("ol.path", null, item(steps[0].from), steps.map((step) => item(step.to, step))),
  ]);
  const { steps } = paths[0];
  const graph = { start: steps[0].from, path: [steps[0].from, ...steps.map(({ to }) => to)], more: 0, expand: (key) => source.next(key) };
  const said = `${count(total)} ${total === 1 ? "identity has" : "identities have"} a path${more ? `; ${count(paths.length)} are shown` : ""}.`;
  const canvas = new PathDrawing({ ...graph, nodes: graph.path.map(node), edges: steps }).element;
  return [
    h("p", { role: "status" }, said, bounded && " The search ended at its limit: there may be others."),
    h("div.beside", null, h("div.sentences", null, drawn), canvas),
  ];
}

// --- owners, activity

async function ownersPage() {
  const { owners, teams } = await getApi("owners");
  const table = (facet, heading, listed) =>
    smallTable([heading, "Identities"], listed.map(({ name, identities }) => [
      listLink("identities", { [facet]: [facetKey(name)] }, name === null ? "none" : outside(name)),
      count(identities),
    ]));
  return [h("h2", null, "Owners"), table("owner", "Owner", owners), h("h2", null, "Teams"), table("team", "Team", teams)];
}

async function activityPage() {
  const [found, read] = await Promise.all([
    getJson("/page/list/findings", "explained=unexplained&limit=50"),
    getJson("/page/list/coverage", "q=activity&limit=200"),
  ]);
  const [findings, logs] = [Table.unpack(found.table), Table.unpack(read.table)];
  const each = (table, cells) => Array.from({ length: table.length }, (_, row) => cells((name) => table.at(name, row)));
  const behaviour = each(findings, (at) => [mark("severity", at("severity")), link("finding", at("fingerprint"), at("title")), at("subject") ?? "–"]);
  const sections = each(logs, (at) => [at("source"), at("scope"), at("section"), mark("coverage", at("status")), at("detail") ?? ""]);
  return [
    h("h2", null, `Unexplained behaviour: ${count(found.total)}`),
    found.total ? smallTable(["Severity", "Finding", "About"], behaviour) : h("p", null, "No finding about behaviour is unexplained, as far as audit logs were read."),
    found.total > behaviour.length && h("p", null, listLink("findings", { explained: ["unexplained"] }, `All ${count(found.total)}`)),
    h("h2", null, "Audit logs"),
    sections.length ? smallTable(["Log", "Scope", "Section", "Status", "Detail"], sections) : h("p", null, "No audit log was read. What identities did is unknown."),
  ];
}

// --- reviews

async function reviewsPage(fields) {
  const name = fields.get("review");
  if (name) return reviewPage(name);
  const { items } = await getApi("reviews");
  const rows = items.map((review) => [
    h("a", { href: `/reviews?review=${encodeURIComponent(review.name)}` }, outside(review.name)),
    review.closed_at ? "closed" : review.is_overdue ? "overdue" : "open",
    review.due,
    `${count(review.decided)} of ${count(review.items)}`,
    review.left ? `${count(review.left)} for you` : "–",
  ]);
  const reviews = rows.length ? smallTable(["Review", "State", "Due", "Decided", "Left"], rows) : h("p", null, "There is no review with items for you.");
  return [h("h2", null, "Access reviews"), reviews, await askedFor()];
}

// Acknowledgements that wait for a reviewer.
async function askedFor() {
  const { items } = await getApi("asked");
  const rows = items.map(({ fingerprint, severity, title, asked }) => [mark("severity", severity), link("finding", fingerprint, title), personNamed(asked.by), asked.until, outside(asked.reason)]);
  return items.length > 0 && [h("h2", null, "Acknowledgements to approve"), smallTable(["Severity", "Finding", "Asked by", "Until", "Reason"], rows)];
}

async function reviewPage(name) {
  const path = `reviews/${encodeURIComponent(name)}`;
  const { items } = await getApi(`${path}/items`);
  const mine = items.filter((item) => item.mine && !item.decision);
  const others = items.filter((item) => !mine.includes(item));
  const decide = (item) => (body) => send("POST", `/api/v1/${path}/items/${encodeURIComponent(item.id)}/decide`, { ...body, facts_hash: item.facts_hash });
  const rows = others.map((item) => [link("identity", item.key, item.facts.name), personNamed(item.reviewer), item.decision ? word(item.decision.decision) : "undecided", item.decision?.reason ?? ""]);
  return [
    h("h2", null, outside(name), `: ${count(mine.length)} to decide`),
    mine.map((item) => itemToDecide(item, decide(item))),
    others.length > 0 && [h("h3", null, "The others"), smallTable(["Identity", "Reviewer", "Decision", "Reason"], rows)],
  ];
}

function itemToDecide(item, save) {
  const { facts: seen, key } = item;
  const granted = item.granted.map((row) => [outside(row.grant), outside(row.allows), outside(row.on), outside(row.used), row.last_used]);
  const article = h(
    "article.item",
    null,
    h("h3", null, link("identity", key, seen.name)),
    facts([
      ["what", seen.what],
      ["where", `${seen.provider} ${seen.scope}`],
      ["permissions", seen.may],
      ["worst case", seen.worst],
      ["used", seen.used],
      ["created", seen.since],
      ["others", seen.who_else],
      ["findings", seen.findings.join(", ")],
      ["not read", seen.unread.join(", ")],
    ]),
    smallTable(["Granted", "Allows", "Where", "Used", "Last used"], granted),
    formOf({
      label: "Decide",
      fields: [
        { name: "decision", label: "Decision", options: DECISIONS, required: true },
        { name: "reason", label: "Reason (optional)" },
        { name: "new_owner", label: "New owner (to give it to another)", type: "person" },
      ],
      save,
      saved: ({ decision, by, at }) => {
        const when = h("span.quiet", null, ` by ${by} on ${at.slice(0, 10)}`);
        article.replaceChildren(h("p", { role: "status" }, outside(seen.name), `: ${word(decision)}`, when));
      },
    }),
  );
  return article;
}

// --- saved queries

async function showSaved() {
  const { items } = await getApi("queries");
  const remove = (id) => async () => {
    await send("DELETE", `/api/v1/queries/${id}`);
    await showSaved();
  };
  const saved = ({ id, name, address, by }) =>
    h("li", null, h("a", { href: address }, outside(name)), by === source.viewer.person && h("button.copy", { type: "button", "aria-label": `Delete ${name}`, onclick: remove(id) }, "✕"));
  const form = formOf({
    label: "Save this query",
    fields: [{ name: "name", label: "Name", required: true }],
    save: ({ name }) => send("POST", "/api/v1/queries", { name, address: location.pathname + location.search }),
    saved: showSaved,
  });
  byId("saved").replaceChildren(h("ul", { "aria-label": "Saved queries" }, items.map(saved)), form);
}

// --- the page's own links, and what happens meanwhile

// An address of this page, without loading it anew.
function visit(address) {
  history.pushState(null, "", address);
  return app.arrive();
}

function followLink(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const { origin, pathname, search, hash } = new URL(link.href);
  const isScan = new URLSearchParams(search).get("scan") === source.scan;
  if (origin !== location.origin || hash || !isScan || pathname.startsWith("/export/") || pathname.startsWith("/api/")) return;
  event.preventDefault();
  visit(pathname + search);
}

// Says that a newer scan is there; what is being read stays as it is.
async function lookForNewer() {
  if (document.hidden || source.scan) return;
  const { scan } = await fetch("/page/latest").then((answer) => (answer.ok ? answer.json() : {}));
  byId("newer").hidden = !scan || scan === source.shown;
}

function openServedPage() {
  addEventListener("click", followLink);
  addEventListener("unhandledrejection", sayTrouble);
  byId("saved").parentElement.addEventListener("toggle", (event) => event.target.open && showSaved());
  byId("reload").addEventListener("click", () => location.reload());
  byId("sign-out").addEventListener("click", signOut);
  const look = () => lookForNewer().catch(() => {});
  setInterval(look, NEWER_EVERY);
  document.addEventListener("visibilitychange", look);
  openPage(new FetchedSource());
}

async function signOut() {
  await send("POST", "/sign-out").catch(() => {}); // its answer is a page
  location.assign("/");
}

openServedPage();
