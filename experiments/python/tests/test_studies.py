"""Studies: run, stopped, gone on with, read; the same records as those of the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import hwgym
import pytest

STUDY = {
    "name": "first",
    "environments": [
        {
            "id": "dram-controller-v0",
            "label": "dram",
            "options": {"workload": "random:requests=200"},
            "objectives": ["energy-and-time", "low-energy"],
        }
    ],
    "agents": [{"id": "random"}, {"id": "genetic", "hyperparameters": {"population": [8, 16]}}],
    "seeds": 2,
    "budget": 15,
}


def without_clock(directory):
    """Records without what differs between runs."""
    records = {}
    for path in sorted((directory / "trials").glob("*.jsonl")):
        lines = [line[line.index("{") :] for line in path.read_text().splitlines()]
        read = [json.JSONDecoder().raw_decode(line)[0] for line in lines]
        records[path.name] = [{k: v for k, v in each.items() if k not in ("wall", "crc")} for each in read if "end" not in each]
    return records


def test_a_study_runs_and_is_read(tmp_path):
    study = hwgym.run_study(STUDY, out="out", progress=False)
    assert study.complete and study.tasks == ["dram/energy-and-time", "dram/low-energy"]
    table = study.trials_dataframe()
    assert len(table) == 2 * 3 * 2 * 15
    assert set(table["agent"]) == {"random", "genetic#1", "genetic#2"}
    low = table[table["objective"] == "low-energy"]
    best = study.best("dram/low-energy")
    assert best["value"] == low["energy_pj"].min() == -low["reward"].max()
    front = study.front("dram/energy-and-time")
    both = table[table["objective"] == "energy-and-time"]
    for _, point in front.iterrows():
        dominating = both[(both["reward_1"] > -point.iloc[0]) & (both["reward_2"] > -point.iloc[1])]
        assert dominating.empty
    assert study.convergence("dram/low-energy").shape == (15, 6)
    page = study.report()
    assert page.startswith("#") and all(file.is_file() for file in page.files)
    assert "<table>" in study._repr_html_() and "dram" in study.summary()
    with pytest.raises(ValueError, match="say which task: dram/energy-and-time"):
        study.front()
    with pytest.raises(ValueError, match="look at `front`"):
        study.best("dram/energy-and-time")
    assert hwgym.load("out").tasks == study.tasks


def test_records_are_those_of_the_command_line(tmp_path):
    from hwgym._ron import dumps

    (tmp_path / "study.ron").write_text(dumps(STUDY))
    hwgym.run_study("study.ron", out="python", jobs=2)
    program = [sys.executable, "-m", "hwgym"]
    done = subprocess.run([*program, "run", "study.ron", "--out", "program"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    records = without_clock(tmp_path / "python")
    assert len(records) == 12 and records == without_clock(tmp_path / "program")


def test_mistakes_have_a_place(tmp_path):
    (tmp_path / "study.ron").write_text(
        '(name: "x",\n  environments: [(id: "dram-controler-v0")],\n agents: [(id: "random")], seeds: 1, budget: 1)'
    )
    with pytest.raises(ValueError, match=r"study.ron:2:\d+.*did you mean `dram-controller-v0`"):
        hwgym.run_study("study.ron")
    with pytest.raises(ValueError, match="budget"):
        hwgym.run_study({**STUDY, "budget": 0})
    with pytest.raises(ValueError, match="there is no field `sedes`"):
        hwgym.run_study({**STUDY, "sedes": 1})
    hwgym.run_study({**STUDY, "budget": 1}, out="out")
    with pytest.raises(ValueError, match="exists already"):
        hwgym.run_study({**STUDY, "budget": 1}, out="out")
    with pytest.raises(ValueError):
        hwgym.load("nowhere")


def test_ctrl_c_stops_a_study_and_resume_goes_on(tmp_path):
    study = {
        **STUDY,
        "environments": [{"id": "dram-controller-v0", "options": {"workload": "random:requests=3000"}}],
        "budget": 300,
        "seeds": 3,
    }
    script = f"import hwgym; hwgym.run_study({study!r}, out='out', jobs=1, progress=False)"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(tmp_path.glob("out/trials/*.jsonl")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode != 0 and "KeyboardInterrupt" in error
    stopped = hwgym.load("out")
    assert not stopped.complete
    made = len(stopped.trials_dataframe())
    assert made > 0
    whole = hwgym.resume("out", jobs=2, progress=False)
    assert whole.complete and len(whole.trials_dataframe()) > made


def test_progress_is_shown(capsys):
    hwgym.run_study({**STUDY, "budget": 2}, out="out", progress=True)
    assert "evaluation" in capsys.readouterr().err


def test_the_program_is_in_the_wheel():
    program = os.path.join(os.path.dirname(sys.executable), "hwgym")
    shown = subprocess.run([program, "env", "list"], capture_output=True, text=True, check=True)
    assert "dram-controller-v0" in shown.stdout and "python" in shown.stdout
    wrong = subprocess.run([program, "run", "no-such.ron"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "no-such.ron" in wrong.stderr
