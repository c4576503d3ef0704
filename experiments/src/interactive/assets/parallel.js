"use strict";
// Parallel coordinates: one axis per parameter and goal, ranges by dragging along an axis.

const parallel = (() => {
  const holder = byId("parallel");
  const plot = canvas(holder, "one line per evaluation across all parameters and goals");
  const margin = { left: 60, right: 60, top: 40, bottom: 22 };
  // More lines than these are thinned; the best ones are always drawn.
  const LINES = 700;
  let axes = [], drag = null;

  function layout() {
    const of = task(), list = columns(of);
    const { clientWidth: width, clientHeight: height } = holder;
    const used = list.map((column, index) => ({ column, index })).filter(({ column }) => column.parameter || column.goal !== undefined);
    axes = used.map(({ column, index }, number) => {
      let low = Infinity, high = -Infinity;
      for (const value of column.data) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
      const beside = [ofDefault(column), ...of.marks.filter((mark) => mark.goal === column.goal).map((mark) => mark.value)];
      for (const value of beside) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
      if (!(low <= high)) { low = 0; high = 1; }
      if (low === high) { low -= 0.5; high += 0.5; }
      const log = !column.choices && low > 0 && high / low >= 100;
      const [from, to] = [height - margin.bottom, margin.top];
      const place = log
        ? (value) => from + (to - from) * Math.log(value / low) / Math.log(high / low)
        : (value) => from + (to - from) * (value - low) / (high - low);
      const value = (at) => { const share = (at - from) / (to - from); return log ? low * (high / low) ** share : low + share * (high - low); };
      return { column, index, low, high, log, place, value, x: margin.left + (width - margin.left - margin.right) * number / Math.max(1, used.length - 1) };
    });
    return list;
  }

  function paint() {
    const list = layout(), of = task();
    const shown = [];
    for (let row = 0; row < of.points.agent.length; row++) if (isShown(row, list)) shown.push(row);
    const stride = Math.ceil(shown.length / LINES) || 1;
    plot.draw((context, width, height) => {
      const path = (row) => {
        context.beginPath();
        axes.forEach((axis, number) => {
          const value = axis.column.data[row];
          // What does not apply to a design runs below the axis.
          const y = value === null ? height - 4 : axis.place(value);
          if (number) context.lineTo(axis.x, y); else context.moveTo(axis.x, y);
        });
        context.stroke();
      };
      context.lineWidth = 1;
      shown.forEach((row, index) => {
        if (index % stride && !state.selected.has(row)) return;
        context.strokeStyle = colour(of.points.agent[row]);
        context.globalAlpha = of.points.front[row] ? 0.7 : 0.12;
        path(row);
      });
      context.globalAlpha = 1;
      context.strokeStyle = style("--ink");
      context.lineWidth = 2;
      shown.filter((row) => state.selected.has(row)).slice(0, 200).forEach(path);
      if (of.default_design) {
        context.setLineDash([6, 4]);
        context.beginPath();
        axes.forEach((axis, number) => {
          const value = ofDefault(axis.column);
          const y = value === null ? height - 4 : axis.place(value);
          if (number) context.lineTo(axis.x, y); else context.moveTo(axis.x, y);
        });
        context.stroke();
        context.setLineDash([]);
      }
      context.font = "11px system-ui, sans-serif";
      context.textAlign = "center";
      axes.forEach((axis, number) => {
        context.strokeStyle = style("--soft");
        context.lineWidth = 1;
        context.beginPath(); context.moveTo(axis.x, margin.top); context.lineTo(axis.x, height - margin.bottom); context.stroke();
        context.fillStyle = style("--ink");
        context.fillText(axis.column.name + (axis.log ? " (log)" : ""), axis.x, number % 2 ? 26 : 12);
        const text = (value) => (axis.column.choices ? axis.column.choices[Math.round(value)] ?? "" : short(value, 3));
        context.fillText(text(axis.high), axis.x, margin.top - 3);
        context.fillText(text(axis.low), axis.x, height - margin.bottom + 12);
        of.marks.filter((mark) => mark.goal === axis.column.goal).forEach((mark) => {
          const y = axis.place(mark.value);
          context.strokeStyle = style("--ink");
          context.lineWidth = 2;
          context.beginPath(); context.moveTo(axis.x - 9, y); context.lineTo(axis.x + 9, y); context.stroke();
          // To the side where there is room.
          const left = axis.x > width / 2;
          context.textAlign = left ? "right" : "left";
          context.fillText(mark.what, axis.x + (left ? -11 : 11), y + 4);
          context.textAlign = "center";
        });
        const range = state.ranges.get(axis.index);
        if (range) {
          context.fillStyle = "rgba(0, 114, 178, 0.35)";
          const [a, b] = range.map(axis.place);
          context.fillRect(axis.x - 7, Math.min(a, b), 14, Math.abs(a - b));
        }
      });
    });
    byId("parallel-notes").textContent = of.default_design ? "Dashed: the default design." : "";
    byId("parallel").dataset.shown = shown.length;
  }

  const at = (event) => {
    const box = plot.node.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  plot.node.addEventListener("pointerdown", (event) => {
    const from = at(event);
    const axis = axes.reduce((best, axis) => (Math.abs(axis.x - from.x) < Math.abs(best.x - from.x) ? axis : best), axes[0]);
    if (!axis || Math.abs(axis.x - from.x) > 20) return;
    drag = { axis, from: from.y };
    plot.node.setPointerCapture(event.pointerId);
  });
  plot.node.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { axis, from } = drag, to = at(event).y;
    drag = null;
    if (Math.abs(to - from) < 4) state.ranges.delete(axis.index);
    else state.ranges.set(axis.index, [axis.value(Math.max(from, to)), axis.value(Math.min(from, to))]);
    changed("ranges");
  });
  listen(paint);
  return { paint, axes: () => axes };
})();
