// Building the page. Texts become text nodes and never markup; nothing here takes HTML.

const SVG = "http://www.w3.org/2000/svg";

// An element: h("p.note", { title: "…", onclick: f }, "text", node, null). False, null and undefined are left out.
function h(selector, attributes, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (isShown(value)) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter(isShown));
  return element;
}

// The same for a drawing.
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (isShown(value)) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter(isShown));
  return element;
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

function byId(id) {
  return document.getElementById(id);
}

// A coloured mark with its word beside it: colour is never alone.
function mark(axis, value) {
  if (value === null) return h("span.quiet", null, absent(axis));
  return h(`span.mark.tone-${tone(axis, value)}`, { title: meaning(axis, value) }, word(value));
}

// A person by name, marked when they have left.
function personNamed(name) {
  if (!LEFT.has(name)) return outside(name, "span");
  return [h("span.left", { title: `${name} has left` }, outside(name)), h("span.tag.gone", null, "left")];
}

// A text in which words of more letters than `longest` (ids, paths) may break where their parts meet; others stay whole.
function breakable(text, longest = 40) {
  const parts = text.split(/(?<=\s)/).flatMap((word) =>
    word.length > longest ? word.split(/(?<=[/:@._=,|-])(?=[^/:@._=,|-])/).flatMap((part, at) => (at ? [null, part] : [part])) : [word],
  );
  return parts.length > 2_000 ? [text] : parts.map((part) => part ?? document.createElement("wbr"));
}

// A text from outside, kept apart from the reading direction of what is around it.
function outside(value, selector = "bdi") {
  return h(selector, { title: value.length > 10 ? value : null }, value);
}
