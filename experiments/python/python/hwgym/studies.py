"""Studies: run, gone on with, and read into tables."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _native
from ._html import table
from ._ron import dumps

if TYPE_CHECKING:
    import pandas


class Report(str):
    """The report of a study, in Markdown; `files` are the report itself, tables and plots."""

    files: list[Path]

    def _repr_markdown_(self) -> str:
        return str(self)


class Study:
    """A study's directory: what it is, and what its records say."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._read()

    def _read(self, allow_unfinished: bool = True) -> dict[str, Any]:
        read = json.loads(_native.read_study(self.directory, allow_unfinished))
        #: What the study is: environments, tasks, contestants, seeds, budget, inputs by content.
        self.manifest: dict[str, Any] = read["manifest"]
        #: True if every trial is over.
        self.complete: bool = read["complete"]
        return read

    @property
    def tasks(self) -> list[str]:
        """`environment/objective` of every task."""
        return [f"{task['environment']}/{task['objective']['name']}" for task in self.manifest["tasks"]]

    def _task(self, task: str | None) -> dict[str, Any]:
        tasks = dict(zip(self.tasks, self._read()["report"]["tasks"], strict=True))
        if task is None and len(tasks) == 1:
            return next(iter(tasks.values()))
        if task not in tasks:
            asked = "say which task" if task is None else f"no task is called `{task}`"
            raise ValueError(f"{asked}: {', '.join(tasks)}")
        return tasks[task]

    def trials_dataframe(self) -> pandas.DataFrame:
        """A row per evaluation.

        `environment`, `objective`, `agent`, `seed`, `evaluation` (from 1), the parameters, the metrics in their units, `outcome`, `reason`,
        `reward` (`reward_1`, ... with several goals), `violation`, `fidelity`, `evaluation_s`. A metric that is called as a parameter is
        followed by ` (metric)`.
        """
        import pandas

        rows = []
        for trial in json.loads(_native.study_records(self.directory)):
            head = {name: trial[name] for name in ("environment", "objective", "agent", "seed")}
            for record in trial["records"]:
                outcome, design = record["outcome"], record["design"]
                metrics = {(f"{name} (metric)" if name in design else name): value for name, value in outcome.get("metrics", {}).items()}
                rewards = record["rewards"]
                named = (
                    {"reward": rewards[0]} if len(rewards) == 1 else {f"reward_{index + 1}": reward for index, reward in enumerate(rewards)}
                )
                fidelity = record.get("fidelity")
                rows.append(
                    head
                    | {"evaluation": record["evaluation"]}
                    | design
                    | metrics
                    | {"outcome": outcome["status"], "reason": outcome.get("constraint") or outcome.get("reason")}
                    | named
                    | {
                        "violation": record["violation"],
                        "fidelity": fidelity["name"] if fidelity else "full",
                        "evaluation_s": record["wall"]["evaluation_s"],
                    }
                )
        return pandas.DataFrame(rows)

    def front(self, task: str | None = None) -> pandas.DataFrame:
        """The Pareto front over all trials of a task: a column per goal in its unit, `agent`, `seed`, `evaluation`, the parameters.

        With one goal it is the best design. `task` may be left out where there is one. Errors: `ValueError` for an unknown task.
        """
        import pandas

        read = self._task(task)
        labels = [_label(goal) for goal in read["goals"]]
        rows = [
            dict(zip(labels, point["values"], strict=True))
            | {"agent": point["contestant"], "seed": point["seed"], "evaluation": point["evaluation"]}
            | point["design"]
            for point in read["front"]
        ]
        frame = pandas.DataFrame(rows, columns=None if rows else labels)
        return frame.sort_values(labels[0], ignore_index=True) if rows else frame

    def best(self, task: str | None = None) -> dict[str, Any] | None:
        """The best design of a task with one goal: `value` in the goal's unit, `goal`, `agent`, `seed`, `evaluation`, `design`; None if
        nothing was feasible. Errors: `ValueError` with several goals."""
        read = self._task(task)
        if len(read["goals"]) > 1:
            raise ValueError("several goals have no one best design; look at `front`")
        if not read["front"]:
            return None
        point = read["front"][0]
        return {
            "goal": _label(read["goals"][0]),
            "value": point["values"][0],
            "agent": point["contestant"],
            "seed": point["seed"],
            "evaluation": point["evaluation"],
            "design": point["design"],
        }

    def convergence(self, task: str | None = None) -> pandas.DataFrame:
        """Quality after every evaluation: the best value so far, or the share of the hypervolume in percent. A column per agent and
        seed."""
        import pandas

        def after_each(trial: dict[str, Any]) -> list[float]:
            # The report has steps: a value holds until the next.
            values = [float("nan")] * trial["evaluations"]
            for evaluation, quality in trial["convergence"]:
                values[evaluation - 1 :] = [quality] * (trial["evaluations"] - evaluation + 1)
            return values

        columns = {
            (contestant["label"], trial["seed"]): after_each(trial)
            for contestant in self._task(task)["contestants"]
            for trial in contestant["trials"]
            if trial["counted"]
        }
        frame = pandas.DataFrame({key: pandas.Series(values, dtype=float) for key, values in columns.items()})
        frame.index = frame.index + 1
        frame.index.name = "evaluation"
        return frame

    def summary(self) -> str:
        """What `hwgym report` prints."""
        return self._read()["summary"]

    def report(self, allow_unfinished: bool = False) -> Report:
        """Writes tables, plots and a page into `report/`, and returns the page."""
        files = [Path(file) for file in _native.write_report(self.directory, allow_unfinished)]
        page = Report(files[0].read_text(encoding="utf-8"))
        page.files = files
        return page

    def __repr__(self) -> str:
        state = "complete" if self.complete else "not complete"
        return f"<Study {self.manifest['name']} in {self.directory}: {', '.join(self.tasks)}; {state}>"

    def _repr_html_(self) -> str:
        parts = []
        for task in self._read()["report"]["tasks"]:
            labels = [_label(goal) for goal in task["goals"]]
            quality = labels[0] if len(labels) == 1 else "share of the hypervolume, %"
            rows = []
            for contestant in task["contestants"]:
                spread = contestant["quality"] or {}
                median = next((spread[name] for name in ("median", "middle") if name in spread), "")
                rows.append((contestant["label"], len(contestant["trials"]), median))
            name = f"{task['environment']}/{task['objective']}"
            parts.append(table(("agent", "trials", f"median {quality}"), rows, name))
            front = [[*point["values"], point["contestant"], *point["design"].values()] for point in task["front"][:20]]
            if front:
                header = [*labels, "agent", *task["front"][0]["design"]]
                parts.append(table(header, front, f"front of {name}: {len(task['front'])} designs"))
        return "".join(parts)


