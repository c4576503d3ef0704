//! What the page knows, as JSON.

use std::collections::HashSet;

use hwgym_envs::random::derive_seed;
use serde_json::{Value, json};

use super::points::{Points, Row, rounded};
use super::{BYTES, POINTS};
use crate::publication::across::sentences;
use crate::report::{ContestantReport, CurvePoint, Standing, TaskReport, WITHIN, band_label, curve};
use crate::statistics::{Importance, by_mean_result, parameter_importance};
use crate::{Report, Store, StudyError};

/// Points of a curve at most.
const SHOWN: usize = 300;

/// Contestants up to which each has its curves.
const CURVES: usize = 48;

pub(super) fn of(report: &Report, store: &Store) -> Result<Value, StudyError> {
    let manifest = store.manifest();
    let share = report.tasks.len().max(1);
    let limit = (POINTS / share, BYTES / share);
    let tasks = report.tasks.iter().map(|task_report| task(task_report, store, limit));
    let inputs = manifest
        .inputs
        .files
        .iter()
        .map(|file| json!([file.name.display().to_string(), file.bytes, file.hash]));
    let environments = manifest.environments.iter().map(|environment| {
        json!({
            "label": environment.label,
            "id": environment.id,
            "options": environment.options,
            "provenance": environment.provenance,
        })
    });
    Ok(json!({
        "study": report.study,
        "description": report.description,
        "hwgym": report.hwgym,
        "budget": report.budget,
        "seeds": manifest.seeds,
        "state": if report.is_complete() { "Every search is over." } else { "Some searches are not over: the tables say what is counted." },
        "study_file": std::fs::read_to_string(store.directory().join("study.ron")).unwrap_or_default(),
        "study_hash": manifest.study_hash,
        "environments": environments.collect::<Vec<_>>(),
        "inputs": inputs.collect::<Vec<_>>(),
        "table": overview(report),
        "standing": report.standing.as_ref().map(standing),
        "tasks": tasks.collect::<Result<Vec<_>, _>>()?,
    }))
}

/// One line per task: what the best contestant found.
fn overview(report: &Report) -> Value {
    let rows = report.tasks.iter().map(|task| {
        let median = |c: &&ContestantReport| {
            c.quality.map(|q| if task.smaller_is_better() { q.median } else { -q.median })
        };
        let best = (task.contestants.iter().filter(|c| c.quality.is_some()))
            .min_by(|a, b| median(a).partial_cmp(&median(b)).unwrap_or(std::cmp::Ordering::Equal));
        let known = match (task.known_optimum, task.known_front) {
            (Some(optimum), _) => json!(optimum),
            (None, true) => json!("known front"),
            (None, false) => json!("not known"),
        };
        json!([
            task.name(),
            best.map(ContestantReport::title),
            best.and_then(|c| c.quality).map(|quality| quality.median),
            task.quality_label(),
            known,
        ])
    });
    json!({ "heads": ["best agent by median", "its median", "of what", "optimum"], "rows": rows.collect::<Vec<_>>() })
}

