"use strict";
// Convergence and regret: medians over the seeds as steps, with a named band. Drawn by uPlot.

const curves = (() => {
  let charts = [];

  function draw(holder, list, caption, symlog, optimum) {
    clear(holder);
    const of = task();
    const tables = list.map((curve) => [curve.evaluation, curve.median, curve.low, curve.high]);
    if (!tables.some((table) => table[0].length)) return;
    // Not joined point by point: between two of its points a curve keeps its value.
    const xs = [...new Set(tables.flatMap((table) => table[0]))].sort((a, b) => a - b);
    const filled = (table, column) => {
      let next = 0, last = null;
      return xs.map((x) => {
        while (next < table[0].length && table[0][next] <= x) last = table[column][next++];
        return last;
      });
    };
    const series = [{ label: "evaluation" }], data = [xs], bands = [];
    const paths = uPlot.paths.stepped({ align: 1 });
    of.agents.forEach((agent, index) => {
      const show = !state.hidden.has(index);
      const base = series.length;
      data.push(filled(tables[index], 1), filled(tables[index], 2), filled(tables[index], 3));
      const hidden = { stroke: "transparent", width: 0, points: { show: false }, paths, show };
      series.push(
        { label: agent, stroke: colour(index), width: 2, dash: index >= COLOURS.length ? [6, 3] : undefined, points: { show: false }, paths, show, value: (_, v) => short(v) },
        { ...hidden, label: `${agent}, lower` }, { ...hidden, label: `${agent}, upper` });
      bands.push({ series: [base + 2, base + 1], fill: `${colour(index)}26` });
    });
    if (optimum !== null) {
      data.push(xs.map(() => optimum));
      series.push({ label: "known optimum", stroke: style("--ink"), width: 1, dash: [6, 4], points: { show: false } });
    }
    const axis = { stroke: style("--ink"), grid: { stroke: style("--line") }, ticks: { stroke: style("--line") } };
    const scale = symlog ? { distr: 4, asinh: symlog } : {};
    charts.push(new uPlot({
      width: holder.clientWidth, height: 340, series, bands,
      scales: { x: { time: false }, y: scale },
      axes: [{ ...axis, label: "evaluations" }, { ...axis, label: caption, size: 80, values: (_, values) => values.map((value) => short(value, 4)) }],
      legend: { show: false },
      cursor: { y: false },
    }, data, holder));
    const readout = element("p", "", { class: "hint" });
    holder.appendChild(readout);
    const chart = charts[charts.length - 1];
    chart.over.addEventListener("pointermove", () => {
      const index = chart.cursor.idx;
      if (index === null || index === undefined) return;
      readout.textContent = `after ${xs[index]}: ` + of.agents.map((agent, number) => ({ agent, number, value: data[1 + 3 * number][index] }))
        .filter(({ number, value }) => value !== null && !state.hidden.has(number)).map(({ agent, value }) => `${agent} ${short(value)}`).join(", ");
    });
  }

  function paint() {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    const of = task();
    byId("curve-notes").textContent = of.band;
    draw(byId("convergence"), of.curves, of.quality, 0, of.known_optimum);
    const smallest = Math.min(...of.regret.flatMap((curve) => curve.median.concat(curve.low)).filter((value) => value > 0));
    // Linear around zero up to the smallest regret there is, logarithmic above: zero has its own place.
    if (of.regret.length) draw(byId("regret"), of.regret, "regret (%), logarithmic with zero", Number.isFinite(smallest) ? smallest : 0.01, null);
    else clear(byId("regret"));
  }
  listen((what) => { if (["task", "legend", "theme"].includes(what)) paint(); });
  return { paint };
})();
