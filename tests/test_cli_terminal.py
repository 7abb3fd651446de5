"""What the commands show on a terminal: lines that stay, progress that goes, a cursor that is back; and in a pipe nothing that moves."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from .terminal import HIDE, ROOT, SHOW, run, screen

TRAIN = ("train", "big.npz", "--learning-rate", "0.01", "--param", "tol=0")


@pytest.fixture(autouse=True)
def big(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 50)).astype(np.float32)
    np.savez("big.npz", X=X, y=(X[:, 0] + rng.standard_normal(40_000) > 0).astype(int))


def piped(*args):
    return subprocess.run(
        [sys.executable, "-m", "fastgd", *args],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )


@pytest.mark.parametrize(
    ("columns", "environment", "heading"),
    [
        (100, {}, "epoch  learning rate         loss     val loss  val score"),
        (40, {}, "epoch         loss     val loss"),
        (80, {"NO_COLOR": "1"}, "epoch  learning rate         loss     val loss  val score"),
    ],
)
def test_training_on_a_terminal(columns, environment, heading):
    code, said = run(*TRAIN, "--epochs", 3, "--validation", "20%", columns=columns, **environment)
    assert code == 0 and "epoch 1 of 3" in said and " left" in said
    assert said.count(HIDE) == said.count(SHOW) == 1
    stays = screen(said)
    assert stays[0] == heading and [line.split()[0] for line in stays[1:4]] == ["1", "2", "3"]
    assert stays[4].startswith("fastgd: warning: ") and stays[5].startswith("SGDClassifier: accuracy")
    assert stays[6] == "Saved model.safetensors." and len(stays) == 7
    assert ("\x1b[3" in said) != bool(environment)  # colours


def test_what_a_dumb_terminal_and_a_pipe_are_sent():
    code, said = run(*TRAIN, "--epochs", 2, TERM="dumb")
    assert code == 0 and "\x1b" not in said
    done = piped(*TRAIN, "--epochs", "2")
    assert done.returncode == 0 and [line.split()[0] for line in done.stderr.splitlines()] == [
        "epoch",
        "1",
        "2",
        "fastgd:",
    ]
    assert done.stdout.splitlines()[1] == "Saved model.safetensors."


def test_quiet_and_json():
    code, said = run(*TRAIN, "--epochs", 2, "--quiet")
    assert code == 0 and HIDE not in said and "epoch  " not in said
    done = piped(*TRAIN, "--epochs", "2", "--json")
    assert json.loads(done.stdout)["epochs"] == 2 and done.stderr.startswith("fastgd: warning: ")


def test_ctrl_c_leaves_a_clean_terminal(tmp_path):
    code, said = run(*TRAIN, "--epochs", 1_000_000, "--param", "n_iter_no_change=1000000", interrupt=" left")
    stays = screen(said)
    assert code == 130 and stays[-1] == "fastgd: interrupted"
    assert said.rindex(SHOW) > said.rindex(HIDE) and all("left" not in line for line in stays)
    assert not (tmp_path / "model.safetensors").exists()


def test_choosing_and_sweeping_show_how_far_they_are():
    code, said = run("sweep", "big.npz", "--rates", 4, "--epochs", 3)
    assert code == 0 and "training with 4 rates" in said
    assert screen(said)[0].split() == ["learning", "rate", "loss", "val", "loss"]
    code, said = run("lr-find", "big.npz", columns=40)
    assert code == 0 and "trying learning rates" in said and "Suggested: " in said
    assert all("trying" not in line for line in screen(said)) and said.count(HIDE) == said.count(SHOW) == 1


def test_a_broken_pipe_is_no_traceback():
    piped(*TRAIN, "--epochs", "1", "--quiet")
    for command in (
        ("predict", "model.safetensors", "big.npz"),
        ("schedule", "cosine(1, 5)", "--steps", "5"),
        ("--help",),
    ):
        with subprocess.Popen(
            [sys.executable, "-m", "fastgd", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=".",
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        ) as process:
            process.stdout.read(1)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) in (0, 1, -signal.SIGPIPE)
