"use strict";
// What is said over configurations, runs and tasks: the lottery of hyperparameters, attainment, mean ranks, performance profiles.

// The share of a sample at or below each x, in %; null in the sample (nothing found) counts and is never reached.
function shares(xs, sample) {
  const sorted = sample.filter((value) => value !== null).sort((a, b) => a - b);
  let next = 0;
  return xs.map((x) => {
    while (next < sorted.length && sorted[next] <= x) next++;
    return 100 * next / sample.length;
  });
}

const lottery = (() => {
  let charts = [];

  function paint() {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    const of = task();
    const found = of.lottery.filter((agent) => agent.values.length);
    byId("lottery-section").hidden = !found.length;
    const [below, expected] = [clear(byId("lottery")), clear(byId("tuning"))];
    if (!found.length) return;
    const xs = union(found.map((agent) => agent.values));
    const across = scaleOf(xs, false);
    const names = found.map((agent, index) => [index, agent.agent]);
    charts.push(lineChart(below, {
      label: "share of each agent's configurations at or below a result", xs,
      x: { label: `${of.quality}, median over the seeds of a configuration${across.said}`, scale: across.scale },
      y: { label: "configurations at or below (%)", scale: { range: [0, 103] } },
      lines: found.map(({ agent, values }, index) => ({ name: agent, agent: index, values: shares(xs, values) })),
      at: (x) => `% at or below ${short(x)}`,
    }));
    key(below, names);
    const ks = union(found.map((agent) => agent.expected.map((row) => row[0])));
    const column = (agent, number) => ks.map((k) => { const row = agent.expected.find((row) => row[0] === k); return row ? row[number] : null; });
    const up = scaleOf(found.flatMap((agent) => agent.expected.flatMap((row) => row.slice(1))), false);
    charts.push(lineChart(expected, {
      label: "best of k configurations that is to be expected of each agent", xs: ks, straight: true,
      x: { label: "configurations tried (k), logarithmic", splits: ks, scale: { distr: 3, log: 2, range: (_, low, high) => [low / 1.1, Math.max(high, 2) * 1.1] } },
      y: { label: `${of.quality}${up.said}`, scale: up.scale },
      lines: found.map((agent, index) => ({ name: agent.agent, agent: index, values: column(agent, 1), low: column(agent, 2), high: column(agent, 3) })),
      at: (k) => `best of ${k}`,
    }));
    key(expected, names);
  }

  function table() {
    const of = task(), holder = clear(byId("lottery-table"));
    if (!of.lottery.length) return;
    const ks = union(of.lottery.map((agent) => agent.expected.map((row) => row[0])));
    holder.appendChild(sortable(["agent", "configurations", "without a result", "worst", "median", "best", ...ks.flatMap((k) => [`best of ${k}`, "from", "to"])],
      of.lottery.map((agent) => {
        const sorted = [...agent.values].sort((a, b) => a - b), middle = sorted.length >> 1;
        const median = !sorted.length ? null : sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        const cells = ks.flatMap((k) => (agent.expected.find((row) => row[0] === k) || [k, null, null, null]).slice(1));
        return [agent.agent, agent.count, agent.barren, agent.values[0] ?? null, median, agent.values[agent.values.length - 1] ?? null, ...cells];
      })));
  }
  listen((what) => {
    if (["task", "theme"].includes(what)) paint();
    if (what === "task") table();
  });
  return { paint };
})();

const attainment = (() => {
  let chart = null;

  function paint() {
    if (chart) chart.destroy();
    chart = null;
    const of = task(), holder = clear(byId("attainment"));
    byId("attainment-section").hidden = !of.attained.length;
    if (!of.attained.length) return;
    const points = (goal) => of.attained.flatMap((surface) => surface.points.map((point) => point[goal]));
    const [across, up] = [scaleOf(points(0), false), scaleOf(points(1), false)];
    const xs = union([points(0)]);
    const backwards = !of.goals[0].less;
    const runs = of.attained.reduce((most, surface) => Math.max(most, surface.runs), 0);
    byId("attainment-notes").textContent = `Line: half of the runs of an agent reach this or better; dotted beside it: a quarter and three quarters; n = ${runs} seeds.`;
    const surface = (agent, share) => of.attained.find((one) => one.agent === agent && one.share === share);
    const lines = of.agents.flatMap((name, agent) => [0.5, 0.25, 0.75].filter((share) => surface(agent, share)).map((share) => {
      const list = surface(agent, share).points;
      return { name, agent, thin: share !== 0.5, show: !state.hidden.has(agent), values: held(xs, [list.map((p) => p[0]), list.map((p) => p[1])], backwards) };
    }));
    chart = lineChart(holder, {
      label: "surfaces of empirical attainment of each agent", xs, height: 420, lines,
      align: backwards ? -1 : 1,
      x: { label: of.goals[0].label + across.said, scale: across.scale },
      y: { label: of.goals[1].label + up.said, scale: up.scale },
      at: (x) => `half of the runs, at ${short(x)}`,
    });
  }

  function table() {
    const of = task(), holder = clear(byId("attainment-table"));
    if (!of.attained.length) return;
    holder.appendChild(sortable(["agent", "share of the runs (%)", "hypervolume (%)", "points", ...of.goals.map((goal) => `best ${goal.label}`)],
      of.attained.map((surface) => [of.agents[surface.agent], 100 * surface.share, surface.hypervolume, surface.count, surface.points[0][0], surface.points[surface.points.length - 1][1]])));
  }
  listen((what) => {
    if (["task", "legend", "theme"].includes(what)) paint();
    if (what === "task") table();
  });
  return { paint };
})();

