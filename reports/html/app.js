// The page's life: opens its source, keeps the state in the address, and shows the list, its facets and the panel.

const ALL_UNFOLDED = 12; // findings: so few need no groups that are folded
const PAUSE = 250; // milliseconds after the last key until the other lists are searched
const PAINTED = 100; // milliseconds until the first rows are painted

class App {
  constructor() {
    this.unfolded = new Set(); // groups, by their value
    this.asked = 0; // questions so far: an answer to any but the last is not drawn
    this.grid = new Grid(byId("grid"), { onOpen: (row) => this.open(row), onSort: (name) => this.sort(name) });
    this.facets = new Facets(byId("facets"), (name, keys) => this.choose(name, keys));
    this.panel = new Panel(byId("panel"), { onStep: (by) => this.grid.step(by), onClose: () => this.close() });
    byId("filter").addEventListener("input", () => this.change({ text: byId("filter").value, open: null }));
    byId("clear").addEventListener("click", () => this.change({ text: "", chosen: {} }));
    byId("group").addEventListener("click", () => this.change({ flat: !this.state.flat }));
    byId("tabs").addEventListener("keydown", (event) => this.keyOnTabs(event));
    addEventListener("popstate", () => this.arrive());
    addEventListener("keydown", (event) => this.shortcut(event));
    new ResizeObserver(() => this.barResized()).observe(byId("bar"));
  }

  async start() {
    const opening = OPENINGS[document.body.dataset.view];
    const overview = (this.overview = await source.overview());
    Object.assign(STATES, overview.states);
    digits = overview.digits;
    acknowledgeWith = overview.acknowledge;
    for (const owner of overview.left) LEFT.add(owner);
    showOverview(overview, (view, chosen) => this.go(view, chosen));
    this.state = this.known(source.read()) ?? opening;
    const tabs = source.tabs({ ...VIEWS, ...source.pages }, this.state.view);
    byId("tabs").replaceChildren(...tabs.map(([view, { label, minor }]) => this.tab(view, label, minor)));
    await this.showList();
    byId("lists").hidden = this.state.view in source.pages;
    this.grid.resized();
    performance.mark("first-rows");
    setTimeout(() => this.prepare(), PAINTED); // Safari has no requestIdleCallback, and Chromium may never call back
    this.countElsewhere();
    await this.showPanel();
  }

  // The list's heading sticks below the bar.
  barResized() {
    document.documentElement.style.setProperty("--bar", `${byId("bar").offsetHeight}px`);
  }

  async prepare() {
    await source.prepare(this.list);
    document.body.dataset.ready = "";
  }

  // --- state

  known(state) {
    return Object.hasOwn(VIEWS, state.view) || Object.hasOwn(source.pages, state.view) ? state : null;
  }

  change(changes, { remember = false } = {}) {
    this.state = { ...this.state, ...changes };
    history[remember ? "pushState" : "replaceState"](null, "", source.write(this.state));
    this.countElsewhere();
    return this.showList();
  }

  async arrive() {
    this.state = this.known(source.read()) ?? OPENINGS[document.body.dataset.view];
    this.countElsewhere();
    await this.showList();
    await this.showPanel();
  }

  async go(view, chosen) {
    await this.change(blankState(view, chosen), { remember: true });
    this.panel.hide();
    byId("bar").scrollIntoView({ block: "start" });
    byId("grid").focus({ preventScroll: true });
  }

  choose(name, keys) {
    this.change({ chosen: { ...this.state.chosen, [name]: keys }, open: null });
  }

  // A column goes up, down, and back to the list's own order.
  sort(name) {
    const last = this.state.sort?.name === name ? this.state.sort : null;
    const sort = last?.descending ? null : { name, descending: last !== null };
    this.change({ sort }).then(() => this.grid.focusHeading(name));
  }

  // --- list

  async showList() {
    const asked = ++this.asked;
    this.markTab(this.state.view);
    if (await source.showPage(this.state)) return;
    const list = await source.list(this.state.view);
    const sort = list.view.columns.some((column) => column.name === this.state.sort?.name) ? this.state.sort : null;
    const found = await list.run({ ...this.state, sort });
    if (asked !== this.asked || !found) return;
    if (this.list !== list) this.setUp(list);
    this.found = found;
    this.grid.setHead(sort);
    this.draw(found);
    const counts = await found.counts;
    if (asked === this.asked && counts) this.facets.show(counts, this.state.chosen);
  }

  draw(found) {
    const { state } = this;
    const { rows, total } = found;
    this.showRows();
    byId("grid").classList.toggle("reasons", byId("grid").querySelector(".reason") !== null);
    if (byId("filter").value !== state.text) byId("filter").value = state.text;
    byId("clear").hidden = !state.text && !Object.values(state.chosen).some((keys) => keys.size);
    byId("shown").textContent = (rows.length < total ? `${count(rows.length)} of ` : "") + count(total);
    source.showExport(byId("export"), this.list, found, state);
    byId("empty").hidden = rows.length > 0;
    byId("grid").hidden = rows.length === 0;
    byId("nothing").textContent = total ? "Nothing here matches this filter." : this.list.view.empty(this.overview);
  }

