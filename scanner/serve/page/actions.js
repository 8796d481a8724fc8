// What can be done at an item, in place: acknowledge a finding, say whose an identity is, decide a review, take it back. Each
// form opens below its button; what was done stands there at once, with who and when.

const NEEDS_PERSON = "The token that signed you in names no person. Start muster serve with --as PERSON to make changes.";
const ASKS_FIRST = "You own this, and its severity is high: what you ask for waits for a reviewer, and the finding counts until then.";
const ADOPTS = "The keeper of the registry takes it over with";
const ADOPT = "muster registry adopt --proposals";
const LOOKED_UP_AFTER = 120; // milliseconds after the last key
const SHORTEST_LOOKED_UP = 2;

// Buttons, of which each opens its form below, or acts at once. choices: [{ label, form, act }].
function choose(label, choices) {
  const place = h("div.chosen");
  const buttons = choices.filter(isShown).map(({ label: text, form, act }) => {
    const button = h("button.do", { type: "button", "aria-expanded": form ? "false" : null, onclick }, text);
    async function onclick() {
      if (act) return act(button);
      const isOpen = button.getAttribute("aria-expanded") === "true";
      for (const other of buttons) if (other.hasAttribute("aria-expanded")) other.setAttribute("aria-expanded", "false");
      place.replaceChildren(...(isOpen ? [] : [form()]));
      button.setAttribute("aria-expanded", String(!isOpen));
      place.querySelector("input, textarea, select")?.focus();
    }
    button.disabled = source.viewer.person === null;
    if (button.disabled) button.title = NEEDS_PERSON;
    return button;
  });
  return buttons.length > 0 && h("div.actions", { role: "group", "aria-label": label }, buttons, place);
}

// What was done, and the button that takes it back.
function done(sentence, undo) {
  return h("p.done", null, sentence, undo && [" ", h("button.copy", { type: "button", onclick: (event) => acted(event.target, undo) }, "Take it back")]);
}

// Sends, shows the item and the lists anew, and says so; what is refused is said at the button.
async function acted(button, act) {
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    button.disabled = false;
    button.parentElement.append(h("p.complaint", { role: "alert" }, error.message));
    return;
  }
  await afterAct();
}

async function afterAct() {
  await Promise.all([app.state.open ? app.showPanel() : null, source.refresh()]);
  await app.showList();
}

const api = (method, path, body) => send(method, `/api/v1/${path}`, body);
const pathOfIdentity = (key, what) => `identities/${encodeURIComponent(key)}/${what}`;

// --- a finding

function findingActions({ fingerprint, acknowledged, asked }, { asks, approves, asked_at, at, back } = {}) {
  const path = `findings/${fingerprint}/acknowledge`;
  const when = at && ` on ${at.slice(0, 10)}`;
  const said = acknowledged ? `Acknowledged${when ?? ""}.` : asked && `Asked for${when ?? ""}. It waits for a reviewer.`;
  return [
    back && done(said, () => api("DELETE", path)),
    choose("What to do about this finding", [
      approves && { label: "Approve what was asked for", act: (button) => acted(button, () => api("POST", `findings/${fingerprint}/approve`, { asked_at })) },
      { label: asks ? "Ask to acknowledge" : "Acknowledge", form: () => acknowledgeForm(path, asks) },
    ]),
  ];
}

function acknowledgeForm(path, asks) {
  const day = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
  return h("div", null, asks && h("p.quiet", null, ASKS_FIRST), formOf({
    label: asks ? "Ask" : "Acknowledge it",
    fields: [
      { name: "reason", label: "Reason", type: "long", required: true },
      { name: "until", label: "Until", type: "date", value: day, hint: "A year ahead at most." },
    ],
    save: (body) => api("POST", path, body),
    saved: afterAct,
  }));
}

// --- whose an identity is

function ownerActions(extra, owner) {
  const { key, is_mine, why, suggested, proposals, denials, same_entry, back } = extra;
  const standing = [...proposals, ...denials].filter(({ withdrawn_at }) => !withdrawn_at).sort((one, other) => one.at.localeCompare(other.at));
  const mine = standing.filter(({ by }) => by === source.viewer.person).at(-1);
  const several = same_entry.length > 0;
  const claim = { owner: source.viewer.person };
  const propose = (body) => api("POST", pathOfIdentity(key, "owner"), body);
  return section(
    "Whose is it?",
    is_mine ? h("p", null, why) : suggested && h("p", null, `You are suggested (${Math.round(suggested.score * 100)} %): is it yours? `, prose(suggested.evidence)),
    !is_mine && !suggested && h("p", null, owner ? ["Its owner is ", personNamed(owner)].flat() : "Nobody is known to own it."),
    standing.map((one) => saidOf(one, one === mine && back && (() => api("DELETE", pathOfIdentity(key, "owner"))))),
    choose("Whose it is", [
      !is_mine && source.viewer.person && (several
        ? { label: "It is mine", form: () => ownerForm(extra, { label: "It is mine", claim, propose }) }
        : { label: "It is mine", act: (button) => acted(button, () => propose(claim)) }),
      (is_mine || suggested) && { label: "It is not mine", act: (button) => acted(button, () => api("POST", pathOfIdentity(key, "not_mine"), {})) },
      { label: "It belongs to…", form: () => ownerForm(extra, { label: "Propose", propose }) },
    ]),
  );
}