def _label(goal: Mapping[str, Any]) -> str:
    return f"{goal['name']} ({goal['unit']})" if goal["unit"] else goal["name"]


@contextlib.contextmanager
def _progress(show: bool, total: int, trials: int) -> Iterator[Callable[[int, int], None]]:
    """Shows how far a study is: by tqdm where it is installed, otherwise as a line on standard error."""
    if not show:
        yield lambda evaluations, over: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:

        def line(evaluations: int, over: int) -> None:
            sys.stderr.write(f"\r{evaluations}/{total} evaluations, {over}/{trials} trials")
            sys.stderr.flush()

        yield line
        sys.stderr.write("\n")
        return
    with tqdm(total=total, unit="evaluation") as bar:

        def shown(evaluations: int, over: int) -> None:
            bar.set_postfix_str(f"{over}/{trials} trials", refresh=False)
            bar.update(evaluations - bar.n)

        yield shown


def run_study(
    study: str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    *,
    jobs: int = 0,
    cache: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Study:
    """Runs a study: every environment with every agent, set of hyperparameters and seed. Records, report and plots are as those of `hwgym
    run`.

    `study` is a RON file, or the same as a mapping: ``{"name": "first", "environments": [{"id": "dram-controller-v0", "options":
    {"workload": "sort"}, "objectives": ["both"]}], "agents": [{"id": "random"}], "seeds": 2, "budget": 50}``; relative paths of a mapping
    are meant against the current folder. `out` must not exist yet (`out/NAME`, `out/NAME-2`, ... if left out). `jobs` searches run at the
    same time, 0 for one per processor; the results are the same. `cache` is a folder of results that several studies share.

    Ctrl-C ends it after the evaluations at work; `hwgym.resume(out)` goes on. Errors: `ValueError` with file, line and column for a study
    that cannot work; `RuntimeError` for a trial that failed, when the others are over.
    """
    is_file = isinstance(study, (str, os.PathLike))
    text, path = (None, Path(study)) if is_file else (dumps(study), Path("study.ron"))
    name, trials, evaluations = _native.check_study(text, path)
    directory = Path(out) if out is not None else _free(Path("out", name))
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _progress(_shown(progress), trials * evaluations, trials) as tick:
        _native.run_study(text, path, directory, jobs, cache, tick)
    return Study(directory)


def resume(
    directory: str | os.PathLike[str],
    *,
    jobs: int = 0,
    cache: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Study:
    """Goes on with a study that was stopped: recorded evaluations are not made again. See `run_study`."""
    study = Study(directory)
    trials = len(study.tasks) * len(study.manifest["contestants"]) * len(study.manifest["seeds"])
    with _progress(_shown(progress), trials * study.manifest["stages"][-1], trials) as tick:
        _native.resume_study(study.directory, jobs, cache, tick)
    return Study(directory)


def _shown(progress: bool | None) -> bool:
    return sys.stderr.isatty() if progress is None else progress


def _free(path: Path) -> Path:
    """The path, or the first of `path-2`, `path-3`, ... that is not there."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def load(directory: str | os.PathLike[str]) -> Study:
    """The study in this directory, finished or not. Errors: `ValueError` for a directory that holds none."""
    return Study(directory)
