#!/usr/bin/env python3
"""The interactive report in a real browser: renders, hover, selection, brushing and sorting work, labels are text, no error on the console.

usage: page.py REPORT.html [SEVERAL.html]     the second one of several tasks and a sweep; needs chromium; nothing but the standard library. Prints what it measured.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile


class Browser:
    """Chromium without a window, spoken to over a pipe in the protocol of its developer tools."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            sys.exit("chromium is not found; Debian: apt-get install chromium")
        self.profile = tempfile.mkdtemp()
        to_child, self.write_end = os.pipe()
        self.read_end, from_child = os.pipe()

        def wire():
            # The protocol's ends are 3 and 4; first out of the way, so that neither is overwritten.
            ends = [os.dup2(to_child, 103), os.dup2(from_child, 104)]
            for number, end in zip((3, 4), ends):
                os.dup2(end, number)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--window-size=1280,2400",
             f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.number, self.rest, self.session, self.problems = 0, b"", None, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.read_end, 1 << 16)
            if not more:
                sys.exit("the browser ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        event, given = message.get("method"), message.get("params", {})
        if event == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(given["exceptionDetails"])[:600])
        elif event == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.problems.append(json.dumps(given["args"])[:600])
        elif event == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.problems.append(given["entry"]["text"])
        return message

    def call(self, method, **given):
        self.number += 1
        message = {"id": self.number, "method": method, "params": given}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, path):
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while self.message().get("method") != "Page.loadEventFired":
            pass

    def ask(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression}: {json.dumps(answer['exceptionDetails'])[:800]}")
        return answer["result"].get("value")

    def mouse(self, kind, x, y, held=False):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if kind != "mouseMoved" or held else "none",
                  buttons=1 if held else 0, clickCount=1)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, held=True)
        self.mouse("mouseReleased", x, y)

    def drag(self, start, end):
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, held=True)
        self.mouse("mouseMoved", *end, held=True)
        self.mouse("mouseReleased", *end)

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def check(what, holds):
    print(("ok    " if holds else "FAILS ") + what)
    if not holds:
        check.failed += 1


check.failed = 0


PAINTED = """(() => { const c = document.querySelector('%s canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"""


def main(path, several=None):
    browser = Browser()
    try:
        for file, test in ((path, run), (several, run_several)):
            if file:
                browser.open(file)
                test(browser, file)
                check("no error on the console", not browser.problems)
                print("\n".join(browser.problems))
    finally:
        browser.close()
    sys.exit(1 if check.failed else 0)


def run_several(browser, path):
    """What is said over tasks, runs and configurations; the default design."""
    ask = browser.ask
    print(f"\n{path}: {os.path.getsize(path) / 1e6:.2f} MB")
    check("labels are text", ask("document.scripts.length === 2 && document.querySelectorAll('main b, main script').length === 0"))
    for chart in ("#ranks", "#profiles", "#attainment", "#lottery", "#tuning", "#convergence"):
        check(f"{chart} is painted", ask(PAINTED % chart) > 1000)
    check("the ranks say who is told apart", ask("/Friedman/.test(byId('standing-notes').textContent) && /old apart/.test(byId('standing-notes').textContent)"))
    check("every agent has a rank", ask("document.querySelectorAll('#ranks-table tbody tr').length === task().agents.length"))
    check("agents are named in angle brackets", ask("byId('ranks-table').textContent.includes('<script>') && byId('profiles').textContent.includes('<script>')"))
    sort = """((id, column) => { const button = document.querySelectorAll(`#${id} th button`)[column]; button.click();
        const read = () => [...document.querySelectorAll(`#${id} tbody tr`)].map((row) => row.cells[column].textContent).filter((text) => text !== '').map(Number);
        const rising = read(); button.click(); const falling = read();
        return rising.length > 1 && rising.every((v, i) => !i || rising[i - 1] <= v) && falling.every((v, i) => !i || falling[i - 1] >= v); })('%s', %d)"""
    for table, column in (("ranks-table", 1), ("attainment-table", 2), ("lottery-table", 5)):
        check(f"heads of #{table} sort", ask(sort % (table, column)))
    check("a quarter of the runs attains at least what three quarters do",
          ask("task().attained.filter((s) => s.share === 0.25).every((s) => task().attained.find((o) => o.agent === s.agent && o.share === 0.75).hypervolume <= s.hypervolume + 1e-9)"))
    # The arrow keys read values off each chart of lines.
    for chart in ("#profiles", "#attainment", "#lottery", "#tuning", "#convergence"):
        ask(f"document.querySelector('{chart} .u-over').focus()")
        browser.key("ArrowRight")
        browser.key("ArrowRight")
        check(f"arrows read values off {chart}", ask(f"!/Move over/.test(document.querySelector('{chart} .readout').textContent)"))
    ask("document.querySelector('#legend input').click()")
    check("hiding an agent repaints", ask(PAINTED % "#attainment") > 1000)
    ask("document.querySelector('#legend input').click()")
    # The last task has one goal, a bound and a default design.
    ask("(() => { const choice = byId('task-choice'); choice.value = DATA.tasks.length - 1; choice.dispatchEvent(new Event('change')); })()")
    check("a task of one goal has no attainment", ask("byId('attainment-section').hidden"))
    check("it has a default design and a bound", ask("task().default_design !== null && task().marks.length === 1 && /default design/.test(byId('parallel-notes').textContent)"))
    for theme in ("dark", "light"):
        ask("byId('theme').click()")
        for chart in ("#scatter", "#ranks", "#profiles", "#lottery", "#tuning"):
            check(f"{chart} is painted after a change of theme", ask(PAINTED % chart) > 1000)


