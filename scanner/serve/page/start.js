// Where a person begins: what needs them, worst first, each with what can be done about it; what they are suggested for.
// For people who see everything it is a tab; for all others it stands above their own list.

const FACTS_NEEDED = ["open", "worsened"];

// overview.needs as the API's /needs gives it.
function startOf(needs) {
  const { identities, suggested, suggestions, states, waiting } = needs;
  const left = waiting - needs.needs.length;
  const begun = ["asked", "in_review", "proposed", "acknowledged"].filter((state) => states[state]);
  return [
    h("h2", null, "What needs you"),
    needs.needs.length ? h("ol.needs", null, needs.needs.map(needItem)) : h("p", null, "Nothing waits for you."),
    left > 0 && h("p", null, listLink("findings", { state: FACTS_NEEDED }, `and ${count(left)} more`)),
    begun.length > 0 && h("p.quiet", null, "Begun: ", begun.map((state, at) => [at > 0 && ", ", listLink("findings", { state: [state] }, `${count(states[state])} ${word(state)}`)])),
    suggestions > 0 && [h("h2", null, "Is this yours?"), h("ul.needs", null, suggested.map(suggestedItem))],
    suggestions > suggested.length && h("p.quiet", null, `and ${count(suggestions - suggested.length)} more, once you have answered these`),
    h("h2", { id: "yours" }, identities ? `Yours: ${count(identities)} ${identities === 1 ? "identity" : "identities"}` : "Nothing is known to be yours."),
  ];
}

function needItem(need) {
  const { kind, key, name, place, severity, why, findings, more, due } = need;
  if (kind === "asked") return h("li.need", null, h("h3", null, h("a", { href: "/reviews" }, `${count(more)} ${more === 1 ? "acknowledgement" : "acknowledgements"} to approve`)), h("p.quiet", null, why));
  if (kind === "review") {
    const address = `/reviews?review=${encodeURIComponent(key)}`;
    return h("li.need", null, h("h3", null, h("a", { href: address }, "Review ", outside(name))), h("p", null, `${count(more)} to decide until ${due}. ${why}`));
  }
  const line = (finding) => h("li.waits", null,
    h("p", null, mark("severity", finding.severity), " ", link("finding", finding.fingerprint, finding.title), finding.state === "worsened" && [" ", mark("finding", "worsened")]),
    h("p.remedy", null, outside(finding.next_step)),
    findingActions({ fingerprint: finding.fingerprint }, { asks: finding.asks }),
  );
  return h(
    "li.need", null,
    h("h3", null, mark("severity", severity), " ", link(kind, key, name), place && h("span.quiet", null, " ", outside(place))),
    h("p.quiet", null, outside(why)),
    h("ul.waiting", null, findings.map(line)),
    more > 0 && h("p.quiet", null, link(kind, key, `and ${count(more)} more findings of it`)),
  );
}

function suggestedItem(suggestion) {
  const { key, name, kind, provider, scope } = suggestion;
  return h("li.need", null, h("h3", null, link("identity", key, name), h("span.quiet", null, ` ${word(kind)} in `, outside(`${provider} ${scope}`))), suggestionParts(suggestion, { key, suggested: suggestion, is_mine: false, proposals: [], denials: [], same_entry: [] }));
}

// What a person who is only suggested sees of an identity, and what they can say.
function suggestionParts({ created_at, last_used_at }, extra) {
  return [
    h("p.quiet", null, [created_at && `Created ${created_at.slice(0, 10)}`, last_used_at && `last used ${last_used_at.slice(0, 10)}`].filter(Boolean).join(", ")),
    ownerActions(extra, null),
  ];
}

// The panel of an identity of which one sees no more than that one is suggested.
function suggestedPanel({ suggestion, extra }) {
  const { key, name, kind, provider, scope } = suggestion;
  return {
    title: name,
    parts: [
      h("p.key", null, h("code", null, breakable(key))),
      h("p.quiet", null, `${word(kind)} in `, outside(`${provider} ${scope}`)),
      suggestionParts(suggestion, extra),
      h("p.quiet", null, "You see no more of it while it is not yours."),
    ],
  };
}
