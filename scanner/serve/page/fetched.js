// The served page's source: what embedded.js takes from the page's blocks, this fetches from the server. What is open and
// how the list is narrowed stands in the address's path and query.

const CHUNK = 100; // rows of a list in a request
const CHUNKS_KEPT = 60;
const SETTLED = 15; // milliseconds after a question until it is asked: a faster next key takes its place
const SOON = 1000; // milliseconds until a server that is not ready is asked again

const LIST_PATHS = {
  identities: "/",
  agents: "/agents",
  findings: "/findings",
  entries: "/registry",
  credentials: "/credentials",
  exposed: "/exposed",
  changes: "/changes",
  coverage: "/coverage",
};
const KIND_PATHS = {
  identity: "/identities/",
  finding: "/findings/",
  entry: "/registry/",
  secret: "/credentials/",
  reading: "/coverage/",
  changed: "/changes/",
};

// --- requests

class Refused extends Error {
  constructor(status, { detail, hint, field } = {}) {
    super([detail ?? `The server answered ${status}.`, hint].filter(Boolean).join(": "));
    Object.assign(this, { status, field });
  }
}

async function getJson(path, fields = {}, signal = undefined) {
  const answer = await fetch(`${path}?${new URLSearchParams([...new URLSearchParams(fields), ...source.ofScan])}`, { signal });
  byId("trouble").hidden = true;
  if (answer.ok) return answer.json();
  if (answer.status === 401) location.reload();
  throw new Refused(answer.status, await problemOf(answer));
}

// A write: JSON, with the token that shows that it comes from this page.
async function send(method, path, body) {
  const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]").content };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Refused(answer.status, await problemOf(answer));
  return answer.status === 204 ? null : answer.json();
}

async function problemOf(answer) {
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  return isProblem ? answer.json() : {};
}

// What nothing else says stands above the lists, until a request is answered again.
function sayTrouble(event) {
  const { reason } = event;
  event.preventDefault();
  byId("trouble").textContent = reason instanceof Refused ? reason.message : `The server does not answer (${reason.message}).`;
  byId("trouble").hidden = false;
}

// What a server that is still preparing answers later; said(message) meanwhile.
async function whenReady(ask, said = () => {}) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 503) throw error;
      said(error.message);
      await pause(SOON);
    }
  }
}

function pause(milliseconds) {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}

// --- a list

// A table whose chunks are fetched when they are needed. ask(offset) → { table }
class FetchedTable extends Table {
  constructor({ total, table, found }, ask) {
    super(total, {});
    this.ask = ask;
    this.found = found;
    this.chunks = new Map([[0, Table.unpack(table)]]);
    this.asked = new Set([0]);
    for (const name of Object.keys(table.columns)) this.columns[name] = { at: (row) => this.at(name, row) };
  }

  at(name, row) {
    return this.chunks.get(Math.floor(row / CHUNK)).at(name, row % CHUNK);
  }

  has(row) {
    return this.chunks.has(Math.floor(row / CHUNK));
  }

  reasons(row) {
    return this.columns.why?.at(row) ?? [];
  }

  // Asks for what is missing of these rows; gives itself when that has come, undefined where all is here.
  fetched(rows) {
    const missing = new Set(Array.from(rows, (row) => Math.floor(row / CHUNK)).filter((at) => !this.asked.has(at)));
    return missing.size ? Promise.all([...missing].map((at) => this.fetchChunk(at))).then(() => this) : undefined;
  }

  async fetchChunk(at) {
    this.asked.add(at);
    try {
      const { table } = await this.ask(at * CHUNK);
      this.chunks.set(at, Table.unpack(table));
    } catch (error) {
      this.asked.delete(at);
      throw error;
    }
    const [oldest] = this.chunks.keys();
    if (this.chunks.size <= CHUNKS_KEPT) return;
    this.chunks.delete(oldest);
    this.asked.delete(oldest);
  }
}

class FetchedList {
  constructor(name) {
    this.name = name;
    this.view = VIEWS[name];
  }

