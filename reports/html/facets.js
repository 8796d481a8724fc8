// The menus that narrow a list: for each facet its values, how many rows each would leave, and which are chosen.

const VALUES_LISTED = 100;
const FACETS_SHOWN = 6;

class Facets {
  constructor(bar, onChange) {
    this.bar = bar;
    this.onChange = onChange;
    addEventListener("click", (event) => this.closeAllBut(event.target.closest?.("details.facet")));
    bar.addEventListener("keydown", (event) => this.key(event));
  }

  // facets: [{ name, label, axis, none }], `none` being what an absent value is called
  setFacets(facets) {
    this.menus = facets.map((facet) => new FacetMenu(facet, this.onChange));
    this.more = h("button.morefacets", { type: "button", onclick: () => this.unfold(!this.unfolded) });
    for (const { element } of [...this.menus, { element: this.more }]) element.hidden = true; // until there are counts
    this.bar.replaceChildren(...this.menus.map((menu) => menu.element), this.more);
    this.unfolded = false;
  }

  unfold(unfolded) {
    this.unfolded = unfolded;
    this.place();
  }

  // The first few stand in the bar, the others behind a button; those that narrow the list now always stand there.
  place() {
    const useful = this.menus.filter((menu) => menu.useful);
    const shown = new Set([...useful.filter((menu) => menu.narrows), ...useful].slice(0, FACETS_SHOWN));
    const left = useful.filter((menu) => !shown.has(menu) && !menu.narrows);
    for (const menu of this.menus) menu.element.hidden = !menu.useful || (left.includes(menu) && !this.unfolded);
    this.more.hidden = left.length === 0;
    this.more.textContent = this.unfolded ? "Fewer filters" : `${count(left.length)} more`;
    this.more.setAttribute("aria-expanded", String(this.unfolded));
    this.more.setAttribute("aria-label", this.unfolded ? "Fewer filters" : `${count(left.length)} more filters`);
  }

  // counts: { facet: [{ value, count }] }, chosen: { facet: Set of facetKey }
  show(counts, chosen) {
    for (const menu of this.menus) menu.show(counts[menu.facet.name], chosen[menu.facet.name] ?? new Set());
    this.place();
  }

  closeAllBut(open) {
    for (const menu of this.menus ?? []) if (menu.element !== open) menu.element.open = false;
  }

  key(event) {
    const open = event.target.closest("details[open]");
    if (event.key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
    event.stopPropagation();
  }
}

class FacetMenu {
  constructor(facet, onChange) {
    this.facet = facet;
    this.onChange = onChange;
    this.summary = h("summary");
    this.list = h("ul", { "aria-label": facet.label });
    this.element = h("details.facet", { ontoggle: () => this.element.open && this.fill() }, this.summary, this.list);
  }

  show(counts, chosen) {
    this.counts = counts;
    this.chosen = chosen;
    const names = counts.filter(({ value }) => chosen.has(facetKey(value))).map(({ value }) => this.called(value));
    const shown = names.length > 2 ? [`${names.length} chosen`] : names;
    this.summary.replaceChildren(this.facet.label, ...(shown.length ? [outside(shown.join(", "), "b")] : []));
    this.element.classList.toggle("chosen", names.length > 0);
    this.narrows = names.length > 0;
    this.useful = counts.length > 1 || this.narrows;
    if (this.element.open) this.fill();
  }

  fill() {
    const focused = document.activeElement?.dataset?.value;
    const listed = this.ordered().slice(0, VALUES_LISTED);
    const left = this.counts.length - listed.length;
    this.list.replaceChildren(
      ...listed.map((value) => this.item(value)),
      ...(left > 0 ? [h("li.quiet", null, `and ${count(left)} more: type one in the filter`)] : []),
    );
    if (focused !== undefined) this.list.querySelector(`[data-value="${CSS.escape(focused)}"]`)?.focus();
  }

  // States by gravity, other values by how often they stand; chosen ones are never left out.
  ordered() {
    const known = orderOf(this.facet.axis);
    const place = known ? ({ value }) => (value === null ? known.length : known.indexOf(value)) : ({ count }) => -count;
    const away = (item) => (known ? 0 : this.chosen.has(facetKey(item.value)) ? 0 : 1);
    return [...this.counts].sort((a, b) => away(a) - away(b) || place(a) - place(b));
  }

  item({ value, count: rows }) {
    const key = facetKey(value);
    const box = h("input", { type: "checkbox", "data-value": key, onchange: () => this.choose(key, box.checked) });
    box.checked = this.chosen.has(key);
    const name = this.facet.axis && value !== null ? mark(this.facet.axis, value) : outside(this.called(value), "span");
    return h("li", null, h(rows ? "label" : "label.empty", null, box, name, h("span.number", null, count(rows))));
  }

  called(value) {
    if (value === null) return this.facet.none ?? literal(value);
    return this.facet.axis ? word(value) : literal(value);
  }

  choose(key, on) {
    const chosen = new Set(this.chosen);
    if (on) chosen.add(key);
    else chosen.delete(key);
    this.onChange(this.facet.name, chosen);
  }
}
