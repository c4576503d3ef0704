"use strict";
// What all parts of the page share: the data, colours, small helpers, and the state that the parts listen to.

const DATA = JSON.parse(document.getElementById("data").textContent);

// Okabe and Ito's palette, which readers of any colour vision can tell apart.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const colour = (agent) => COLOURS[agent % COLOURS.length];

const element = (name, text, attributes = {}) => {
  const node = document.createElement(name);
  // Labels are text and nothing else.
  if (text !== undefined && text !== null) node.textContent = String(text);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const byId = (id) => document.getElementById(id);
const clear = (node) => { while (node.firstChild) node.removeChild(node.firstChild); return node; };

// A number with as many digits as a reader takes in.
function short(value, digits = 5) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
}

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The state of the page. `changed(what)` tells every part that listens.
const state = { task: 0, hidden: new Set(), frontOnly: false, ranges: new Map(), selected: new Set(), listeners: [] };
const listen = (listener) => state.listeners.push(listener);
const changed = (what) => state.listeners.forEach((listener) => listener(what));
const task = () => DATA.tasks[state.task];

// Columns of the points of a task: what can stand on an axis.
function columns(of) {
  const list = [{ name: "evaluation", data: of.points.evaluation }];
  of.goals.forEach((goal, index) => list.push({ name: goal.label, data: of.points.goals[index], goal: index }));
  of.points.parameters.forEach((parameter) => list.push({ name: parameter.name, data: parameter.data, choices: parameter.choices, parameter: true }));
  return list;
}

// What the default design of the task has in a column: a number, or null.
function ofDefault(column) {
  const usual = task().default_design;
  if (!usual) return null;
  if (column.goal !== undefined) return usual.values[column.goal] ?? null;
  if (!column.parameter) return null;
  const value = usual.design[column.name] ?? null;
  if (value === null || !column.choices) return typeof value === "number" ? value : null;
  const place = column.choices.indexOf(typeof value === "string" ? value : JSON.stringify(value));
  return place < 0 ? null : place;
}

const cell = (column, row) => {
  const value = column.data[row];
  return column.choices && value !== null ? column.choices[value] : value;
};

// True if a point passes the legend, the filter and the ranges of the parallel axes.
function isShown(row, list) {
  const points = task().points;
  if (state.hidden.has(points.agent[row]) || (state.frontOnly && !points.front[row])) return false;
  for (const [index, [low, high]] of state.ranges) {
    const value = list[index].data[row];
    if (value === null || value < low || value > high) return false;
  }
  return true;
}

// A canvas that is sharp on any screen; `draw(context, width, height)` in CSS pixels.
function canvas(holder, label) {
  const node = element("canvas", null, { role: "img", "aria-label": label });
  holder.appendChild(node);
  return {
    node,
    draw(paint) {
      const scale = window.devicePixelRatio || 1;
      const { clientWidth: width, clientHeight: height } = holder;
      if (node.width !== Math.round(width * scale)) node.width = Math.round(width * scale);
      if (node.height !== Math.round(height * scale)) node.height = Math.round(height * scale);
      const context = node.getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      paint(context, width, height);
    },
  };
}

// Another shape for each agent, so that colour is not all that tells them apart.
function marker(context, agent, x, y, r) {
  context.beginPath();
  switch (agent % 5) {
    case 0: context.arc(x, y, r, 0, 7); break;
    case 1: context.rect(x - r, y - r, 2 * r, 2 * r); break;
    case 2: context.moveTo(x, y - r); context.lineTo(x + r, y + r); context.lineTo(x - r, y + r); context.closePath(); break;
    case 3: context.moveTo(x, y - r); context.lineTo(x + r, y); context.lineTo(x, y + r); context.lineTo(x - r, y); context.closePath(); break;
    default: context.moveTo(x, y + r); context.lineTo(x + r, y - r); context.lineTo(x - r, y - r); context.closePath();
  }
}

// Ticks at 1, 2 or 5 times a power of ten; on a logarithmic axis at powers, and at 2 and 5 of few decades.
function ticks(low, high, logarithmic) {
  const list = [];
  if (logarithmic) {
    const few = Math.log10(high / low) < 3;
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const lead of few ? [1, 2, 5] : [1]) {
        const tick = lead * 10 ** power;
        if (tick >= low && tick <= high) list.push(tick);
      }
    }
    if (list.length > 2) return list;
    list.length = 0;
  }
  const raw = (high - low) / 6 || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((lead) => lead * power).find((size) => size >= raw * 0.999) || raw;
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) list.push(Number(tick.toPrecision(12)));
  return list;
}