  // A question that comes before the answer to the one before takes its place.
  async run(question) {
    this.running?.abort();
    const { signal } = (this.running = new AbortController());
    const fields = fieldsOf({ ...question, flat: false });
    const ask = (offset, until) => getJson(`/page/list/${this.name}`, `${fields}&offset=${offset}&limit=${CHUNK}`, until);
    try {
      await pause(this.before === undefined ? 0 : SETTLED);
      if (signal.aborted) return null;
      const isGrouped = this.view.grouped && !question.flat && question.chosen[this.view.grouped.by]?.size !== 1;
      const [page, groups] = await Promise.all([
        ask(0, signal),
        isGrouped ? getJson(`/page/groups/${this.name}`, fields, signal) : null,
      ]);
      this.before = question.text;
      const rows = new Uint32Array(page.total);
      for (let row = 0; row < rows.length; row++) rows[row] = row;
      const counts = getJson(`/page/counts/${this.name}`, fields, signal).then(named, () => null);
      const isGroups = groups && groups.length > 1 && page.total > ALL_UNFOLDED;
      return { table: new FetchedTable(page, ask), rows, total: page.all, counts, groups: isGroups ? groups.map(grouping) : null };
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  async count(text) {
    return (await getJson(`/page/list/${this.name}`, new URLSearchParams({ q: text, limit: 0 }))).total;
  }
}

function named(counts) {
  const values = ([facet, listed]) => [facet, listed.map(([value, number]) => ({ value, count: number }))];
  return Object.fromEntries(Object.entries(counts).map(values));
}

// As groupedRows() gives a group, but for its rows: they are a list of their own.
function grouping(group) {
  return { rows: [], ...group, severities: orderOf("severity").map((severity) => group.severities[severity] ?? 0) };
}

// --- the source

// Lists and pages that concern everybody, in their order; the others concern people who see everything.
const EVERYBODYS = ["identities", "findings", "entries", "credentials", "news", "reviews", "retirements", "trends", "decisions"];
const MAJOR = new Set(["you", "identities", "findings", "agents", "entries", "credentials", "news", "reviews", "paths"]);

class FetchedSource {
  lists = {};
  scan = new URLSearchParams(location.search).get("scan"); // another one than the latest
  shown = null; // the scan that is on the page: the next one does not move what is being read

  // Those that are for the viewer, and the one that the address names, which says that it is for others.
  get pages() {
    const isShown = ([view, { isFor }]) => !isFor || isFor(this.viewer) || location.pathname === PAGE_PATHS[view];
    return Object.fromEntries(Object.entries(SERVED_PAGES).filter(isShown));
  }

  get ofScan() {
    return this.shown ? [["scan", this.shown]] : this.scan ? [["scan", this.scan]] : [];
  }

  async overview() {
    const overview = await whenReady(() => getJson("/page/overview"), (message) => (byId("headline").textContent = message));
    this.shown = overview.scan.id;
    this.viewer = overview.viewer;
    this.needs = overview.needs;
    byId("who").textContent = `Signed in as ${overview.viewer.name}`;
    if (this.viewer.person) send("POST", "/page/visits").catch(() => {});
    return overview;
  }

  // What needs the viewer, after something was done.
  async refresh() {
    if (!this.needs) return;
    this.needs = await getApi("needs");
    this.showStart();
    if (!this.viewer.sees_all) byId("headline").textContent = (await getJson("/page/overview")).headline;
  }

  showStart() {
    if (this.viewer.sees_all || !this.needs) return;
    byId("start").replaceChildren(...startOf(this.needs).flat(Infinity).filter(isShown));
  }

  tabs(views, shown) {
    const { sees_all } = this.viewer;
    const concerns = sees_all ? Object.keys(views).filter((view) => view !== "you" || this.concernsViewer()) : EVERYBODYS.filter((view) => view in views);
    const named = (view) => [view, { label: !sees_all && view === "identities" ? "Yours" : views[view].label, minor: sees_all && !MAJOR.has(view) }];
    const kept = concerns.includes(shown) ? concerns : [...concerns, shown];
    return kept.map(named).sort(([, one], [, other]) => one.minor - other.minor);
  }

  concernsViewer() {
    return this.needs && (this.needs.waiting > 0 || this.needs.identities > 0 || this.needs.suggestions > 0);
  }

  isViewer(name) {
    return this.viewer.names.includes(name.toLowerCase());
  }

  absent() {
    if (this.viewer.sees_all) return { title: "Not in this scan", why: "It left since, or was never there. Scans has the older ones." };
    const why = `You see what you own and what you review. This is not among it, or it does not exist. Ask ${this.viewer.keepers}.`;
    return { title: "You may not see this", why };
  }

  actions(kind, about, { extra }) {
    if (kind === "identity") return [retirementsOf(extra), reviewActions(extra), ownerActions(extra, extra.owner), whoWouldNotice(extra)];
    return findingActions(about, extra.actions[about.fingerprint]);
  }

  suggested(tables) {
    return suggestedPanel(tables);
  }

  async list(name) {
    return (this.lists[name] ??= new FetchedList(name));
  }

  // All that a panel reads, for one subject; null where there is none.
  async tables(kind, id) {
    try {
      const { tables, ...rest } = await whenReady(() => getJson(`/page/panel/${kind}`, { key: id }));
      for (const name of rest.extra.left) LEFT.add(name);
      if (rest.suggestion) return rest;
      return { ...unpackedTables(tables), ...rest, expand: (key) => this.next(key) };
    } catch (error) {
      if (error.status !== 404) throw error;
      return null;
    }
  }

  // The nodes and edges next to an identity, for the drawing of attack paths.
  async next(key) {
    const tables = await this.tables("identity", key);
    const row = tables && rowsByKey(tables.identities).get(key);
    return row === undefined || row === null ? { nodes: [], edges: [], more: 0 } : graphAround(row, tables);
  }

  more(kind, row, tables) {
    return servedParts(kind, row, tables);
  }

  // Whether the state is a page beside the lists; then it is shown.
  async showPage({ view }) {
    const page = this.pages[view];
    for (const part of document.querySelectorAll("#cards, #more, #bar .search, #bar .narrow")) part.hidden = Boolean(page);
    byId("lists").hidden = Boolean(page);
    byId("page").hidden = !page;
    const isOwners = !this.viewer.sees_all;
    byId("start").hidden = !isOwners || view !== "identities" || !this.needs;
    byId("overview").hidden = isOwners;
    if (!byId("start").hasChildNodes()) this.showStart();
    const asked = (this.paging = {});
    if (!page) return false;
    byId("page").setAttribute("aria-labelledby", `tab-${view}`);
    const content = await page.draw(new URLSearchParams(location.search)).catch((error) => h("p", { role: "alert" }, error.message));
    if (asked === this.paging) byId("page").replaceChildren(...[content].flat(Infinity).filter(isShown));
    return true;
  }

  failed({ message }) {
    return `The page could not be opened: ${message}`;
  }

  async prepare() {}

  read() {
    const fields = new URLSearchParams(location.search);
    fields.delete("scan");
    const path = location.pathname;
    const open = Object.entries(KIND_PATHS).find(([, prefix]) => path.startsWith(prefix) && path.length > prefix.length);
    const state = stateOf(fields, open ? { kind: open[0], id: decoded(path.slice(open[1].length)) } : readOpen(location.search.slice(1)));
    const at = path === "/identities" ? "/" : path.replace(/(.)\/$/, "$1");
    const [view] = Object.entries({ ...LIST_PATHS, ...PAGE_PATHS }).find(([, where]) => where === at) ?? [null];
    return { ...state, view: state.view ?? view };
  }

  write(state) {
    const { view, open } = state;
    const fields = fieldsOf(state);
    if (open && HOMES[open.kind] !== view) fields.set("view", view);
    if (this.scan) fields.set("scan", this.scan);
    const path = open ? KIND_PATHS[open.kind] + encoded(open.id) : { ...LIST_PATHS, ...PAGE_PATHS }[view];
    return path + (fields.size ? `?${readableQuery(fields)}` : "");
  }

  // Files of exactly what is shown.
  showExport(links, { name }, _found, state) {
    const fields = new URLSearchParams([...fieldsOf({ ...state, flat: false }), ...this.ofScan]);
    for (const link of links.children) {
      link.href = `/export/${name}.${link.dataset.format}${fields.size ? `?${readableQuery(fields)}` : ""}`;
    }
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encoded(id) {
  return encodeURIComponent(id).replace(/%3A|%40|%2C/g, decodeURIComponent);
}
