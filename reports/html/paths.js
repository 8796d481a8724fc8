// The attack path of an identity, step by step: as a list with the evidence, and in a drawing of all around it.

const BECOMES = ["can_assume", "acts_as", "runs_as"];
const STEPS_OPENED = 50; // in each direction

// The shortest path to the admin that an identity can become, or to the identity by which it makes itself one, as the scan found
// it; null where there is none. Of one that is only high, it leads through steps under a condition. Each step: { row, why,
// conditional }, where `why` says how the step before becomes it; a step without a row is what it ends in.
function escalationPath(row, tables) {
  const { identities, privilege, verdicts } = tables;
  const own = identities.at("privilege", row);
  const goal = verdicts.at("goal", row);
  if (own !== "escalation" && !(own === "high" && goal !== null)) return null;
  const came = new Map([[row, null]]);
  const isEnd = (at) => typeof at === "number" && (goal === null ? identities.at("privilege", at) === "admin" : keyOf(identities, at) === goal);
  let end = null;
  for (const from of came.keys()) {
    if (isEnd(from)) {
      end = from;
      break;
    }
    for (const { to, relation, evidence, conditional } of stepsFrom(from, tables)) {
      if ((own === "high" || !conditional) && !came.has(to)) came.set(to, { from, relation, why: evidence, conditional });
    }
  }
  end ??= row;
  const isAdmin = identities.at("privilege", end) === "admin";
  const steps = isAdmin ? [] : [{ row: null, why: methodOf(row, identities, privilege) ?? methodOf(end, identities, privilege) }];
  for (let at = end; at !== undefined; at = came.get(at)?.from) steps.unshift({ why: null, ...came.get(at), row: at });
  return steps;
}

// Each step from an identity, or with `back` to it: { from, to, relation, evidence, conditional }, certain ones first. An end is
// a row, or the key of what is not in the page.
function stepsFrom(row, { links, conditional }, back = false) {
  const column = back ? "target" : "identity";
  const step = (isConditional) => ({ identity, target, relation, evidence }) =>
    ({ from: identity, to: target, relation, evidence: evidence ?? "", conditional: isConditional });
  const certain = links.where(column, row).filter(({ relation }) => BECOMES.includes(relation)).map(step(false));
  return [...certain, ...(conditional?.where(column, row) ?? []).map(step(true))];
}

// How an identity makes itself or another one an admin, of all that is said of its privilege: the rest are steps to others.
function methodOf(row, identities, privilege) {
  const texts = privilege.where("identity", row).map(({ text }) => text);
  const steps = / can become | more steps? leads? to /;
  return texts.find((text) => text.includes(" an admin: ")) ?? (steps.test(texts[0] ?? "") ? null : texts[0]);
}

function pathOf(row, tables) {
  const steps = escalationPath(row, tables);
  if (!steps) return false;
  const { identities } = tables;
  const items = steps.map(({ row: at, why, conditional }, place) => {
    if (at === null) return h("li.goal", null, whyOf(why), h("div.node", null, h("b", null, "full administrative rights")));
    const { key, name, note, admin } = nodeOf(at, identities);
    const who = place === 0 ? h("b", null, outside(name)) : link("identity", key, name);
    const level = admin && mark("privilege", "admin");
    const node = h("div.node", null, who, " ", h("span.quiet", null, outside(note)), " ", level);
    return h(`li${admin ? ".goal" : ""}`, null, whyOf(why, conditional), node);
  });
  const many = steps.length - 1;
  const lead = many === 1 ? "One step leads" : `${count(many)} steps lead`;
  const maybe = steps.some(({ conditional }) => conditional) ? ", under a condition" : "";
  return [h("p.quiet", null, `${lead} to full administrative rights${maybe}:`), h("ol.path", null, items)];
}