  // The rows that were found, by themselves or below the group that each is in.
  showRows(active = 0) {
    const { unfolded, found } = this;
    const { table, rows, groups } = found;
    const { grouped } = this.list.view;
    byId("group").hidden = !grouped;
    byId("group").setAttribute("aria-pressed", String(!this.state.flat));
    byId("grid").classList.toggle("grouped", groups !== null);
    if (!groups) return this.grid.show(table, rows);
    const isOpen = ({ value }) => unfolded.has(value) || rows.length <= ALL_UNFOLDED || groups.length === 1;
    const lines = groups.flatMap((group, at) => (isOpen(group) ? [-1 - at, ...group.rows] : [-1 - at]));
    const drawn = (row) => grouped.cells(groups[-1 - row], isOpen(groups[-1 - row]));
    return this.grid.show(table, lines, drawn, active);
  }

  fold(row) {
    const { value, rows } = this.found.groups[-1 - row];
    if (!rows.length) return this.choose(this.list.view.grouped.by, new Set([facetKey(value)]));
    if (!this.unfolded.delete(value)) this.unfolded.add(value);
    this.showRows(this.grid.active);
  }

  // How many rows of each list have what was typed, beside its name: what leads nowhere here may stand elsewhere.
  async countElsewhere() {
    const { text } = this.state;
    clearTimeout(this.counting);
    if (text === this.counted) return;
    this.counting = setTimeout(async () => {
      this.counted = text;
      const found = {};
      for (const name of Object.keys(VIEWS)) {
        if (this.state.text !== text) return;
        if (text) found[name] = await (await source.list(name)).count(text);
        await new Promise((resume) => setTimeout(resume));
      }
      if (this.state.text === text) this.showFound(found);
    }, PAUSE);
  }

  showFound(found) {
    for (const tab of byId("tabs").children) {
      const number = found[tab.dataset.view];
      tab.querySelector(".hits").textContent = number === undefined ? "" : count(number);
    }
    const elsewhere = Object.entries(found).filter(([name, number]) => number && name !== this.state.view);
    const button = ([name, number]) =>
      h("button", { type: "button", onclick: () => this.show(name) }, `${VIEWS[name].label}: ${count(number)}`);
    byId("elsewhere").replaceChildren(...(elsewhere.length ? ["Elsewhere: ", ...elsewhere.map(button)] : []));
  }

  setUp(list) {
    const { name, view } = list;
    this.list = list;
    byId("grid").className = name;
    byId("filter").placeholder = view.filter;
    this.grid.setColumns(view.columns, view.label);
    this.facets.setFacets(view.facets);
    byId("lists").setAttribute("aria-labelledby", `tab-${name}`);
  }

  markTab(name) {
    const tabs = byId("tabs");
    if (![...tabs.children].some((tab) => tab.dataset.view === name)) tabs.append(this.tab(name, { ...VIEWS, ...source.pages }[name].label));
    for (const tab of tabs.children) {
      const selected = tab.dataset.view === name;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
  }

  tab(view, label, minor) {
    const attributes = { type: "button", role: "tab", class: minor ? "minor" : null, id: `tab-${view}`, "data-view": view, "aria-controls": view in VIEWS ? "lists" : "page" };
    return h("button", { ...attributes, onclick: () => this.show(view) }, label, h("span.hits"));
  }

  // What was typed is looked for in the other list, too.
  async show(view) {
    if (view === this.state.view) return;
    this.panel.hide();
    await this.change(blankState(view, {}, this.state.text), { remember: true });
  }

  keyOnTabs(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const tabs = [...byId("tabs").children];
    const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
    next.focus();
    next.click();
  }

  shortcut(event) {
    const typed = event.target.id === "filter" && ["ArrowDown", "Enter"].includes(event.key);
    if (!typed && (event.key !== "/" || event.target.matches("input"))) return;
    event.preventDefault();
    byId(typed ? "grid" : "filter").focus();
  }

  // --- panel

  open(row) {
    if (row < 0) return this.fold(row);
    const subject = this.list.view.opens(this.found.table, row);
    this.state = { ...this.state, open: subject };
    history.pushState(null, "", source.write(this.state));
    return this.showPanel();
  }

  async showPanel() {
    const wanted = this.state.open;
    const subject = wanted && (await subjectAt(wanted));
    if (this.state.open !== wanted) return;
    if (!subject) return this.panel.hide();
    this.follow(wanted);
    this.panel.show(subject);
  }

  // The row that the panel is about becomes the active one, if it is in the list.
  follow({ kind, id }) {
    if (byId("lists").hidden) return;
    const { view } = this.list;
    const { table } = this.found;
    const isIt = (row) => {
      if (row < 0 || !table.has(row)) return false;
      const subject = view.opens(table, row);
      return subject.kind === kind && subject.id === id;
    };
    const { rows, active } = this.grid;
    if (rows.length && !isIt(rows[active])) {
      const at = rows.findIndex(isIt);
      if (at >= 0) this.grid.activate(at);
    }
  }

  close() {
    this.panel.hide();
    this.state = { ...this.state, open: null };
    history.replaceState(null, "", source.write(this.state));
    byId("grid").focus({ preventScroll: true });
  }
}

let source = null; // see embedded.js
let app = null;

// The whole address: a mere fragment is what a link within the page's text would be.
function addressOf(kind, id) {
  return new URL(source.write({ ...app.state, open: { kind, id } }), location.href).href;
}

function openPage(from) {
  source = from;
  app = new App();
  app.start().catch((error) => {
    byId("headline").textContent = source.failed(error);
    throw error;
  });
}
