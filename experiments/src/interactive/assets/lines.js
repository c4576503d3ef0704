"use strict";
// Lines over a common axis, drawn by uPlot: each agent has its colour and its marker, the pointer and the arrow keys read values off.

// Markers and names of agents, [place, name] each, under a chart that the legend of the task does not stand for.
function key(holder, names) {
  const list = element("p", null, { class: "key" });
  names.forEach(([agent, name]) => {
    const entry = element("span");
    entry.append(swatch(agent), document.createTextNode(name));
    list.append(entry, " ");
  });
  holder.appendChild(list);
}

// The marker of an agent as a small picture.
function swatch(agent) {
  const node = element("canvas", null, { class: "swatch", width: 28, height: 28, "aria-hidden": "true" });
  const context = node.getContext("2d");
  context.fillStyle = colour(agent);
  marker(context, agent, 14, 14, 10);
  context.fill();
  return node;
}

// What `table` = [xs, values] says at each x: the value of the last of its points that is not beyond it, or, backwards, of the first that is not before
// it; null where there is none.
function held(xs, table, backwards) {
  const order = backwards ? [...xs].reverse() : xs;
  const points = table[0].map((x, index) => [x, table[1][index]]).sort((a, b) => (backwards ? b[0] - a[0] : a[0] - b[0]));
  let next = 0, last = null;
  const values = order.map((x) => {
    while (next < points.length && (backwards ? points[next][0] >= x : points[next][0] <= x)) last = points[next++][1];
    return last;
  });
  return backwards ? values.reverse() : values;
}

const union = (lists) => [...new Set(lists.flat())].sort((a, b) => a - b);

// Linear around zero up to the power of ten below the least value above it, logarithmic from there on: zero has its own place.
const withZero = (least, most) => ({ distr: 4, asinh: 10 ** Math.floor(Math.log10(least)), range: [0, 1.2 * most] });

// uPlot's scale for values: logarithmic where they are above zero and span a decade; `zero` asks for one that is linear around zero.
function scaleOf(values, zero) {
  const numbers = values.filter((value) => Number.isFinite(value));
  const positive = numbers.filter((value) => value > 0);
  const least = positive.reduce((a, b) => Math.min(a, b), Infinity), most = positive.reduce((a, b) => Math.max(a, b), 0);
  if (zero && positive.length && most / least >= 10) return { scale: withZero(least, most), said: ", logarithmic with zero" };
  if (!zero && numbers.length && positive.length === numbers.length && most / least >= 10) return { scale: { distr: 3 }, said: ", logarithmic" };
  return { scale: {}, said: "" };
}

// Draws a chart. `of`: label (for readers who do not see it), xs, x and y as { label, scale, splits }, lines as { name, agent, values, low, high, show, thin },
// align as uPlot's steps have it or `straight`, extra lines as { name, value }, `at(x)` for the readout.
function lineChart(holder, of) {
  const series = [{ label: of.x.label }], data = [of.xs], bands = [], drawn = [];
  const paths = of.straight ? uPlot.paths.linear() : uPlot.paths.stepped({ align: of.align || 1 });
  for (const line of of.lines) {
    const show = line.show !== false;
    const base = series.length;
    data.push(line.values);
    series.push({ label: line.name, stroke: colour(line.agent), width: line.thin ? 1 : 2, dash: line.thin ? [2, 3] : line.agent >= COLOURS.length ? [6, 3] : undefined, points: { show: false }, paths, show });
    if (!line.thin) drawn.push({ ...line, series: base });
    if (line.low) {
      const edge = { stroke: "transparent", width: 0, points: { show: false }, paths, show };
      data.push(line.low, line.high);
      series.push({ ...edge, label: `${line.name}, lower` }, { ...edge, label: `${line.name}, upper` });
      bands.push({ series: [base + 2, base + 1], fill: `${colour(line.agent)}26` });
    }
  }
  for (const line of of.extra || []) {
    data.push(of.xs.map(() => line.value));
    series.push({ label: line.name, stroke: style("--ink"), width: 1, dash: [6, 4], points: { show: false } });
  }
  const axis = { stroke: style("--ink"), grid: { stroke: style("--line") }, ticks: { stroke: style("--line") } };
  const values = (_, list) => list.map((value) => (value === null ? "" : short(value, 4)));

  // A marker of its agent at about eight places of each line, for readers who do not tell its colour.
  function markers(chart) {
    const context = chart.ctx, ratio = uPlot.pxRatio, { left, width } = chart.bbox;
    context.save();
    drawn.forEach((line, number) => {
      if (line.show === false) return;
      context.fillStyle = colour(line.agent);
      const put = (x, value) => {
        if (value === null || value === undefined) return;
        marker(context, line.agent, x, chart.valToPos(value, "y", true), 4 * ratio);
        context.fill();
      };
      if (of.straight) { of.xs.forEach((x, index) => put(chart.valToPos(x, "x", true), line.values[index])); return; }
      for (let place = 0; place < 8; place++) {
        const x = left + width * (place + 0.3 + 0.4 * number / drawn.length) / 8;
        const wanted = chart.posToVal((x - left) / ratio, "x");
        const after = of.xs.findIndex((at) => at > wanted);
        const end = of.xs.length - 1;
        // In the picture a value holds from its point on, or backwards up to it.
        const index = of.align === -1 ? (after < 0 ? end : after) : (after < 0 ? end : after - 1);
        if (index >= 0 && wanted >= of.xs[0] && wanted <= of.xs[end]) put(x, line.values[index]);
      }
    });
    context.restore();
  }

  const chart = new uPlot({
    width: holder.clientWidth || 800, height: of.height || 340, series, bands,
    scales: { x: { time: false, ...of.x.scale }, y: of.y.scale || {} },
    axes: [{ ...axis, label: of.x.label, values, ...(of.x.splits ? { splits: () => of.x.splits } : {}) }, { ...axis, label: of.y.label, size: 80, values }],
    legend: { show: false },
    cursor: { y: false },
    hooks: { draw: [markers] },
  }, data, holder);
  const readout = element("p", "Move over the picture, or focus it and press the arrow keys, to read values off.", { class: "hint readout", "aria-live": "polite" });
  holder.appendChild(readout);
  const tell = () => {
    const index = chart.cursor.idx;
    if (index === null || index === undefined) return;
    readout.textContent = `${of.at(of.xs[index])}: ` + of.lines.map((line) => ({ line, value: line.values[index] }))
      .filter(({ line, value }) => value !== null && value !== undefined && line.show !== false && !line.thin).map(({ line, value }) => `${line.name} ${short(value)}`).join(", ");
  };
  chart.over.addEventListener("pointermove", tell);
  chart.over.tabIndex = 0;
  chart.over.setAttribute("role", "img");
  chart.over.setAttribute("aria-label", of.label);
  chart.over.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const now = chart.cursor.idx;
    const next = now === null || now === undefined || chart.cursor.left < 0 ? 0 : Math.min(Math.max(now + step, 0), of.xs.length - 1);
    chart.setCursor({ left: chart.valToPos(of.xs[next], "x"), top: 0 });
    tell();
    event.preventDefault();
  });
  return chart;
}
