"""`fastgd demo` and `fastgd info` from end to end, and how the command ends when something goes wrong."""

import json
import signal
import struct
import subprocess
import sys

import pytest
from click.testing import CliRunner

import fastgd
from fastgd import _demo, cli, datasets

OPTIMIZERS = ["GD", "SGD", "momentum", "AdaGrad", "RMSProp", "Adam"]
PEERS = {
    "softmax": ["sklearn SGDClassifier", "sklearn LogisticRegression"],
    "MLP": ["sklearn MLPClassifier sgd", "sklearn MLPClassifier adam"],
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def invoke(*args):
    return CliRunner().invoke(cli.main, args)


def size_of_png(path):
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(content) > 30_000
    return struct.unpack(">II", content[16:24])


def test_demo_prints_every_row_and_draws_the_curves(tmp_path):
    result = invoke("demo", "--data", "digits", "--epochs", "2")
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "digits: 1,437 rows to train on, 360 to test on, 64 features" in lines[0]
    for model, title in (("softmax", "softmax regression"), ("MLP", "MLP 64-32-10, ReLU")):
        first = lines.index(title) + 1
        trainers = [trainer for optimizer in OPTIMIZERS for trainer in (optimizer, optimizer)] + PEERS[model]
        for line, trainer in zip(lines[first:], trainers, strict=False):
            assert line.startswith(f"  {trainer} ")
            epochs, steps, loss, accuracy, seconds = line.split()[-5:]
            assert epochs == "2" or "LogisticRegression" in trainer
            assert int(steps) >= 2
            assert 0 < float(loss) < 20
            assert 0 <= float(accuracy) <= 1
            assert float(seconds) >= 0
    width, height = size_of_png(tmp_path / "fastgd-demo.png")
    assert width > 1000
    assert height > 500
    assert "The curves are in fastgd-demo.png, the sweep is in fastgd-demo-sweep.png." in result.stderr
    assert size_of_png(tmp_path / "fastgd-demo-sweep.png")[0] > 500
    assert "16 learning rates at once" in " ".join(lines)
    assert len([line for line in result.stderr.splitlines() if "accuracy" in line]) == 28


def test_module_gives_json_on_stdout_alone(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "fastgd", "demo", "--data", "digits", "--json"]
    done = subprocess.run(
        [*command, "--picture", "curves.png"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["dataset"], report["n_train"], report["n_test"]) == ("digits", 1437, 360)
    assert len(report["trainings"]) == 28
    for model, peers in PEERS.items():
        group = [t for t in report["trainings"] if t["model"] == model]
        ours, theirs = group[: -len(peers)], group[-len(peers) :]
        assert [t["trainer"] for t in theirs] == peers
        assert min(t["accuracy"] for t in group) > 0.85
        assert max(t["accuracy"] for t in ours) >= max(t["accuracy"] for t in theirs) - 0.02
        for t in ours:
            assert t["steps"] == t["epochs"] * (1 if t["trainer"] == "GD" else 23)
            assert t["curve"][0][0] < t["curve"][-1][0] == t["epochs"]
            assert t["curve"][0][1] > t["curve"][-1][1] == t["loss"]
    size_of_png(tmp_path / "curves.png")


def results(report):
    return [t._replace(seconds=0) for t in report.trainings]


def test_same_seed_same_results_other_seed_others():
    from rich.console import Console

    data = datasets.load_digits()
    first, again, other = (results(_demo.run(data, 1, seed, Console(stderr=True, quiet=True))) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_missing_matplotlib_costs_only_the_picture(monkeypatch, tmp_path):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    result = invoke("demo", "--data", "digits", "--epochs", "1")
    assert result.exit_code == 0
    assert "pip install fastgd[plot]" in result.stderr
    assert not list(tmp_path.iterdir())


def test_missing_data_is_one_line(monkeypatch, tmp_path):
    monkeypatch.delenv("FASTGD_DATA", raising=False)
    monkeypatch.setattr(datasets, "_shares", lambda: [])
    result = invoke("demo", "--data", "fashion-mnist")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("fastgd: error: Fashion-MNIST is not installed")
    assert "apt-get install dataset-fashion-mnist" in result.stderr


def failing(error):
    def run(*args):
        raise error

    return run


def test_default_data_without_fashion_mnist_says_how_to_get_it(monkeypatch):
    monkeypatch.delenv("FASTGD_DATA", raising=False)
    monkeypatch.setattr(datasets, "_shares", lambda: [])
    monkeypatch.setattr(_demo, "run", failing(KeyboardInterrupt()))
    result = invoke("demo")
    assert result.stderr.startswith("For the bigger Fashion-MNIST run: apt-get install dataset-fashion-mnist\n")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "fastgd: interrupted"),
        (RuntimeError("two\nlines"), 1, "fastgd: error: RuntimeError: two lines (--debug shows the traceback)"),
        (MemoryError(), 1, "fastgd: error: MemoryError (--debug shows the traceback)"),
        (PermissionError(13, "Permission denied", "x"), 1, "fastgd: error: x: Permission denied (--debug"),
        (FloatingPointError("nan"), 3, "fastgd: error: FloatingPointError: nan (--debug shows the traceback)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_is_one_line_with_its_exit_code(monkeypatch, error, code, line):
    monkeypatch.setattr(_demo, "run", failing(error))
    result = invoke("demo", "--data", "digits")
    assert result.exit_code == code
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setattr(_demo, "run", failing(RuntimeError("boom")))
    result = invoke("demo", "--data", "digits", "--debug")
    assert isinstance(result.exception, RuntimeError)


@pytest.mark.parametrize(
    "args",
    [
        ("--picture", "curves.jpg"),
        ("--picture", "missing-folder/curves.png"),
        ("--picture", "."),
        ("--epochs", "0"),
        ("--seed", "-1"),
        ("--data", "mnist"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_trained(monkeypatch, args):
    monkeypatch.setattr(_demo, "run", failing(AssertionError("trained")))
    result = invoke("demo", "--data", "digits", *args)
    assert result.exit_code == 2
    assert args[0] in result.stderr


def test_interrupt_ends_with_code_130_and_one_line():
    command = [sys.executable, "-m", "fastgd", "demo", "--data", "digits", "--epochs", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stderr.readline()  # the first training is done
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1] == "fastgd: interrupted"
    assert "Traceback" not in stderr


def test_info_prints_what_fastgd_info_says():
    facts = fastgd.info()
    assert json.loads(invoke("info", "--json").stdout) == json.loads(json.dumps(facts))
    lines = invoke("info").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(facts)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from fastgd.cli import main; main(['--help'], standalone_mode=False);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'numba', 'scipy', 'sklearn', 'matplotlib', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "demo" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
