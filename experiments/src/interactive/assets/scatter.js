"use strict";
// The scatter of evaluations: two columns against each other, hover, selection by click, drag or keyboard.

const scatter = (() => {
  const holder = byId("scatter");
  const back = canvas(holder, "evaluations as points; the best of each agent are joined by steps");
  const front = canvas(holder, "hovered and selected evaluations");
  front.node.tabIndex = 0;
  const tip = element("div", null, { class: "tip", hidden: "" });
  holder.appendChild(tip);
  const margin = { left: 76, right: 14, top: 10, bottom: 44 };
  let list = [], x = null, y = null, rows = [], places = null, hover = -1, drag = null;

  function axis(column, logarithmic, from, to, extra) {
    let low = Infinity, high = -Infinity;
    for (const row of rows) {
      const value = column.data[row];
      if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    }
    for (const value of extra) { low = Math.min(low, value); high = Math.max(high, value); }
    if (!(low <= high)) { low = 0; high = 1; }
    const log = logarithmic && low > 0;
    if (log) { const pad = (high / low) ** 0.03 || 1.05; low /= pad; high *= pad; if (low === high) { low /= 2; high *= 2; } }
    else { const pad = (high - low) * 0.04 || Math.abs(high) * 0.05 || 1; low -= pad; high += pad; }
    const place = log
      ? (value) => from + (to - from) * Math.log(value / low) / Math.log(high / low)
      : (value) => from + (to - from) * (value - low) / (high - low);
    return { column, low, high, log, place };
  }

  // Values that stand beside the points: the known front or optimum, bounds and targets, and the default design.
  function marks(column) {
    const of = task(), usual = ofDefault(column);
    const list = usual === null ? [] : [usual];
    if (column.goal === undefined) return list;
    return list.concat(of.known_front.map((point) => point[column.goal]), of.marks.filter((mark) => mark.goal === column.goal).map((mark) => mark.value));
  }

  function layout() {
    list = columns(task());
    rows = [];
    for (let row = 0; row < task().points.agent.length; row++) if (isShown(row, list)) rows.push(row);
    const { clientWidth: width, clientHeight: height } = holder;
    const [first, second] = [list[byId("x-choice").value], list[byId("y-choice").value]];
    x = axis(first, byId("x-log").checked, margin.left, width - margin.right, marks(first));
    y = axis(second, byId("y-log").checked, height - margin.bottom, margin.top, marks(second));
    places = new Float32Array(2 * rows.length);
    rows.forEach((row, index) => {
      const [a, b] = [x.column.data[row], y.column.data[row]];
      places[2 * index] = a === null ? NaN : x.place(a);
      places[2 * index + 1] = b === null ? NaN : y.place(b);
    });
  }

  function frame(context, width, height) {
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = style("--ink");
    context.strokeStyle = style("--line");
    context.lineWidth = 1;
    const label = (axis, tick) => (axis.column.choices ? axis.column.choices[tick] ?? "" : short(tick, 4));
    const tidy = (axis) => ticks(axis.low, axis.high, axis.log).filter((tick) => !axis.column.choices || Number.isInteger(tick));
    context.textAlign = "center";
    for (const tick of tidy(x)) {
      const at = x.place(tick);
      context.beginPath(); context.moveTo(at, margin.top); context.lineTo(at, height - margin.bottom); context.stroke();
      context.fillText(label(x, tick), at, height - margin.bottom + 16);
    }
    context.textAlign = "right";
    for (const tick of tidy(y)) {
      const at = y.place(tick);
      context.beginPath(); context.moveTo(margin.left, at); context.lineTo(width - margin.right, at); context.stroke();
      context.fillText(label(y, tick), margin.left - 6, at + 4);
    }
    const name = (axis) => axis.column.name + (axis.log ? ", logarithmic" : "");
    context.textAlign = "center";
    context.fillText(name(x), (margin.left + width - margin.right) / 2, height - 8);
    context.save();
    context.translate(14, (margin.top + height - margin.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(name(y), 0, 0);
    context.restore();
  }

  function steps(context, points) {
    context.beginPath();
    points.forEach(([a, b], index) => {
      if (index === 0) context.moveTo(a, b);
      else { context.lineTo(a, points[index - 1][1]); context.lineTo(a, b); }
    });
    context.stroke();
  }

  // Points of a front by rising x: between two of them runs what both reach. The worse value of each goal, so the corner depends on the way.
  function staircase(context, points) {
    const of = task();
    const sorted = [...points].sort((a, b) => a[0] - b[0]);
    const less = of.goals[x.column.goal].less;
    steps(context, less ? sorted : sorted.reverse());
  }

  // All points as small squares, mixed into an image by hand: drawing thousands of translucent rectangles takes ten times as long.
  function cloud(context, width, height, size, opacity) {
    const scale = window.devicePixelRatio || 1;
    const [w, h, side] = [Math.round(width * scale), Math.round(height * scale), Math.round(size * scale)];
    const image = new ImageData(w, h), pixels = image.data, agents = task().points.agent;
    const parts = task().agents.map((_, agent) => [1, 3, 5].map((at) => parseInt(colour(agent).slice(at, at + 2), 16)));
    for (let index = 0; index < rows.length; index++) {
      const part = parts[agents[rows[index]]];
      const left = Math.round(places[2 * index] * scale - side / 2), top = Math.round(places[2 * index + 1] * scale - side / 2);
      if (!(left >= 0 && top >= 0 && left + side <= w && top + side <= h)) continue;
      for (let y = top; y < top + side; y++) {
        for (let at = 4 * (y * w + left), end = at + 4 * side; at < end; at += 4) {
          // The new colour over what is there, both translucent.
          const under = pixels[at + 3] / 255, alpha = opacity + under * (1 - opacity);
          for (let c = 0; c < 3; c++) pixels[at + c] = (part[c] * opacity + pixels[at + c] * under * (1 - opacity)) / alpha;
          pixels[at + 3] = 255 * alpha;
        }
      }
    }
    const sheet = new OffscreenCanvas(w, h);
    sheet.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(sheet, 0, 0, width, height);
  }

  // The default design: a cross of four strokes in ink, which no agent has for its marker.
  function star(context, a, b, width) {
    context.strokeStyle = context.fillStyle = style("--ink");
    context.lineWidth = 2;
    for (const [dx, dy] of [[7, 0], [0, 7], [5, 5], [5, -5]]) { context.beginPath(); context.moveTo(a - dx, b - dy); context.lineTo(a + dx, b + dy); context.stroke(); }
    const right = a < width - 110;
    context.textAlign = right ? "left" : "right";
    context.fillText(`default design${task().default_design.keeps_bounds ? "" : ", out of bounds"}`, right ? a + 10 : a - 10, b - 8);
  }

  function paint() {
    const of = task();
    back.draw((context, width, height) => {
      frame(context, width, height);
      const isGoals = x.column.goal !== undefined && y.column.goal !== undefined && x !== y && of.goals.length === 2;
      cloud(context, width, height, rows.length > 5000 ? 2 : 3, rows.length > 2000 ? 0.35 : 0.6);
      of.agents.forEach((_, agent) => {
        const best = [];
        for (let index = 0; index < rows.length; index++) {
          if (of.points.front[rows[index]] && of.points.agent[rows[index]] === agent) best.push([places[2 * index], places[2 * index + 1]]);
        }
        context.strokeStyle = colour(agent);
        context.lineWidth = 1.6;
        if (isGoals) staircase(context, best);
        // Hollow, so that coincident fronts stay visible; each agent a little larger than the one before it.
        if (best.length < 400) best.forEach(([a, b]) => { marker(context, agent, a, b, 4 + (agent % 4)); context.stroke(); });
      });
      context.strokeStyle = style("--ink");
      context.setLineDash([6, 4]);
      if (isGoals && of.known_front.length) staircase(context, of.known_front.map((point) => [x.place(point[x.column.goal]), y.place(point[y.column.goal])]));
      const line = (axis, value, text) => {
        const at = axis.place(value);
        context.beginPath();
        if (axis === x) { context.moveTo(at, margin.top); context.lineTo(at, height - margin.bottom); }
        else { context.moveTo(margin.left, at); context.lineTo(width - margin.right, at); }
        context.stroke();
        context.fillStyle = style("--ink");
        context.textAlign = "left";
        context.fillText(text, axis === x ? at + 4 : margin.left + 4, axis === x ? margin.top + 12 : at - 4);
      };
      for (const axis of [x, y]) {
        if (axis.column.goal === undefined) continue;
        if (of.goals.length === 1) of.known_front.forEach((point) => line(axis, point[0], "known optimum"));
        of.marks.filter((mark) => mark.goal === axis.column.goal).forEach((mark) => line(axis, mark.value, mark.what));
      }
      context.setLineDash([]);
      const usual = [x, y].map((axis) => ofDefault(axis.column));
      if (usual[0] !== null && usual[1] !== null) star(context, x.place(usual[0]), y.place(usual[1]), width);
      // With an axis that the default design has no value of: a line at the other.
      else for (const [axis, value] of [[x, usual[0]], [y, usual[1]]]) if (value !== null && axis.column.goal !== undefined) line(axis, value, "default design");
    });
    overlay();
  }

  function overlay() {
    const of = task();
    front.draw((context) => {
      context.lineWidth = 2;
      context.strokeStyle = style("--ink");
      rows.forEach((row, index) => {
        if (!state.selected.has(row)) return;
        marker(context, of.points.agent[row], places[2 * index], places[2 * index + 1], 6);
        context.stroke();
      });
      if (hover >= 0) {
        context.fillStyle = colour(of.points.agent[rows[hover]]);
        marker(context, of.points.agent[rows[hover]], places[2 * hover], places[2 * hover + 1], 6);
        context.fill();
        context.stroke();
      }
      if (drag) context.strokeRect(drag.x, drag.y, drag.to.x - drag.x, drag.to.y - drag.y);
    });
    tip.hidden = hover < 0;
    if (hover < 0) return;
    const row = rows[hover];
    const head = `${of.agents[of.points.agent[row]]}, seed ${of.points.seed[row]}, evaluation ${of.points.evaluation[row]}`;
    tip.textContent = [head, ...list.slice(1).map((column) => `${column.name}: ${short(cell(column, row))}`)].join("\n");
    const left = places[2 * hover];
    tip.style.top = `${Math.max(0, Math.min(places[2 * hover + 1], holder.clientHeight - tip.offsetHeight))}px`;
    tip.style.left = left > holder.clientWidth / 2 ? `${left - tip.offsetWidth - 12}px` : `${left + 12}px`;
  }

  function nearest(at) {
    let best = -1, distance = 15 * 15;
    for (let index = 0; index < rows.length; index++) {
      const d = (places[2 * index] - at.x) ** 2 + (places[2 * index + 1] - at.y) ** 2;
      if (d < distance) { distance = d; best = index; }
    }
    return best;
  }

  const at = (event) => {
    const box = front.node.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  front.node.addEventListener("pointermove", (event) => {
    const to = at(event);
    if (drag) { drag.to = to; hover = -1; } else hover = nearest(to);
    overlay();
  });
  front.node.addEventListener("pointerdown", (event) => {
    const from = at(event);
    drag = { ...from, to: from };
    front.node.setPointerCapture(event.pointerId);
  });
  front.node.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const to = at(event), from = drag;
    drag = null;
    if (Math.hypot(to.x - from.x, to.y - from.y) < 4) {
      const index = nearest(to);
      if (index >= 0) toggle(rows[index]);
    } else {
      const inside = (value, a, b) => value >= Math.min(a, b) && value <= Math.max(a, b);
      rows.forEach((row, index) => {
        if (inside(places[2 * index], from.x, to.x) && inside(places[2 * index + 1], from.y, to.y)) state.selected.add(row);
      });
    }
    changed("selection");
  });
  front.node.addEventListener("pointerleave", () => { hover = -1; overlay(); });
  const toggle = (row) => (state.selected.has(row) ? state.selected.delete(row) : state.selected.add(row));
  front.node.addEventListener("keydown", (event) => {
    const best = rows.map((row, index) => index).filter((index) => task().points.front[rows[index]]);
    best.sort((a, b) => places[2 * a] - places[2 * b]);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && best.length) {
      const now = best.indexOf(hover);
      hover = best[now < 0 ? 0 : (now + step + best.length) % best.length];
    } else if (event.key === "Enter" && hover >= 0) {
      toggle(rows[hover]);
      changed("selection");
    } else if (event.key === "Escape") {
      state.selected.clear();
      changed("selection");
    } else return;
    event.preventDefault();
    overlay();
  });

  function choose() {
    const of = task();
    list = columns(of);
    for (const id of ["x-choice", "y-choice"]) {
      const choice = clear(byId(id));
      list.forEach((column, index) => choice.appendChild(element("option", column.name, { value: index })));
    }
    byId("x-choice").value = of.goals.length > 1 ? 1 : 0;
    byId("y-choice").value = of.goals.length > 1 ? 2 : 1;
    wide("x"); wide("y");
  }
  // A goal whose values span a decade or more begins on a logarithmic axis.
  function wide(which) {
    const column = list[byId(`${which}-choice`).value];
    let low = Infinity, high = -Infinity;
    if (column.goal !== undefined) for (const value of column.data) { low = Math.min(low, value); high = Math.max(high, value); }
    byId(`${which}-log`).checked = low > 0 && high / low >= 10;
  }
  function redraw() { hover = -1; layout(); paint(); }
  for (const which of ["x", "y"]) {
    byId(`${which}-choice`).addEventListener("change", () => { wide(which); redraw(); });
    byId(`${which}-log`).addEventListener("change", redraw);
  }
  listen((what) => {
    if (what === "task") choose();
    if (what === "selection") overlay(); else redraw();
  });
  return { redraw, rows: () => rows, places: () => places };
})();
