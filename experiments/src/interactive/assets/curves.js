"use strict";
// Convergence and regret: medians over the seeds as steps, with a named band.

const curves = (() => {
  let charts = [];

  function draw(holder, list, caption, label, scale, optimum) {
    clear(holder);
    const of = task();
    const tables = list.map((curve) => [curve.evaluation, curve.median, curve.low, curve.high]);
    if (!tables.some((table) => table[0].length)) return;
    // Not joined point by point: between two of its points a curve keeps its value.
    const xs = union(tables.map((table) => table[0]));
    const column = (table, number) => held(xs, [table[0], table[number]], false);
    charts.push(lineChart(holder, {
      label, xs,
      x: { label: "evaluations" },
      y: { label: caption, scale },
      // Of very many agents only the best ones have curves.
      lines: of.agents.map((name, agent) => ({ name, agent })).filter(({ agent }) => tables[agent][0].length)
        .map(({ name, agent }) => ({ name, agent, show: !state.hidden.has(agent), values: column(tables[agent], 1), low: column(tables[agent], 2), high: column(tables[agent], 3) })),
      extra: optimum === null ? [] : [{ name: "known optimum", value: optimum }],
      at: (x) => `after ${x}`,
    }));
  }

  function paint() {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    const of = task();
    byId("curve-notes").textContent = of.band + (of.known_optimum === null ? "" : " Dashed: the known optimum.");
    draw(byId("convergence"), of.curves, of.quality, "convergence of each agent", {}, of.known_optimum);
    const above = of.regret.flatMap((curve) => curve.median.concat(curve.low, curve.high)).filter((value) => value > 0);
    const [least, most] = [above.reduce((a, b) => Math.min(a, b), Infinity), above.reduce((a, b) => Math.max(a, b), 0)];
    if (of.regret.length) draw(byId("regret"), of.regret, "regret (%), logarithmic with zero", "regret of each agent", above.length ? withZero(least, most) : { range: [0, 1] }, null);
    else clear(byId("regret"));
  }
  listen((what) => { if (["task", "legend", "theme"].includes(what)) paint(); });
  return { paint };
})();
