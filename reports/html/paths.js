// The way from an identity to full administrative rights: every step of it, drawn as a chain that reads as a list.

// The shortest way over which identity can become which, or by a method of its own at the end; null where no way is known.
// Each step: { row, why }, where `why` says how the step before becomes it; a step without a row is what it ends in.
function escalationPath(row, { identities, links, privilege }) {
  if (identities.at("privilege", row) !== "escalation") return null;
  const level = (target) => (typeof target === "number" ? identities.at("privilege", target) : null);
  const onward = (from) => links.where("identity", from).filter(({ relation }) => relation === "can_assume");
  const came = new Map([[row, null]]);
  let end = null;
  for (const from of came.keys()) {
    // Admins first: an identity that can make itself one is the end of a way only where no admin can be reached.
    if (level(from) === "admin") {
      end = from;
      break;
    }
    for (const { target, evidence } of onward(from)) if (!came.has(target)) came.set(target, { from, why: evidence });
  }
  const isAble = (at) => level(at) === "escalation" && ownMethods(at, identities, privilege).length > 0;
  end ??= [...came.keys()].find(isAble) ?? null;
  if (end === null) return null;
  const steps = level(end) === "admin" ? [] : [{ row: null, why: ownMethods(end, identities, privilege)[0] }];
  for (let at = end; at !== undefined; at = came.get(at)?.from) steps.unshift({ row: at, why: came.get(at)?.why ?? null });
  return steps;
}

// How it could raise its own rights, of all that is said of its privilege: the rest are steps to others.
function ownMethods(row, identities, privilege) {
  const texts = privilege.where("identity", row).map(({ text }) => text);
  return texts.filter((text) => !/ can become | more steps lead to /.test(text));
}

function pathOf(row, tables) {
  const steps = escalationPath(row, tables);
  if (!steps) return false;
  const { identities } = tables;
  const items = steps.map(({ row: at, why }, place) => {
    if (at === null) return h("li.goal", null, whyOf(why), h("div.node", null, h("b", null, "full administrative rights")));
    const key = keyOf(identities, at);
    const name = identities.at("display_name", at) ?? identities.at("name", at) ?? key;
    const who = place === 0 ? h("b", null, outside(name)) : link("identity", key, name);
    const where = h("span.quiet", null, [identities.at("kind", at), identities.at("scope", at)].filter(Boolean).map(word).join(" in "));
    const admin = identities.at("privilege", at) === "admin";
    return h(`li${admin ? ".goal" : ""}`, null, whyOf(why), h("div.node", null, who, " ", where, " ", admin && mark("privilege", "admin")));
  });
  const many = steps.length - 1;
  return [
    h("p.quiet", null, `${many === 1 ? "One step leads" : `${count(many)} steps lead`} to full administrative rights:`),
    h("ol.path", null, items),
  ];
}

function whyOf(why) {
  return why && h("p.why", null, prose(why));
}
