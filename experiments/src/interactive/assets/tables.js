"use strict";
// Tables: sortable by their heads; the selection as `--set` lines.

function sortable(heads, rows, caption) {
  const holder = element("div", null, { class: "table" });
  const table = element("table");
  if (caption) table.appendChild(element("caption", caption));
  const head = element("tr"), body = element("tbody");
  let sorted = -1, falling = false;
  // As many digits as tell the numbers of a column apart, from five to nine.
  const digits = heads.map((_, column) => {
    const numbers = [...new Set(rows.map((row) => row[column]).filter((value) => typeof value === "number"))];
    if (numbers.length > 200) return 5;
    return [5, 6, 7, 8].find((count) => new Set(numbers.map((value) => short(value, count))).size === numbers.length) || 9;
  });
  const fill = () => {
    clear(body);
    for (const row of rows) {
      const line = element("tr");
      row.forEach((value, column) => line.appendChild(value instanceof Node ? wrap(value) : element("td", typeof value === "number" ? short(value, digits[column]) : value)));
      body.appendChild(line);
    }
  };
  const wrap = (node) => { const at = element("td"); at.appendChild(node); return at; };
  heads.forEach((name, column) => {
    const at = element("th", null, { scope: "col" });
    const button = element("button", name, { type: "button" });
    button.addEventListener("click", () => {
      falling = sorted === column ? !falling : false;
      sorted = column;
      rows.sort((a, b) => {
        const [x, y] = [a[column], b[column]];
        const order = typeof x === "number" && typeof y === "number" ? x - y : String(x ?? "").localeCompare(String(y ?? ""), undefined, { numeric: true });
        return falling ? -order : order;
      });
      head.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      at.setAttribute("aria-sort", falling ? "descending" : "ascending");
      fill();
    });
    at.appendChild(button);
    head.appendChild(at);
  });
  const top = element("thead");
  top.appendChild(head);
  table.append(top, body);
  holder.appendChild(table);
  fill();
  return holder;
}

function copy(text) {
  const fallback = () => {
    const area = element("textarea", text);
    document.body.appendChild(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).catch(fallback);
  else fallback();
}

// A design as arguments of `hwgym evaluate`, quoted for a shell.
function setLine(row) {
  const quote = (text) => (/^[\w.+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  return columns(task()).filter((column) => column.parameter && column.data[row] !== null)
    .map((column) => `--set ${quote(`${column.name}=${cell(column, row)}`.replace(/=$/, "="))}`).join(" ");
}

function selection() {
  const holder = clear(byId("selection"));
  const of = task(), list = columns(of);
  const rows = [...state.selected].slice(0, 200);
  if (!rows.length) { holder.appendChild(element("p", "Nothing is selected.", { class: "hint" })); return; }
  const all = element("button", `copy ${rows.length} as --set lines`, { type: "button", id: "copy" });
  all.addEventListener("click", () => copy(rows.map(setLine).join("\n")));
  const none = element("button", "clear", { type: "button" });
  none.addEventListener("click", () => { state.selected.clear(); changed("selection"); });
  holder.append(all, " ", none);
  if (state.selected.size > rows.length) holder.appendChild(element("p", `The first ${rows.length} of ${state.selected.size}.`));
  const shown = list.slice(1);
  holder.appendChild(sortable(["agent", "seed", "evaluation", ...shown.map((column) => column.name)],
    rows.map((row) => [of.agents[of.points.agent[row]], of.points.seed[row], of.points.evaluation[row], ...shown.map((column) => cell(column, row))])));
  holder.appendChild(element("pre", rows.slice(0, 5).map(setLine).join("\n"), { id: "set-lines" }));
}
listen((what) => { if (["task", "selection"].includes(what)) selection(); });

function importance() {
  const holder = clear(byId("importance"));
  const found = task().importance;
  if (!found) { holder.appendChild(element("p", "Too few results, or none that vary.", { class: "hint" })); return; }
  const trust = found.r_squared > 0.5 ? "" : " It explains little, and so do these numbers.";
  holder.appendChild(element("p", `A forest of trees on ${found.rows} evaluations of all agents, of ${found.of}; it explains ${short(100 * found.r_squared, 3)} % of the variance of evaluations that it has not seen.${trust} Agents look where it is good: this describes the designs that were evaluated.`));
  const most = Math.max(...found.parameters.map((parameter) => parameter.shapley), 1e-300);
  holder.appendChild(sortable(["parameter", "mean |Shapley value|", "", "permutation (share of variance)", "way"],
    found.parameters.map((parameter) => {
      const bar = element("span", "", { class: "bar", style: `width:${Math.round(120 * parameter.shapley / most)}px` });
      const way = parameter.way > 0.3 ? "more of it, more" : parameter.way < -0.3 ? "more of it, less" : "no one way";
      return [parameter.name, parameter.shapley, bar, parameter.permutation, parameter.is_choice ? "a choice" : way];
    })));
  if (found.interactions.length) {
    holder.appendChild(sortable(["acting together", "H²"], found.interactions.slice(0, 10).map((pair) => [pair.pair.join(" with "), pair.h_squared])));
  }
}
listen((what) => { if (what === "task") importance(); });

function misses() {
  const holder = clear(byId("misses"));
  const rows = task().misses;
  if (!rows.length) { holder.appendChild(element("p", "Every evaluation met all bounds.", { class: "hint" })); return; }
  holder.appendChild(sortable(["agent", "evaluations", "what", "reason"], rows.map((miss) => [task().agents[miss.agent], miss.count, miss.what, miss.reason])));
}
listen((what) => { if (what === "task") misses(); });