const standing = (() => {
  const of = DATA.standing;
  if (!of) { byId("standing").hidden = true; byId("standing-link").hidden = true; return null; }
  const holder = byId("ranks"), plot = canvas(holder, "mean rank of each agent, with a bar as wide as the critical difference");
  holder.style.height = `${70 + 26 * of.agents.length}px`;
  of.sentences.forEach((sentence) => byId("standing-notes").appendChild(element("p", sentence)));
  if (of.critical_difference) byId("standing-notes").appendChild(element("p", "Bars are as wide as the critical difference: where two do not overlap, the agents differ.", { class: "hint" }));
  byId("ranks-table").appendChild(sortable(["agent", "mean rank", ...of.within.map((percent) => `runs within ${percent} % of the best (%)`)],
    of.order.map((agent) => [of.agents[agent], of.ranks[agent], ...of.shares[agent]])));

  function ranks() {
    plot.draw((context, width, height) => {
      const half = (of.critical_difference || 0) / 2;
      context.font = "12px system-ui, sans-serif";
      const left = Math.min(width / 2, 20 + Math.max(...of.agents.map((name) => context.measureText(name).width)));
      const low = Math.min(1, ...of.ranks) - half - 0.1, high = Math.max(of.agents.length, ...of.ranks) + half + 0.1;
      const place = (rank) => left + (width - 20 - left) * (rank - low) / (high - low);
      context.textAlign = "center";
      for (const tick of ticks(low, high, false)) {
        context.strokeStyle = style("--line");
        context.beginPath(); context.moveTo(place(tick), 10); context.lineTo(place(tick), height - 44); context.stroke();
        context.fillStyle = style("--ink");
        context.fillText(short(tick, 3), place(tick), height - 28);
      }
      context.fillText(`mean rank over ${of.tasks} tasks, 1 is the best`, (left + width) / 2, height - 8);
      of.order.forEach((agent, number) => {
        const y = 24 + 26 * number, x = place(of.ranks[agent]);
        context.strokeStyle = colour(agent);
        context.globalAlpha = 0.5;
        context.lineWidth = 5;
        context.beginPath(); context.moveTo(place(of.ranks[agent] - half), y); context.lineTo(place(of.ranks[agent] + half), y); context.stroke();
        context.globalAlpha = 1;
        context.lineWidth = 1;
        context.fillStyle = colour(agent);
        marker(context, agent, x, y, 6);
        context.fill();
        context.fillStyle = style("--ink");
        context.textAlign = "left";
        context.fillText(of.agents[agent], 4, y + 4, left - 8);
        context.textAlign = "center";
      });
    });
  }

  let profile = null;
  function profiles() {
    if (profile) profile.destroy();
    const holder = clear(byId("profiles"));
    // As many as can be told apart, the best ones.
    const shown = of.order.slice(0, 12);
    const numbers = of.distances.flat().filter((value) => value !== null);
    const across = scaleOf(numbers, true), xs = union([[0], numbers]);
    profile = lineChart(holder, {
      label: "share of the runs of each agent within a distance to the best", xs,
      x: { label: `distance to the best known or found (%)${across.said}`, scale: across.scale },
      y: { label: "runs of all tasks within it (%)", scale: { range: [0, 103] } },
      lines: shown.map((agent) => ({ name: of.agents[agent], agent, values: shares(xs, of.distances[agent]) })),
      at: (x) => `% of the runs within ${short(x)} %`,
    });
    key(holder, shown.map((agent) => [agent, of.agents[agent]]));
    if (shown.length < of.agents.length) holder.appendChild(element("p", `The ${shown.length} best of ${of.agents.length} agents by mean rank.`, { class: "hint" }));
  }
  listen((what) => { if (what === "theme") { ranks(); profiles(); } });
  return { ranks, profiles };
})();