fn task(task: &TaskReport, store: &Store, limit: (usize, usize)) -> Result<Value, StudyError> {
    let points = Points::of(task, store, limit)?;
    let shown = best_contestants(task);
    let curves = |value: &dyn Fn(f64) -> f64| -> Vec<Value> {
        let of = |(number, contestant): (usize, &ContestantReport)| {
            let mut curve = if shown.contains(&number) { curve(contestant, value) } else { Vec::new() };
            // A value holds until the next: only where it changes, and the end.
            let last = curve.last().map_or(0, |point| point.evaluation);
            let mut before = None;
            curve.retain(|point| {
                let level = [point.low, point.median, point.high].map(f64::to_bits);
                before.replace(level) != Some(level) || point.evaluation == last
            });
            let column =
                |of: fn(&CurvePoint) -> f64| curve.iter().map(|p| rounded(of(p))).collect::<Vec<_>>();
            json!({
                "evaluation": curve.iter().map(|p| p.evaluation).collect::<Vec<_>>(),
                "median": column(|p| p.median),
                "low": column(|p| p.low),
                "high": column(|p| p.high),
            })
        };
        task.contestants.iter().enumerate().map(of).collect()
    };
    let regret = if task.known_optimum.is_some() {
        curves(&|q| 100.0 * task.regret(q).unwrap_or(f64::NAN))
    } else {
        Vec::new()
    };
    let seeds =
        task.contestants.iter().map(|c| c.trials.iter().filter(|t| t.counted).count()).max().unwrap_or(0);
    let thinned = points.rows.len() < points.all;
    Ok(json!({
        "name": task.name(),
        "goals": task.goals.iter().map(|goal| json!({ "label": goal.label(), "less": goal.sign < 0.0 })).collect::<Vec<_>>(),
        "agents": task.contestants.iter().map(ContestantReport::title).collect::<Vec<_>>(),
        "quality": task.quality_label(),
        "known_optimum": task.known_optimum,
        "known_front": task.known_values.iter().take(2_000).collect::<Vec<_>>(),
        "marks": task.marks.iter().map(|mark| json!({ "goal": mark.goal, "value": mark.value, "what": mark.what })).collect::<Vec<_>>(),
        "default_design": task.default_design.as_ref().map(|default| json!({ "values": default.values, "keeps_bounds": default.keeps_bounds, "design": default.design })),
        "band": format!(
            "Steps: a value holds until the next. Line and band: {}.{}",
            band_label(seeds),
            if shown.len() < task.contestants.len() {
                format!(" The {} best of {} agents by median; convergence.csv beside this page has all.", shown.len(), task.contestants.len())
            } else {
                String::new()
            }
        ),
        "notes": notes(task),
        "points_note": format!(
            "{}{} The hollow marks are the best ones of each agent. Real numbers have six digits here, and all of them in the CSV files.",
            if thinned {
                format!("{} of {} evaluations within all bounds, thinned evenly; the best of each agent are all there.", points.rows.len(), points.all)
            } else {
                format!("All {} evaluations within all bounds.", points.all)
            },
            if task.goals.len() > 2 { " Two of several goals at a time: a projection." } else { "" },
        ),
        "table": table(task),
        "curves": curves(&|quality| quality),
        "regret": regret,
        "lottery": task.lottery.iter().map(|tuned| json!({
            "agent": tuned.agent,
            "barren": tuned.barren,
            "count": tuned.values.len(),
            "values": evenly(&tuned.values, SHOWN),
            "expected": tuned.expected.iter().map(|e| json!([e.k, e.value, e.low, e.high])).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "attained": task.attained.iter().map(|surface| json!({
            "agent": surface.contestant,
            "share": surface.share,
            "runs": surface.runs,
            "hypervolume": surface.hypervolume,
            "count": surface.points.len(),
            "points": evenly(&surface.points, SHOWN),
        })).collect::<Vec<_>>(),
        "misses": points.misses.iter().map(|(agent, what, reason, count)| json!({ "agent": agent, "what": what, "reason": reason, "count": count })).collect::<Vec<_>>(),
        "importance": importance(task, &points.rows),
        "points": points.json(task.goals.len()),
    }))
}

/// Places of the contestants whose curves are shown: all, or the best ones by median where they are very many.
fn best_contestants(task: &TaskReport) -> HashSet<usize> {
    let mut places: Vec<usize> = (0..task.contestants.len()).collect();
    if places.len() > CURVES {
        let median = |place: &usize| {
            task.contestants[*place]
                .quality
                .map_or(f64::INFINITY, |q| if task.smaller_is_better() { q.median } else { -q.median })
        };
        places.sort_by(|a, b| median(a).total_cmp(&median(b)));
        places.truncate(CURVES / 2);
    }
    places.into_iter().collect()
}

/// At most about so many of a list, evenly, both ends among them.
fn evenly<T: Clone>(list: &[T], most: usize) -> Vec<T> {
    let stride = list.len().div_ceil(most).max(1);
    let last = list.len().saturating_sub(1);
    (list.iter().enumerate())
        .filter(|(index, _)| index % stride == 0 || *index == last)
        .map(|(_, of)| of.clone())
        .collect()
}

/// The contestants over all tasks.
fn standing(standing: &Standing) -> Value {
    json!({
        "agents": standing.agents,
        "tasks": standing.ranking.tasks,
        "ranks": standing.ranking.mean_ranks,
        "order": standing.order,
        "critical_difference": standing.ranking.critical_difference,
        "sentences": sentences(standing),
        "within": WITHIN,
        "shares": (0..standing.agents.len()).map(|agent| WITHIN.map(|percent| 100.0 * standing.share_within(agent, percent))).collect::<Vec<_>>(),
        // Infinite where a run found nothing, which JSON writes as null.
        "distances": standing.distances.iter().map(|all| evenly(all, SHOWN)).collect::<Vec<_>>(),
    })
}

fn notes(task: &TaskReport) -> Vec<String> {
    let mut notes = vec![format!("{} evaluations of each search are counted.", task.budget)];
    if !task.bounds.is_empty() {
        notes.push(format!("Only designs count where {}.", task.bounds));
    }
    if let Some(optimum) = task.known_optimum {
        notes.push(format!("The optimum of the whole space is {optimum}."));
    }
    if !task.reference_origin.is_empty() {
        let full = if task.known_front { "the known front" } else { "the front of all searches together" };
        notes.push(format!(
            "Hypervolume in % of that of {full}; its reference point is {}.",
            task.reference_origin
        ));
    }
    notes
}

/// The table of a task: numbers stay numbers, so that the page can sort them.
fn table(task: &TaskReport) -> Value {
    let few = task.has_few_seeds();
    let mut heads: Vec<String> = vec!["agent".into(), format!("median {}", task.quality_label())];
    heads.extend(if few { ["minimum", "maximum"] } else { ["95 % from", "95 % to"] }.map(String::from));
    heads.extend(["seeds", "evaluations", "within bounds", "p against the best"].map(String::from));
    if task.known_optimum.is_some() {
        heads.extend(["median regret (%)", "at the optimum"].map(String::from));
    }
    if !task.target.is_empty() {
        heads.extend([format!("solved ({})", task.target), "expected evaluations until then".into()]);
    }
    let rows = task.contestants.iter().map(|contestant| {
        let quality = contestant.quality;
        let interval = quality.map(|q| if few { (q.minimum, q.maximum) } else { q.confidence });
        let counted = contestant.trials.iter().filter(|t| t.counted);
        let mut row = vec![
            json!(contestant.title()),
            json!(quality.map(|q| q.median)),
            json!(interval.map(|i| i.0)),
            json!(interval.map(|i| i.1)),
            json!(quality.map_or(0, |q| q.count)),
            json!(contestant.evaluations().0),
            json!(counted.map(|t| t.feasible).sum::<usize>()),
            json!(contestant.p_value),
        ];
        if task.known_optimum.is_some() {
            row.push(json!(contestant.regret.map(|r| 100.0 * r.median)));
            row.push(json!(task.at_the_optimum(contestant)));
        }
        if !task.target.is_empty() {
            row.push(json!(contestant.reached.map(|r| format!("{} of {}", r.met, r.runs))));
            row.push(json!(contestant.reached.and_then(|r| r.expected_evaluations)));
        }
        Value::Array(row)
    });
    json!({ "heads": heads, "rows": rows.collect::<Vec<_>>() })
}

/// Which parameters matter for the first goal. Choices become numbers by their mean result, what does not apply lies below all that does.
fn importance(task: &TaskReport, rows: &[Row]) -> Option<Value> {
    let results: Vec<f64> = rows.iter().map(|row| row.values[0]).collect();
    let mut choices = Vec::new();
    let mut columns = Vec::new();
    for name in rows.first()?.design.keys() {
        let cells: Vec<Option<&Value>> =
            rows.iter().map(|row| row.design.get(name).filter(|cell| !cell.is_null())).collect();
        let numbers: Option<Vec<Option<f64>>> = (cells.iter())
            .map(|cell| match cell {
                None => Some(None),
                Some(cell) => cell.as_f64().map(Some),
            })
            .collect();
        let column = match numbers {
            Some(numbers) => {
                let low = numbers.iter().flatten().copied().fold(f64::INFINITY, f64::min);
                numbers.iter().map(|number| number.unwrap_or(low - 1.0)).collect()
            }
            None => {
                choices.push(name.clone());
                by_mean_result(&cells, &results)
            }
        };
        columns.push((name.clone(), column));
    }
    let seed = derive_seed(0, &format!("{}/importance", task.name()));
    let Importance { rows, r_squared, parameters, interactions } =
        parameter_importance(&columns, &results, seed)?;
    let parameters = parameters.into_iter().map(|p| {
        json!({ "is_choice": choices.contains(&p.name), "name": p.name, "permutation": p.permutation, "shapley": p.shapley, "way": p.way })
    });
    Some(json!({
        "of": task.goals[0].label(),
        "rows": rows,
        "r_squared": r_squared,
        "parameters": parameters.collect::<Vec<_>>(),
        "interactions": interactions,
    }))
}
