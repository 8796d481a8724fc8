// The page's life: opens the blocks, keeps the state in the address, and shows the list, its facets and the panel.

class App {
  constructor() {
    this.lists = {};
    this.grid = new Grid(byId("grid"), { onOpen: (row) => this.open(row), onSort: (name) => this.sort(name) });
    this.facets = new Facets(byId("facets"), (name, keys) => this.choose(name, keys));
    this.panel = new Panel(byId("panel"), { onStep: (by) => this.grid.step(by), onClose: () => this.close() });
    byId("filter").addEventListener("input", () => this.change({ text: byId("filter").value, open: null }));
    byId("clear").addEventListener("click", () => this.change({ text: "", chosen: {} }));
    byId("tabs").addEventListener("keydown", (event) => this.keyOnTabs(event));
    addEventListener("popstate", () => this.arrive());
    addEventListener("keydown", (event) => this.shortcut(event));
    new ResizeObserver(() => this.barResized()).observe(byId("bar"));
  }

  async start() {
    const opening = OPENINGS[document.body.dataset.view];
    const overview = await openBlock("overview", (content) => content);
    const { coverage, identities } = await openTables("coverage", "identities");
    this.overview = overview;
    Object.assign(STATES, overview.states);
    byId("tabs").replaceChildren(...Object.entries(VIEWS).map(([view, { label }]) => this.tab(view, label)));
    showOverview({ overview, coverage, identities }, (view, chosen) => this.go(view, chosen));
    this.state = this.known(readAddress(location.hash)) ?? opening;
    await this.showList();
    byId("lists").hidden = false;
    this.grid.resized();
    performance.mark("first-rows");
    requestIdleCallback(() => this.prepare());
    await this.showPanel();
  }

  // The list's heading sticks below the bar.
  barResized() {
    document.documentElement.style.setProperty("--bar", `${byId("bar").offsetHeight}px`);
  }

  // What the first keystroke and the first opened row will need.
  async prepare() {
    await this.termsOf(this.list);
    await openTables(...PANEL_BLOCKS);
    document.body.dataset.ready = "";
  }

  // --- state

  known(state) {
    return Object.hasOwn(VIEWS, state.view) ? state : null;
  }

  change(changes, { remember = false } = {}) {
    this.state = { ...this.state, ...changes };
    history[remember ? "pushState" : "replaceState"](null, "", writeAddress(this.state));
    return this.showList();
  }

  async arrive() {
    this.state = this.known(readAddress(location.hash)) ?? OPENINGS[document.body.dataset.view];
    await this.showList();
    await this.showPanel();
  }

  async go(view, chosen) {
    await this.change(blankState(view, chosen), { remember: true });
    this.panel.hide();
    byId("lists").scrollIntoView({ block: "start" });
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
    this.list = this.lists[this.state.view] ?? (await this.openList(this.state.view));
    if (this.state.text && !this.list.query.terms) await this.termsOf(this.list);
    this.draw();
  }

  async openList(name) {
    const view = VIEWS[name];
    const table = view.build(await openTables(...view.blocks));
    const orders = Object.fromEntries(view.columns.map((column) => [column.name, orderOf(column.axis)]));
    const query = new Query(table, view.facets.map((facet) => facet.name), orders);
    return (this.lists[name] = { name, view, table, query });
  }

  async termsOf({ view, table, query }) {
    query.terms ??= await view.terms(table);
  }

  draw() {
    const { state, list } = this;
    const { view, table, query } = list;
    if (this.drawn !== list) this.setUp(list);
    const sort = view.columns.some((column) => column.name === state.sort?.name) ? state.sort : null;
    const { rows, counts } = query.run({ ...state, sort: sort ?? view.first });
    this.grid.setHead(sort);
    this.grid.show(rows);
    this.facets.show(counts, state.chosen);
    if (byId("filter").value !== state.text) byId("filter").value = state.text;
    byId("clear").hidden = !state.text && !Object.values(state.chosen).some((keys) => keys.size);
    byId("shown").textContent = (rows.length < table.length ? `${count(rows.length)} of ` : "") + count(table.length);
    byId("empty").hidden = rows.length > 0;
    byId("grid").hidden = rows.length === 0;
    byId("empty").textContent = table.length ? "Nothing matches this filter." : view.empty(this.overview);
  }

  setUp(list) {
    const { name, view, table } = list;
    this.drawn = list;
    byId("grid").className = name;
    byId("filter").placeholder = view.filter;
    this.grid.setColumns(view.columns, table, view.label);
    this.facets.setFacets(view.facets);
    for (const tab of byId("tabs").children) {
      const selected = tab.dataset.view === name;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
    byId("lists").setAttribute("aria-labelledby", `tab-${name}`);
  }

  tab(view, label) {
    const attributes = { type: "button", role: "tab", id: `tab-${view}`, "data-view": view, "aria-controls": "lists" };
    return h("button", { ...attributes, onclick: () => this.show(view) }, label);
  }

  async show(view) {
    if (view === this.state.view) return;
    this.panel.hide();
    await this.change(blankState(view), { remember: true });
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
    const subject = this.list.view.opens(this.list.table, row);
    this.state = { ...this.state, open: subject };
    history.pushState(null, "", writeAddress(this.state));
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
    const { view, table } = this.list;
    const isIt = (row) => {
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
    history.replaceState(null, "", writeAddress(this.state));
    byId("grid").focus({ preventScroll: true });
  }
}

const app = new App();

// The whole address: a mere fragment is what a link within the page's text would be.
function addressOf(kind, id) {
  return new URL(writeAddress({ ...app.state, open: { kind, id } }), location.href).href;
}

app.start().catch((error) => {
  byId("headline").textContent = "This report could not be opened: it needs a browser of 2023 or newer.";
  throw error;
});
