// The log of decisions: who decided what, when and why, for viewers, and reviewers about what is theirs.

const DECISIONS_AT_ONCE = 50; // as many as a small table shows unfolded
const DECISION_LINKS = { identity: "identity", finding: "finding", entry: "entry" };

async function decisionsPage(fields) {
  const asked = Object.fromEntries(["by", "identity", "since"].map((name) => [name, fields.get(name) ?? ""]));
  const given = Object.entries(asked).filter(([, text]) => text);
  const form = h("form.asking", { "aria-label": "Filter decisions", onsubmit: ask }, [
    inputOf("decisions", { name: "by", label: "By", value: asked.by, hint: "The person's e-mail." }),
    inputOf("decisions", { name: "identity", label: "About", value: asked.identity, hint: "An identity's key." }),
    inputOf("decisions", { name: "since", label: "Since", type: "date", value: asked.since }),
  ].map(({ element }) => element), h("button.do", { type: "submit" }, "Filter"));
  function ask(event) {
    event.preventDefault();
    const chosen = [...new FormData(form)].filter(([, text]) => text);
    visit(chosen.length ? `/decisions?${readableQuery(new URLSearchParams(chosen))}` : "/decisions");
  }
  const head = [h("h2", null, "Decisions"), form];
  let page;
  try {
    page = await getApi(`decisions?${new URLSearchParams([...given, ["limit", DECISIONS_AT_ONCE]])}`);
  } catch (error) {
    if (error.status === 403) throw error;
    return [...head, h("p", { role: "alert" }, error.message)];
  }
  const file = h("a", { href: `/export/decisions.csv${given.length ? `?${new URLSearchParams(given)}` : ""}` }, "All of these as CSV");
  return [...head, decisionsTable(page, given), h("p", null, file), logHead(page)];
}

// The records, and a button that adds the next ones below.
function decisionsTable({ items, next }, given) {
  if (!items.length) return h("p", { role: "status" }, given.length ? "No decision fits." : "Nobody has decided anything yet.");
  const place = h("div", null, decisionRows(items));
  const more = h("button.do", { type: "button", hidden: next === null, onclick: older }, "Show older ones");
  let before = next;
  async function older() {
    more.disabled = true;
    const page = await getApi(`decisions?${new URLSearchParams([...given, ["limit", DECISIONS_AT_ONCE], ["before", before]])}`);
    before = page.next;
    const rows = decisionRows(page.items);
    place.append(rows);
    more.hidden = before === null;
    more.disabled = false;
    rows.focus();
  }
  return [place, more];
}

function decisionRows(items) {
  const rows = items.map(({ n, at, what, by, os_user: user, known_by: known, about, before, after, reason }) => [
    count(n),
    at.slice(0, 16).replace("T", " "),
    word(what),
    [outside(by ?? user ?? "the configuration"), " ", h("span.quiet", null, `(${word(known)})`)],
    decisionAbout(about),
    before ?? "",
    after ?? "",
    reason ?? "",
  ]);
  return smallTable(["No.", "At (UTC)", "Decision", "By", "About", "Before", "After", "Reason"], rows);
}

function decisionAbout(about) {
  const parts = Object.entries(about).map(([name, key]) => [
    h("span.quiet", null, `${word(name)} `),
    DECISION_LINKS[name] ? link(DECISION_LINKS[name], key, key) : outside(key),
  ]);
  return parts.flatMap((part, place) => (place ? [", ", ...part] : part));
}

// What an auditor keeps elsewhere, and compares the log with later.
function logHead({ count: length, head }) {
  if (!length) return false;
  return h("p.quiet.wrapped", null, `The whole log has ${count(length)} ${length === 1 ? "record" : "records"}; its head is `, h("code", null, `${length}:${head}`), ". `muster store check --head` verifies that it only grew since.");
}
