"use strict";
// The page: overview, choice of the task, legend, the study; starts everything.

document.title = DATA.study;
byId("title").textContent = DATA.study;
byId("description").textContent = DATA.description;

byId("overview-body").appendChild(element("p", `${DATA.tasks.length} tasks, ${DATA.budget} evaluations per search, ${DATA.seeds.length} seeds; hwgym ${DATA.hwgym}. ${DATA.state}`));
byId("overview-body").appendChild(sortable(["task", ...DATA.table.heads], DATA.table.rows.map((row) => row.slice())));

DATA.tasks.forEach((of, index) => byId("task-choice").appendChild(element("option", of.name, { value: index })));
byId("task-choice").addEventListener("change", (event) => show(Number(event.target.value)));

function legend() {
  const holder = byId("legend");
  holder.querySelectorAll("label").forEach((label) => label.remove());
  task().agents.forEach((agent, index) => {
    const label = element("label");
    const box = element("input", null, { type: "checkbox" });
    box.checked = !state.hidden.has(index);
    box.addEventListener("change", () => { box.checked ? state.hidden.delete(index) : state.hidden.add(index); changed("legend"); });
    label.append(box, " ", swatch(index), document.createTextNode(agent));
    holder.appendChild(label);
  });
}

function show(index) {
  state.task = index;
  state.hidden.clear();
  state.ranges.clear();
  state.selected.clear();
  const of = task();
  byId("task-notes").textContent = of.notes.join(" ");
  byId("points-notes").textContent = of.points_note;
  clear(byId("results")).appendChild(sortable(of.table.heads, of.table.rows.map((row) => row.slice())));
  legend();
  changed("task");
}

byId("filter").addEventListener("change", (event) => { state.frontOnly = event.target.value === "front"; changed("filter"); });

function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", String(dark));
  changed("theme");
}
byId("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));

const study = byId("study-body");
study.appendChild(element("h3", "Environments and versions"));
DATA.environments.forEach((environment) => {
  study.appendChild(sortable(["what", "value"], [["label", environment.label], ["id", environment.id], ["options", environment.options], ...environment.provenance]));
});
study.appendChild(element("h3", "Inputs"));
study.appendChild(DATA.inputs.length ? sortable(["file", "bytes", "BLAKE3"], DATA.inputs) : element("p", "No files.", { class: "hint" }));
study.appendChild(element("p", `Seeds: ${DATA.seeds.join(", ")}. BLAKE3 of the study: ${DATA.study_hash}.`));
study.appendChild(element("h3", "The study file"));
study.appendChild(element("pre", DATA.study_file));

let resized;
window.addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => changed("theme"), 150); });
if (DATA.tasks.length) show(0);
theme(window.matchMedia("(prefers-color-scheme: dark)").matches);
