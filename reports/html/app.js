// The page's life: opens the blocks, keeps the state in the address, and shows the list, its facets and the panel.

const ALL_UNFOLDED = 12; // findings: so few need no groups that are folded
const PAUSE = 250; // milliseconds after the last key until the other lists are searched

class App {
  constructor() {
    this.lists = {};
    this.grid = new Grid(byId("grid"), { onOpen: (row) => this.open(row), onSort: (name) => this.sort(name) });
    this.facets = new Facets(byId("facets"), (name, keys) => this.choose(name, keys));
    this.panel = new Panel(byId("panel"), { onStep: (by) => this.grid.step(by), onClose: () => this.close() });
    byId("filter").addEventListener("input", () => this.change({ text: byId("filter").value, open: null }));
    byId("clear").addEventListener("click", () => this.change({ text: "", chosen: {} }));
    byId("group").addEventListener("click", () => this.change({ flat: !this.state.flat }));
    byId("export").addEventListener("click", () => this.export());
    byId("tabs").addEventListener("keydown", (event) => this.keyOnTabs(event));
    addEventListener("popstate", () => this.arrive());
    addEventListener("keydown", (event) => this.shortcut(event));
    new ResizeObserver(() => this.barResized()).observe(byId("bar"));
  }

  async start() {
    const opening = OPENINGS[document.body.dataset.view];
    const overview = await openBlock("overview", (content) => content);
    const { coverage, identities, changes } = await openTables("coverage", "identities", "changes");
    this.overview = overview;
    Object.assign(STATES, overview.states);
    digits = overview.digits;
    acknowledgeWith = overview.acknowledge;
    for (const owner of ownersWhoLeft(identities)) LEFT.add(owner);
    byId("tabs").replaceChildren(...Object.entries(VIEWS).map(([view, { label }]) => this.tab(view, label)));
    showOverview({ overview, coverage, identities, changes }, (view, chosen) => this.go(view, chosen));
    this.state = this.known(readAddress(location.hash)) ?? opening;
    await this.showList();
    byId("lists").hidden = false;
    this.grid.resized();
    performance.mark("first-rows");
    requestIdleCallback(() => this.prepare());
    this.countElsewhere();
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
    this.countElsewhere();
    return this.showList();
  }

  async arrive() {
    this.state = this.known(readAddress(location.hash)) ?? OPENINGS[document.body.dataset.view];
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
    this.list = this.lists[this.state.view] ?? (await this.openList(this.state.view));
    if (this.state.text && !this.list.query.terms) await this.termsOf(this.list);
    this.draw();
  }

  async openList(name) {
    const view = VIEWS[name];
    const table = view.build(await openTables(...view.blocks));
    const orders = Object.fromEntries(view.columns.map((column) => [column.name, orderOf(column.axis)]));
    const query = new Query(table, view.facets.map((facet) => facet.name), orders);
    return (this.lists[name] = { name, view, table, query, unfolded: new Set() });
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
    this.found = rows;
    this.grid.setHead(sort);
    this.showRows();
    byId("grid").classList.toggle("reasons", byId("grid").querySelector(".reason") !== null);
    this.facets.show(counts, state.chosen);
    if (byId("filter").value !== state.text) byId("filter").value = state.text;
    byId("clear").hidden = !state.text && !Object.values(state.chosen).some((keys) => keys.size);
    byId("shown").textContent = (rows.length < table.length ? `${count(rows.length)} of ` : "") + count(table.length);
    byId("export").disabled = rows.length === 0;
    byId("empty").hidden = rows.length > 0;
    byId("grid").hidden = rows.length === 0;
    byId("nothing").textContent = table.length ? "Nothing here matches this filter." : view.empty(this.overview);
  }

  // The rows that were found, by themselves or below the group that each is in.
  showRows(active = 0) {
    const { view, table, unfolded } = this.list;
    byId("group").hidden = !view.grouped;
    byId("group").setAttribute("aria-pressed", String(!this.state.flat));
    byId("grid").classList.toggle("grouped", Boolean(view.grouped) && !this.state.flat);
    if (!view.grouped || this.state.flat) return this.grid.show(this.found);
    this.groups = groupedRows(table, this.found, view.grouped.by);
    const isOpen = ({ value }) => unfolded.has(value) || this.found.length <= ALL_UNFOLDED || this.groups.length === 1;
    const rows = this.groups.flatMap((group, at) => (isOpen(group) ? [-1 - at, ...group.rows] : [-1 - at]));
    const drawn = (row) => {
      const group = this.groups[-1 - row];
      return view.grouped.cells(group, table, isOpen(group));
    };
    return this.grid.show(rows, drawn, active);
  }

  fold(row) {
    const { unfolded } = this.list;
    const { value } = this.groups[-1 - row];
    if (!unfolded.delete(value)) unfolded.add(value);
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
        if (text) found[name] = await this.hitsIn(name, text);
        await new Promise((resume) => setTimeout(resume));
      }
      if (this.state.text === text) this.showFound(found);
    }, PAUSE);
  }

  async hitsIn(name, text) {
    const list = this.lists[name] ?? (await this.openList(name));
    await this.termsOf(list);
    return list.query.search(text)?.reduce((sum, hit) => sum + hit, 0) ?? 0;
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

  export() {
    const { name, view, table } = this.list;
    saveText(`muster-${name}.csv`, csvOf(view, table, this.found));
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
      if (row < 0) return false;
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
