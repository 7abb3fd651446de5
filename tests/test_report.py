"""Reports: run files, the page in a real browser, the live server."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from fastgd.linear_model import SGDClassifier
from fastgd.report import Run, RunLog, read_run, serve, write
from fastgd.report._diagnosis import diagnose
from fastgd.report._page import page
from fastgd.report._serve import _Server

INSTALL = "headless Chromium is needed: apt-get install chromium"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5))
    return X, (X @ [1.0, 2.0, 0.0, -1.0, 0.5] > 0).astype(int)


def trained(data, path=None, name="first", **parameters):
    X, y = data
    log = RunLog(path, name=name, data={"rows": 300}, parameters={"alpha": 0.1}, command="fastgd train 'x y.svm'")
    options = {"loss": "log_loss", "random_state": 0, "max_iter": 6, "tol": None, **parameters}
    model = SGDClassifier(**options).fit(X, y, X_val=X[:50], y_val=y[:50], callbacks=[log])
    return log.finish(model, score=0.5), model


# Run files


def test_a_run_file_holds_what_the_callback_saw(data, tmp_path):
    path = tmp_path / "run.jsonl"
    run, model = trained(data, path)
    again = read_run(path)
    assert again.header == json.loads(json.dumps(run.header)) and again.epochs == run.epochs
    assert (
        again.header["stop_reason"] == "max_iter"
        and again.header["score"] == 0.5
        and again.header["model"] == "SGDClassifier"
    )
    history = again.history()
    for name in ("loss", "val_loss", "val_score", "step", "epoch", "grad_norm"):
        np.testing.assert_array_equal(history[name], model.history_[name])


def test_a_run_that_goes_on_is_read_as_far_as_it_is(data, tmp_path):
    path = tmp_path / "run.jsonl"
    trained(data, path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4]) + lines[4][:20])  # cut while being written
    run = read_run(path)
    assert len(run.epochs) == 3 and "stop_reason" not in run.header


def test_what_is_no_run_is_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    for text, message in (
        ("", "not JSON"),
        ("spam", "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "neither a run"),
        ('{"fastgd_run": 1}\nx\n', ":2 is not JSON"),
        ('{"fastgd_run": 1, "header": 5}\n', ":1: header must be a JSON object"),
        ('{"fastgd_run": 1}\n{"curves": {}}\n', ":2: curves must be a JSON array"),
        ('{"fastgd_run": 1}\n{"curves": [3]}\n', ":2 is neither a run"),
        ('{"learning_rate": [], "loss": []}', "neither a run"),
        (b"\xff\xfe\x00", "it is no text"),
    ):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ValueError, match=message):
            read_run(path)
        with pytest.raises(ValueError, match=message):
            serve([path], port=0)
    with pytest.raises(FileNotFoundError):
        read_run(tmp_path / "missing")
    with pytest.raises(ValueError, match="'path' argument of write"):
        write([Run({})], tmp_path / "page.txt")
    with pytest.raises(ValueError, match="'runs' argument of write"):
        write([], tmp_path / "page.html")


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ([{"loss": 2.0 * 0.8**k} for k in range(10)], "was still falling, by 20.0% an epoch"),
        ([{"loss": 1.0 + 0.5**k} for k in range(20)], "is flat now"),
        (
            [{"loss": 1 / (k + 1), "val_loss": abs(k - 3) + 1.0} for k in range(8)],
            "lowest after epoch 4 (1) and has risen by 400%",
        ),
        (
            [{"loss": 1.0 + (k % 2), "learning_rate": 0.7} for k in range(9)],
            "rose in 4 of 8 epochs: the learning rate (0.7) is at the edge",
        ),
        ([{"loss": None}, {"loss": None}], ""),
        ([], ""),
    ],
)
def test_the_diagnosis(epochs, words):
    found = diagnose(Run({}, epochs))
    assert words in " ".join(found) and bool(found) == bool(words)


# The page


def browse(path, tmp_path, *flags):
    """Return the page's elements after its script has run, and what the browser's console said."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    command = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--window-size=1300,2000",
    ]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run(
        [*command, profile, "--virtual-time-budget=5000", *flags, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_in_a_browser(data, tmp_path):
    runs = [trained(data)[0], trained(data, alpha=0.01)[0]]
    runs[1].curves.append(
        {"learning_rate": [0.1, 1.0, 10.0], "loss": [[1.0, 0.5, None], [0.9, 0.4, None]], "best_learning_rate": 1.0}
    )
    path = tmp_path / "page.html"
    write(runs, path)
    text = path.read_text()
    assert not re.search(r"(src|href)=[\"']https?:", text)  # no network
    elements, said = browse(path, tmp_path)
    assert said == []
    assert elements.count("<canvas") == 7  # six charts and the sweep
    for words in (
        "first training from ",
        "first (2) validation from ",
        "the best rate is 1",
        "fastgd train 'x y.svm'",
        "Training ended because max_iter epochs were done.",
        "Download as CSV",
        "first (2): 6 epochs",
    ):
        assert words in elements, words
    assert elements.count('role="img"') == 7 and elements.count("<caption>") == 3


def test_the_controls_of_the_page(data, tmp_path):
    """Everything is done with the elements that a keyboard reaches."""
    script = """
    const seen = {};
    const click = element => { element.click(); };
    const boxes = () => [...document.querySelectorAll("#runs input")];
    seen.labels = charts[0].series.map(each => each.label);
    click(boxes()[0]);
    seen.filtered = charts[0].series.map(each => each.label);
    click(boxes()[0]);
    click(document.querySelector("input[value=step]"));
    seen.last = charts[0].data[0].at(-1);
    click(document.querySelector("input[name=log]"));
    seen.log = charts[0].scales.y.distr;
    const form = document.getElementById("controls").elements;
    form.from.value = "600"; form.to.value = "1200";
    form.to.dispatchEvent(new Event("change", {bubbles: true}));
    setTimeout(() => {
      seen.ranges = charts.map(each => [each.scales.x.min, each.scales.x.max]);
      charts[2].setScale("x", {min: 300, max: 900});
      setTimeout(() => {
        seen.synced = charts.map(each => [each.scales.x.min, each.scales.x.max]);
        seen.shown = [form.from.value, form.to.value];
        click(document.getElementById("theme"));
        seen.theme = document.documentElement.dataset.theme;
        const out = document.createElement("pre"); out.id = "seen"; out.textContent = JSON.stringify(seen); document.body.append(out);
      }, 300);
    }, 300);
    """
    path = tmp_path / "page.html"
    text = page([trained(data)[0], trained(data, name="second", alpha=0.01)[0]])
    path.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    elements, said = browse(path, tmp_path)
    assert said == []
    seen = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', elements)[1])
    assert seen["labels"] == ["epoch", "first training", "first validation", "second training", "second validation"]
    assert seen["filtered"] == ["epoch", "second training", "second validation"]
    assert seen["last"] == 1800 and seen["log"] == 3
    assert all(each == [600, 1200] for each in seen["ranges"])
    assert all(each == [300, 900] for each in seen["synced"]) and seen["shown"] == ["300", "900"]
    assert seen["theme"] == "dark"


@pytest.mark.parametrize("width", [340, 800])
def test_nothing_is_cut_off_in_narrow_windows(data, tmp_path, width):
    run = trained(data)[0]
    test = {
        "learning_rate": [0.1, 1.0],
        "loss": [[1.0, 0.9], [0.5, 0.6]],
        "suggestions": {"valley": {"learning_rate": 0.3}},
    }
    text = page([run, Run({"name": "a-name-without-any-blank-in-it" * 3}, [], [test])])
    (tmp_path / "page.html").write_text(text)
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"""<iframe src="page.html" style="border:0;width:{width}px;height:3000px"></iframe><pre id="seen"></pre><script>
        addEventListener("load", () => {{
          const inside = document.querySelector("iframe").contentDocument;
          inside.querySelectorAll("details").forEach(each => {{ each.open = true; }});
          const found = [inside.documentElement.scrollWidth, inside.querySelectorAll("caption").length];
          document.getElementById("seen").textContent = found.join(" ");
        }});</script>"""
    )
    elements, said = browse(frame, tmp_path, "--allow-file-access-from-files")
    assert said == []
    wide, tables = map(int, re.search(r'<pre id="seen">(.*?)</pre>', elements)[1].split())
    assert wide <= width and tables == 2


def test_tables_and_cards_of_sweeps_and_range_tests(tmp_path):
    test = {
        "learning_rate": [0.1, 1.0],
        "loss": [[1.0, 0.9], [0.5, 0.6]],
        "suggestions": {"valley": {"learning_rate": 0.3}},
    }
    swept = {
        "learning_rate": [0.1, 1.0, 2.0],
        "loss": [[3, 2, 1]],
        "val_loss": [[3, 2, None], [2, 1, None]],
        "best_learning_rate": 1.0,
    }
    path = tmp_path / "page.html"
    write([Run({"name": "find"}, [], [test]), Run({"name": "sweep"}, [], [swept])], path)
    elements, said = browse(path, tmp_path)
    assert said == []
    for words in (
        "<dt>range test</dt><dd>valley 0.3</dd>",
        "<dt>sweep</dt><dd>the best rate is 1</dd>",
        "find, rates: 2 learning rates of a range test",
        "sweep, rates: 3 learning rates of a sweep",
        '<th scope="col">loss seed 2</th>',
        '<th scope="col">val loss epoch 2</th>',
        "<tr><td>2</td><td>–</td><td>–</td></tr>",
    ):
        assert words in elements, words


def test_names_cannot_leave_their_element(tmp_path):
    nasty = "</script><script>document.title='stolen'</script><img src=x onerror=alert(1)>%%DATA%%"
    run = Run({"name": nasty, "data": {nasty: nasty}, "command": nasty}, [{"epoch": 1, "loss": 1.0}])
    path = tmp_path / "page.html"
    write([run], path)
    elements, said = browse(path, tmp_path)
    assert said == [] and "<title>stolen" not in elements and "<img" not in elements
    assert "Download as CSV" in elements


# The live server


@pytest.fixture
def server(data, tmp_path):
    path = tmp_path / "run.jsonl"
    with _Server(0, (path,)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", path
        running.ended.set()
        running.shutdown()
        thread.join()


def events(stream):
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_a_run_is_followed_while_it_grows(server, data):
    address, path = server
    with urllib.request.urlopen(f"{address}/", timeout=10) as answer:
        assert "run.jsonl (waiting)" in answer.read().decode()
    with urllib.request.urlopen(f"{address}/events", timeout=10) as stream:
        found = events(stream)
        assert next(found)[0]["epochs"] == []
        trained(data, path)
        for runs in found:
            if runs[0]["header"].get("stop_reason"):
                break
        assert len(runs[0]["epochs"]) == 6 and runs[0]["diagnosis"]


def test_a_file_that_is_replaced_by_something_else_is_named(server):
    address, path = server
    path.write_bytes(b"\xff spam")
    with urllib.request.urlopen(f"{address}/", timeout=10) as answer:
        assert "run.jsonl (unreadable: " in answer.read().decode()


def test_a_port_that_is_taken(server):
    with pytest.raises(OSError, match=r"cannot be opened .*; choose another one, or 0 for any free one"):
        serve([], port=int(server[0].rpartition(":")[2]))


def test_only_this_machine_is_answered(server):
    address, _ = server
    for path, host, code in (("/", "evil.example:80", 403), ("/../etc/passwd", None, 404)):
        request = urllib.request.Request(address + path, headers={"Host": host} if host else {})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == code
        caught.value.close()


def test_the_command_serves_until_it_is_interrupted(data, tmp_path):
    trained(data, tmp_path / "run.jsonl")
    command = [sys.executable, "-m", "fastgd", "report", "--serve", "--port", "0", str(tmp_path / "run.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert b"const LIVE = true" in answer.read()
        process.send_signal(2)
        since = time.monotonic()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - since < 5