function saidOf({ owner, by, at, reason, identities }, undo) {
  const when = ` on ${at.slice(0, 10)}`;
  const why = reason ? [": ", outside(reason)] : [];
  if (!owner) return done([personNamed(by), ` said${when} that it is not theirs`, why, "."].flat(2), undo);
  const meant = identities.length > 1 ? ` for all ${count(identities.length)} of its entry` : "";
  return [
    done([personNamed(owner), ` was proposed${meant} by `, personNamed(by), when, why, "."].flat(2), undo),
    h("p.quiet", null, `${ADOPTS} `, h("code", null, ADOPT), "."),
  ];
}

// claim: the owner, if it is known already; else it is looked up.
function ownerForm({ entry, same_entry }, { label, claim, propose }) {
  const name = (one) => h("li", null, outside(one.name));
  const named = same_entry.length > 0 && [h("p", null, `Entry ${entry} also stands for:`), manyOf("ul", same_entry, name)];
  const options = [
    ["", "this one: it gets an entry of its own"],
    ["all", `all ${count(same_entry.length + 1)} of entry ${entry}`],
  ];
  return h("div", null, named, formOf({
    label,
    fields: [
      ...(claim ? [] : [{ name: "owner", label: "Owner", type: "person", required: true, hint: "A person or group: type the beginning of a name." }]),
      ...(same_entry.length ? [{ name: "all", label: "For", options }] : []),
      { name: "reason", label: "Reason (optional)" },
    ],
    save: ({ all, ...body }) => propose({ ...claim, ...body, for_all: all === "all" }),
    saved: afterAct,
  }));
}

// A field that looks up people while one types: a list of options below it, by the keyboard as well.
function personField(control, id) {
  const list = h("ul.people", { role: "listbox", id: `${id}-people`, "aria-label": "People", hidden: true });
  let asked = 0;
  let timer = null;
  for (const [name, value] of Object.entries({ role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    control.setAttribute(name, value);
  }
  const show = (people) => {
    list.replaceChildren(...people.map(({ email, name }, at) => {
      const item = h("li", { role: "option", id: `${id}-person-${at}`, "aria-selected": "false", "data-email": email }, outside(name ?? email), " ", h("span.quiet", null, outside(email)));
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(item); });
      return item;
    }));
    list.hidden = !people.length;
    control.setAttribute("aria-expanded", String(!list.hidden));
    control.removeAttribute("aria-activedescendant");
  };
  const take = (item) => {
    asked++;
    control.value = item.dataset.email;
    show([]);
  };
  const look = async () => {
    const question = ++asked;
    const text = control.value.trim();
    if (text.length < SHORTEST_LOOKED_UP) return show([]);
    const { items } = await getApi(`people?${new URLSearchParams({ q: text })}`).catch(() => ({ items: [] }));
    const isWhole = items.some(({ email }) => email === text);
    if (question === asked && document.activeElement === control) show(isWhole ? [] : items);
  };
  control.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, LOOKED_UP_AFTER); });
  control.addEventListener("blur", () => show([]));
  control.addEventListener("keydown", (event) => {
    const items = [...list.children];
    if (!items.length) return;
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const to = { ArrowDown: Math.min(at + 1, items.length - 1), ArrowUp: Math.max(at - 1, 0) }[event.key];
    if (to !== undefined) {
      items.forEach((item, place) => item.setAttribute("aria-selected", String(place === to)));
      control.setAttribute("aria-activedescendant", items[to].id);
    } else if (event.key === "Enter" && at >= 0) take(items[at]);
    else if (event.key === "Escape") { show([]); event.stopPropagation(); }
    else return;
    event.preventDefault();
  });
  return list;
}

// --- a review

function reviewActions({ items }) {
  return items.map(({ review, due, item }) =>
    section(`Review ${review}`, h("p.quiet", null, `To decide until ${due}.`), itemToDecide(item, (body) => api("POST", `reviews/${encodeURIComponent(review)}/items/${encodeURIComponent(item.id)}/decide`, { ...body, facts_hash: item.facts_hash }))),
  );
}
