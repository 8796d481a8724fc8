// Small forms, and the time line of an identity. Each write is a request to the API; what it refuses stands at the field.

const DECISIONS = [
  ["", "Choose…"],
  ["keep", "Keep"],
  ["reduce", "Reduce its permissions"],
  ["revoke", "Revoke"],
  ["reassign", "Give to another owner"],
  ["not_mine", "Not mine"],
];
let formsMade = 0;

// fields: [{ name, label, type, options, value, hint, required }]. save(values) sends; `saved` is what is said then, or a function.
function formOf({ label, fields, save, saved }) {
  const id = `form-${++formsMade}`;
  const may = source.viewer.person !== null;
  const inputs = Object.fromEntries(fields.map((field) => [field.name, inputOf(id, field)]));
  const status = h("p.status", { role: "status" });
  const button = h("button.do", { type: "submit" }, label);
  const inside = h("fieldset", { disabled: !may, "aria-describedby": may ? null : `${id}-why` }, Object.values(inputs).map(({ element }) => element), button);
  const element = h("form", { "aria-label": label, onsubmit: submit }, inside, status, !may && h("p.quiet", { id: `${id}-why` }, NEEDS_PERSON));
  element.noValidate = true;
  async function submit(event) {
    event.preventDefault();
    for (const input of Object.values(inputs)) input.complain("");
    status.textContent = "";
    const missing = fields.find(({ name, required }) => required && inputs[name].value === null);
    if (missing) return inputs[missing.name].complain("This is needed.");
    inside.disabled = true;
    try {
      const answer = await save(Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value])));
      if (typeof saved === "function") saved(answer);
      else status.textContent = saved;
    } catch (error) {
      inside.disabled = false;
      const input = inputs[error.field];
      if (input) input.complain(error.message);
      else status.textContent = error.message;
    }
  }
  return element;
}

function inputOf(form, { name, label, type = "text", options, value = "", hint, required }) {
  const id = `${form}-${name}`;
  const complaint = h("p.complaint", { id: `${id}-complaint`, hidden: true });
  const attributes = { id, name, "aria-required": required ? "true" : null, "aria-describedby": hint ? `${id}-hint ${id}-complaint` : `${id}-complaint` };
  const control = options
    ? h("select", attributes, options.map(([key, text]) => h("option", { value: key }, text)))
    : h(type === "long" ? "textarea" : "input", { ...attributes, type: type === "long" ? null : type === "person" ? "text" : type, rows: type === "long" ? 2 : null });
  control.value = value;
  const list = type === "person" && personField(control, id);
  const shown = hint && h("p.quiet", { id: `${id}-hint` }, hint);
  return {
    element: h("div.field", null, h("label", { for: id }, label), control, list, shown, complaint),
    get value() {
      return control.value.trim() || null;
    },
    complain(text) {
      complaint.textContent = text;
      complaint.hidden = !text;
      control.setAttribute("aria-invalid", String(text !== ""));
      if (text) control.focus();
    },
  };
}

// --- parts of panels

function servedParts(kind, row, tables) {
  return kind === "identity" ? [section("Time line", erasOf(tables.extra.history))] : [];
}

// The periods without a change, the latest first.
function erasOf(history) {
  const items = [...history].reverse().map(({ since, states, differences, was_gone }) =>
    h(
      "li",
      null,
      h("b", null, since.slice(0, 10)),
      was_gone && [" ", tag("returned", "It was gone before")],
      states.length > 0 && [" first seen: ", outside(states.join(", "))],
      differences.map(({ aspect, before, after, reach_grew, caveat }) =>
        h("p.evidence", null, `${word(aspect)}: `, outside(before ?? "none"), " → ", outside(after ?? "none"), reach_grew && [" ", tag("reach grew")], caveat && [" ", outside(caveat)]),
      ),
    ),
  );
  return items.length > 0 && h("ol.eras", null, items);
}