// What who writes an input could make an agent do, as a sentence and as a picture: input, agent, reach, way out, and the cut.
function exposureOf({ sentence, input, opened_by, reach, way_out, gate, cut, cut_in }, name) {
  const step = (lead, text, part, why) => {
    const isCut = cut_in.includes(part);
    const edge = why && h(`p.why${isCut ? ".cut" : ""}`, null, why, isCut && h("b", null, "✂ Cut here: ", prose(cut)));
    return h("li", null, edge, h("div.node", null, h("span.quiet", null, lead), h("span.part", null, prose(text))));
  };
  const reached = way_out === null ? "What it could do" : "What it could read";
  const steps = [
    step("Input", input, null, null),
    step("Agent", name, "input", `${WRITERS[opened_by]} it${gate ? `, and ${gate}` : ""}; the agent reads it`),
    step(reached, reach, "reach", way_out === null ? "it acts" : "it reads"),
    way_out !== null && step("Way out", way_out, "way_out", "it hands out what it read"),
  ];
  const elsewhere = !cut_in.length && h("p.why.cut", null, h("b", null, "✂ Cut: ", prose(cut)));
  return h("figure.exposure", null, h("figcaption", null, prose(sentence)), h("ol.path", null, steps), elsewhere);
}

function whyOf(why, conditional) {
  if (conditional) return h("p.why.conditional", null, h("b", null, "under a condition"), " ", prose(why));
  return why && h("p.why", null, prose(why));
}

// --- the drawing

// Who can become an identity, what it can become, and its path to an admin, drawn; false where there is nothing to draw.
function pathsOf(row, tables) {
  const graph = graphAround(row, tables);
  return graph.edges.length > 0 && new PathDrawing(graph).element;
}

// An identity's path to an admin and its neighbours, as a drawing takes them. Where not all is in the page, `tables.expand(key)`
// gives the nodes and edges next to an identity.
function graphAround(row, tables) {
  const { identities } = tables;
  const key = keyOf(identities, row);
  const rows = new Map([[key, row]]);
  const part = (steps) => {
    const ends = [...new Set(steps.flatMap(({ from, to }) => [from, to]))];
    const nodes = ends.map((end) => nodeOf(end, identities));
    ends.forEach((end, at) => rows.set(nodes[at].key, end));
    const named = new Map(ends.map((end, at) => [end, nodes[at].key]));
    return { nodes, edges: steps.map((step) => ({ ...step, from: named.get(step.from), to: named.get(step.to) })) };
  };
  const expand = (wanted) => {
    const sides = [stepsFrom(rows.get(wanted), tables), stepsFrom(rows.get(wanted), tables, true)];
    const more = sides.reduce((sum, { length }) => sum + Math.max(0, length - STEPS_OPENED), 0);
    return { ...part(sides.flatMap((side) => side.slice(0, STEPS_OPENED))), more };
  };
  const onPath = (escalationPath(row, tables) ?? []).filter(({ row: at }) => at !== null);
  const steps = onPath.slice(1).map((step, at) => ({ ...step, from: onPath[at].row, to: step.row, evidence: step.why }));
  const [known, near] = [part(steps), expand(key)];
  const path = onPath.map(({ row: at }) => nodeOf(at, identities).key);
  return {
    start: key,
    nodes: [nodeOf(row, identities), ...known.nodes, ...near.nodes],
    edges: [...known.edges, ...near.edges],
    path,
    more: near.more,
    expand: tables.expand ?? expand,
  };
}

// A node of the drawing: what is not in the page has a key alone.
function nodeOf(end, identities) {
  if (typeof end !== "number") return { key: end ?? "–", name: lastPart(end ?? "–"), note: "", admin: false, href: null };
  const key = keyOf(identities, end);
  return {
    key,
    name: identities.at("display_name", end) ?? identities.at("name", end) ?? key,
    note: [identities.at("kind", end), identities.at("scope", end)].filter(Boolean).map(word).join(" in "),
    admin: identities.at("privilege", end) === "admin",
    href: addressOf("identity", key),
  };
}