def run(browser, path):
    ask = browser.ask
    points = ask("task().points.agent.length")
    size = os.path.getsize(path)
    check(f"{points} points in {size / 1e6:.2f} MB, under 3 MB", size < 3e6)
    check("the title is that of the study", ask("document.title === DATA.study && byId('title').textContent === DATA.study"))
    check("labels are text", ask("document.scripts.length === 2 && document.querySelectorAll('#legend b, #legend script').length === 0"))
    check("a label in angle brackets is shown", ask("task().agents.every((agent) => byId('legend').textContent.includes(agent))"))
    check("points are drawn", ask("scatter.rows().length === task().points.agent.length"))
    for chart in ("#scatter", "#parallel", "#convergence"):
        check(f"{chart} is painted", ask(PAINTED % chart) > 1000)

    # Where the point of a row lies on the screen.
    spot = """(() => { document.getElementById('scatter').scrollIntoView({ block: 'center' });
        const index = scatter.rows().findIndex((row) => task().points.front[row]); const box = document.querySelector('#scatter canvas').getBoundingClientRect();
        return [box.left + scatter.places()[2 * index], box.top + scatter.places()[2 * index + 1]]; })()"""
    x, y = ask(spot)
    browser.mouse("mouseMoved", x, y)
    check("hovering shows a design", ask("!document.querySelector('.tip').hidden && document.querySelector('.tip').textContent.includes('evaluation')"))
    browser.click(x, y)
    check("a click selects", ask("state.selected.size") == 1)
    check("the selection is a table", ask("document.querySelectorAll('#selection tbody tr').length") == 1)
    check("and a line of --set", ask("byId('set-lines').textContent.startsWith('--set ')"))
    browser.click(x, y)
    check("another click frees it", ask("state.selected.size") == 0)
    left, top, width, height = ask("(() => { const b = document.querySelector('#scatter canvas').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
    browser.drag((left + 0.1 * width, top + 0.05 * height), (left + 0.9 * width, top + 0.9 * height))
    check("dragging selects many", ask("state.selected.size") > 1)
    ask("document.querySelectorAll('#scatter canvas')[1].focus()")
    browser.key("Escape")
    check("Escape clears", ask("state.selected.size") == 0)
    browser.key("ArrowRight")
    browser.key("Enter")
    check("arrows and Enter select", ask("state.selected.size") == 1)

    # Half of the first axis of the parallel coordinates.
    axis = """(() => { document.getElementById('parallel').scrollIntoView({ block: 'center' }); const a = parallel.axes()[0];
        const box = document.querySelector('#parallel canvas').getBoundingClientRect(); return [box.left + a.x, box.top + 45, box.top + 200]; })()"""
    x, top, bottom = ask(axis)
    browser.drag((x, top), (x, bottom))
    kept = ask("scatter.rows().length")
    check(f"a range of an axis keeps {kept} of {points}", 0 < kept < points)
    browser.click(x, top + 5)
    check("a click frees the axis", ask("scatter.rows().length") == points)
    ask("document.querySelector('#legend input').click()")
    check("the legend hides an agent", ask("scatter.rows().every((row) => task().points.agent[row] !== 0)"))
    ask("document.querySelector('#legend input').click()")

    sort = """(() => { const button = document.querySelectorAll('#results th button')[1]; button.click();
        const read = () => [...document.querySelectorAll('#results tbody tr')].map((row) => Number(row.cells[1].textContent));
        const rising = read(); button.click(); const falling = read();
        return [rising.every((v, i) => !i || rising[i - 1] <= v), falling.every((v, i) => !i || falling[i - 1] >= v), button.parentElement.getAttribute('aria-sort')]; })()"""
    check("heads sort", ask(sort) == [True, True, "descending"])
    ask("byId('theme').click()")
    check("dark and light", ask("['dark', 'light'].includes(document.documentElement.dataset.theme)"))

    frames = """(async () => { const times = []; for (let i = 0; i < 40; i++) { const start = performance.now(); %s;
        await new Promise((next) => requestAnimationFrame(next)); times.push(performance.now() - start); } times.sort((a, b) => a - b); return [times[20], times[39]]; })()"""
    for what, work in (("hovering", "document.querySelectorAll('#scatter canvas')[1].dispatchEvent(new PointerEvent('pointermove', { clientX: 100 + 10 * i, clientY: 300 }))"),
                       ("drawing all points anew", "scatter.redraw()"), ("drawing all lines anew", "parallel.paint()")):
        median, longest = ask(frames % work)
        print(f"      {what}: {median:.1f} ms a frame in the median, {longest:.1f} ms at most, {points} points")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
