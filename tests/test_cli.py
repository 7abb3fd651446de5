"""The commands from end to end, on every kind of file, with wrong input, and how they end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import dump_svmlight_file, load_breast_cancer, load_diabetes, load_iris
from sklearn.preprocessing import MaxAbsScaler

import fastgd
from fastgd import cli, schedules


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def invoke(*args):
    with (
        pytest.MonkeyPatch.context() as patch
    ):  # the commands show warnings as lines; tests elsewhere want them as errors
        import warnings

        patch.setattr(warnings, "showwarning", warnings.showwarning)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            return CliRunner().invoke(cli.main, [str(each) for each in args])


def ok(*args):
    result = invoke(*args)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


@pytest.fixture
def cancer(tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    X = MaxAbsScaler().fit_transform(X)
    dump_svmlight_file(X[:400], y[:400], "train.svm", zero_based=False)
    dump_svmlight_file(X[400:], y[400:], "test.svm", zero_based=False)
    return X, y


def test_train_predict_and_eval(cancer):
    X, y = cancer
    done = ok(
        "train", "train.svm", "--validation", "test.svm", "--report", "run.html", "--log", "run.jsonl", "--epochs", 20
    )
    assert "on the validation data" in done.stdout and "Saved model.safetensors. Report: run.html." in done.stdout
    predicted = np.array(ok("predict", "model.safetensors", "test.svm").stdout.split(), float)
    model = fastgd.load_model("model.safetensors")
    np.testing.assert_array_equal(predicted, model.predict(X[400:].astype(np.float32)))
    assert (predicted == y[400:]).mean() > 0.9
    lines = ok("predict", "model.safetensors", "test.svm", "--probabilities").stdout.splitlines()
    assert (
        lines[0] == "0.0,1.0"
        and len(lines) == 170
        and sum(map(float, lines[1].split(","))) == pytest.approx(1, abs=1e-5)
    )
    ok("predict", "model.safetensors", "test.svm", "--out", "found.txt")
    assert len(Path("found.txt").read_text().split()) == 169
    scores = json.loads(ok("eval", "model.safetensors", "test.svm", "--json").stdout)
    assert scores["rows"] == 169 and scores["accuracy"] == pytest.approx((predicted == y[400:]).mean())
    assert "log loss" in ok("eval", "model.safetensors", "test.svm").stdout
    assert "<canvas" not in Path("run.html").read_text() and "Content-Security-Policy" in Path("run.html").read_text()


def test_json_is_all_there_is_on_stdout(cancer):
    done = ok("train", "train.svm", "--json", "--learning-rate", "0.1", "--epochs", 3)
    result = json.loads(done.stdout)
    assert result["model"] == "SGDClassifier" and result["epochs"] == 3 and result["report"] is None
    assert result["score"] > 0.8 and result["scored_on"] == "training data"


def test_a_table_is_predicted_by_the_names_of_its_columns():
    pa = pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet

    rng = np.random.default_rng(0)
    size, colour = rng.standard_normal(200), rng.choice(["red", "green", "blue"], 200)
    fast = np.where(size + (colour == "red") > 0.5, "yes", "no")
    table = pa.table({"size": size, "colour": colour, "fast": fast})
    csv.write_csv(table, "cars.csv")
    ok("train", "cars.csv", "--target", "fast", "--epochs", 30, "--quiet")
    # Other order, a colour that is new, one that is missing, a column more.
    other = pa.table({"colour": ["red", "violet"], "extra": [1.0, 2.0], "size": [3.0, -3.0]})
    parquet.write_table(other, "new.parquet")
    assert ok("predict", "model.safetensors", "new.parquet").stdout.split() == ["yes", "no"]
    parquet.write_table(other.drop_columns("size"), "bad.parquet")
    assert "trained on column 'size'" in invoke("predict", "model.safetensors", "bad.parquet").output
    assert "--target NAME" in invoke("train", "cars.csv").output
    assert "must be among size, colour, fast" in invoke("train", "cars.csv", "--target", "speed").output


def test_regression_and_networks(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    np.savez("data.npz", X=X * 20, y=y)
    done = json.loads(ok("train", "data.npz", "--epochs", 50, "--json").stdout)
    assert done["model"] == "SGDRegressor" and done["score"] > 0.4
    assert {"r2", "rmse", "mae"} <= json.loads(ok("eval", "model.safetensors", "data.npz", "--json").stdout).keys()
    X, y = load_iris(return_X_y=True)
    np.savez("iris.npz", X=X.astype(np.float32), y=y)
    flags = (
        "--model",
        "mlp",
        "--hidden",
        "16,8",
        "--learning-rate",
        "0.01",
        "--epochs",
        60,
        "--param",
        "activation=tanh",
    )
    done = json.loads(ok("train", "iris.npz", *flags, "--json").stdout)
    assert done["model"] == "MLPClassifier" and done["score"] > 0.9
    assert fastgd.load_model("model.safetensors").activation == "tanh"


def test_a_run_file_gives_the_flags_and_flags_count_more(cancer):
    Path("run.toml").write_text(
        'learning-rate = "0.05"\nepochs = 4\nout = "toml.safetensors"\nloss = "hinge"\n[param]\nalpha = 0.5\npenalty = "l1"\n'
    )
    done = json.loads(ok("train", "train.svm", "--config", "run.toml", "--epochs", 2, "--json").stdout)
    assert done["epochs"] == 2 and done["saved"] == "toml.safetensors"
    model = fastgd.load_model("toml.safetensors")
    assert (model.loss, model.alpha, model.penalty, model.eta0) == ("hinge", 0.5, "l1", 0.05)
    Path("run.toml").write_text("epohcs = 4\n")
    result = invoke("train", "train.svm", "--config", "run.toml")
    assert result.exit_code == 2 and "unknown name 'epohcs'. Did you mean 'epochs'?" in result.output
    Path("run.toml").write_text("epochs = \n")
    assert "is not TOML" in invoke("train", "train.svm", "--config", "run.toml").output


def test_a_diverging_training_ends_with_code_3(cancer):
    X, y = cancer
    dump_svmlight_file(X[:100] * 1e6, y[:100], "large.svm")
    result = invoke("train", "large.svm", "--task", "regression", "--learning-rate", "1e30")
    assert result.exit_code == 3 and "under-/overflow occurred at epoch" in result.output
    assert len([line for line in result.stderr.splitlines() if line.startswith("fastgd: error")]) == 1


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("train", "missing.svm"), 2, "does not exist"),
        (("train", "bad.svm"), 1, "bad.svm:1:5: expected a number after ':'"),
        (("train", "train.svm", "--optimizer", "adamm"), 2, "Did you mean 'adam'?"),
        (("train", "train.svm", "--hidden", "3"), 2, "only networks have hidden layers"),
        (("train", "train.svm", "--param", "alpah=3"), 2, "has no parameter 'alpah'. Did you mean 'alpha'?"),
        (("train", "train.svm", "--param", "alpha"), 2, "NAME=VALUE"),
        (("train", "train.svm", "--learning-rate", "cosinus(3)"), 1, "cosinus"),
        (("train", "train.svm", "--out", "model.pkl"), 2, "the name must end in .safetensors"),
        (("train", "train.svm", "--out", "no/where.safetensors"), 2, "is missing or not writable"),
        (("train", "train.svm", "--target", "x"), 2, "only tables have named columns"),
        (("predict", "train.svm", "train.svm"), 1, "train.svm"),
        (("sweep", "train.svm", "--low", 1, "--high", 0.1), 2, "--low must be below --high"),
        (("schedule", "warmup(5%"), 1, "warmup"),
        (("report", "train.svm"), 1, "is not JSON"),
        (("convert", "train.svm", "out.txt"), 2, "must end in .fgd"),
        (("nonsense",), 2, "No such command"),
        (("--nonsense",), 2, "No such option"),
        (("train",), 2, "Missing argument 'DATA'"),
        (("report", "missing.jsonl"), 1, "missing.jsonl: No such file or directory"),
        (("train", "train.svm", "--epochs", "many"), 2, "'many' is not a valid integer"),
    ],
)
def test_every_error_is_one_clear_line(cancer, args, code, message):
    Path("bad.svm").write_text("1 1:x\n")
    result = invoke(*args)
    assert result.exit_code == code and message in result.output
    assert len(result.output.splitlines()) == 1 and result.output.startswith("fastgd: error: ")
    assert ("--help" if code == 2 else "--debug") in result.output


def test_choosing_a_rate(cancer):
    lines = ok("lr-find", "train.svm", "--picture", "find.png").stdout.splitlines()
    assert lines[-1].startswith("Suggested: ") and Path("find.png").read_bytes()[:4] == b"\x89PNG"
    assert lines[-1].split()[1] in {line.split()[1] for line in lines[:-1]}
    assert len(json.loads(ok("lr-find", "train.svm", "--json").stdout)["suggestions"]) == len(lines) - 1
    lines = ok(
        "sweep", "train.svm", "--rates", 5, "--low", 0.01, "--high", 1, "--epochs", 3, "--picture", "sweep.png"
    ).stdout
    assert lines.count("<- best") == 1 and len(lines.splitlines()) == 7
    ok("sweep", "train.svm", "--json", "--rates", 4)
    Path("sweep.json").write_text(ok("sweep", "train.svm", "--json", "--rates", 4).stdout)
    assert "report.html: 1 run." in ok("report", "sweep.json").stdout


def test_a_schedule_is_printed_and_drawn():
    text = "warmup(5%) >> cosine(0.1, 95%)"
    lines = ok("schedule", text, "--steps", 1000).stdout.splitlines()
    assert lines[0] == "warmup(50) >> cosine(0.1, 950)" and len(lines) == 10 and "0.1" in lines[1]
    resolved = schedules.parse(text).resolve(total_steps=1000)
    assert ok("schedule", text, "--at", 25, "--at", 999).stdout.split() == [
        "25",
        repr(resolved(25)),
        "999",
        repr(resolved(999)),
    ]
    drawn = json.loads(ok("schedule", "step(1, 1 epochs)", "--epochs", 4, "--steps", 40, "--json").stdout)
    assert drawn["value"][::10] == pytest.approx([1, 0.1, 0.01, 0.001])


def test_convert_and_inspect(cancer):
    X, _ = cancer
    assert "400 rows, 30 features" in ok("convert", "train.svm", "train.fgd").stdout
    facts = json.loads(ok("inspect", "train.fgd", "--json").stdout)
    assert (facts["rows"], facts["features"], facts["warnings"]) == (400, 30, [])
    dump_svmlight_file(X[:50] * np.r_[1e5, np.ones(29)], [1] * 49 + [0], "odd.svm", zero_based=False)
    text = ok("inspect", "odd.svm").stdout
    assert "! column 0 is" in text and "! class 0.0 has 1 of 50 rows" in text
    ok("train", "train.fgd", "--epochs", 2, "--quiet")


def test_bench_compares_with_scikit_learn(cancer):
    result = json.loads(ok("bench", "train.svm", "--json").stdout)
    assert set(result["seconds_per_epoch"]) == {"scikit-learn", "fastgd"} and result["times_faster"] > 0


def test_every_command_helps():
    for name, command in cli.main.commands.items():
        text = ok(name, "--help").stdout
        assert command.help and "--json" in text and "--debug" in text


def test_an_interruption_ends_with_code_130_and_no_model(cancer, tmp_path):
    rng = np.random.default_rng(0)
    np.savez("big.npz", X=rng.standard_normal((200_000, 50)).astype(np.float32), y=rng.integers(0, 2, 200_000))
    command = [
        sys.executable,
        "-m",
        "fastgd",
        "train",
        "big.npz",
        "--learning-rate",
        "0.001",
        "--param",
        "tol=0",
        "--epochs",
        "100000",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not process.stderr.readline().strip().startswith("1 "):  # the first epoch's line
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        since = time.monotonic()
        assert process.wait(timeout=20) == 130
        assert time.monotonic() - since < 10
        assert "fastgd: interrupted" in process.stderr.read()
    assert not (tmp_path / "model.safetensors").exists()


def test_help_imports_no_numpy():
    """What `fastgd --help` needs is click: NumPy alone would double its time."""
    program = "import sys; from fastgd.cli import main; main(['--help'], standalone_mode=False); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_run_file_has_the_names_and_the_types_of_the_flags(cancer):
    Path("run.toml").write_text(
        'lr = 0.01\nmodel = "mlp"\nhidden = [5, 4]\nepochs = 2\nquiet = true\nfeatures = 40\nvalidation = "10%"\n'
        '[param]\nactivation = "tanh"\n'
    )
    ok("train", "train.svm", "--config", "run.toml")
    model = fastgd.load_model("model.safetensors")
    assert model.hidden_layer_sizes == (5, 4) and model.n_features_in_ == 40 and model.activation == "tanh"
    assert "val_score" in model.history_
    Path("run.toml").write_text("[param]\nclass_weight = {0 = 2.0, 1 = 1.0}\n")
    ok("train", "train.svm", "--config", "run.toml", "--epochs", 1)
    assert fastgd.load_model("model.safetensors").class_weight == {0.0: 2.0, 1.0: 1.0}
    for text, message in (
        ('epochs = "three"', 'epochs must be a whole number; got "three".'),
        ("epochs = 2.5", "epochs must be a whole number; got 2.5."),
        ("epochs = true", "epochs must be a whole number; got true."),
        ("epochs = 1979-05-27", "epochs must be a whole number; got 1979-05-27."),
        ('alpha = "big"', 'alpha must be a number; got "big".'),
        ('quiet = "yes"', 'quiet must be true or false; got "yes".'),
        ("out = 3", "out must be a text; got 3."),
        ("learning-rate = [1]", "learning-rate must be a text; got [1]."),
        ('param = "alpha=1"', "param must be a table, or a list of texts"),
        ("allow = [1]", "allow must be a list of texts; got [1]."),
        ("alpha = -1", "'--alpha'"),
        ('model = "tree"', "'--model'"),
        ('data = "x"', "unknown name 'data'"),
        ("[training]\nepochs = 3", "unknown name 'training'"),
    ):
        Path("run.toml").write_text(text)
        result = invoke("train", "train.svm", "--config", "run.toml")
        assert result.exit_code == 2 and message in result.output, (text, result.output)
        assert len(result.output.splitlines()) == 1 and result.output.startswith("fastgd: error: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": np.ones((3, 2)) * [[1, np.nan]], "y": [0, 1, 0]}, "row 0, column 1 of X is nan. Fill it in"),
        ({"X": np.ones((3, 2)), "y": [0.5, 1, -np.inf]}, "row 2 of y is -inf."),
        ({"X": np.ones(3), "y": [0, 1, 0]}, "X must have 2 dimensions and rows; its shape is (3,)"),
        ({"X": np.ones((0, 2)), "y": []}, "X must have 2 dimensions and rows; its shape is (0, 2)"),
        ({"X": np.ones((3, 2)), "y": [[0], [1], [0]]}, "y must have 1 dimension and rows; its shape is (3, 1)"),
        ({"X": np.ones((3, 2)), "y": [0, 1]}, "X has 3 rows and y has 2"),
        ({"X": np.array([["a"]]), "y": [1]}, "X must hold numbers; its dtype is <U1"),
        ({"X": np.ones((9, 2)), "y": np.ones(9)}, "classes has to be greater than one"),
        ({"Z": np.ones(3)}, "must hold the arrays X and y"),
    ],
)
def test_rows_that_no_model_takes(content, message):
    np.savez("bad.npz", **content)
    result = invoke("train", "bad.npz")
    assert result.exit_code == 1 and message in result.output and len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["x.svm", "x.csv", "x.npz", "x.fgd", "x.parquet", "x.feather", "x.svm.gz", "x.svm.zst"]
)
def test_files_of_nothing_of_noise_and_of_folders(name):
    target = ("--target", "y") if name.endswith(("csv", "parquet", "feather")) else ()
    for content in (b"", np.random.default_rng(0).bytes(3000)):
        Path(name).write_bytes(content)
        result = invoke("train", name, *target)
        assert result.exit_code == 1 and result.output.startswith("fastgd: error: ") and name in result.output
        assert len(result.output.splitlines()) == 1 and all(each.isprintable() for each in result.output[:-1])
    Path(name).unlink()
    Path(name).mkdir()
    result = invoke("train", name, *target)
    assert result.exit_code == 1 and len(result.output.splitlines()) == 1 and name in result.output


def test_rows_of_other_shape_are_named(cancer):
    ok("train", "train.svm", "--epochs", 1, "--quiet")
    Path("cars.csv").write_text("size,y\n1,0\n2,1\n")
    Path("wide.svm").write_text("1 1:1 31:5\n0 2:1\n")
    np.savez("narrow.npz", X=np.ones((3, 5)))
    assert (
        "the table has 2 columns of numbers, the model has 30 features"
        in invoke("predict", "model.safetensors", "cars.csv").output
    )
    assert "the data have 5 features, the model has 30" in invoke("predict", "model.safetensors", "narrow.npz").output
    done = ok("predict", "model.safetensors", "wide.svm")
    assert "warning: the data have 31 features, the model was trained on 30; the others are left out" in done.stderr
    assert len(done.stdout.split()) == 2


def test_a_model_remembers_where_indices_begin():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    dump_svmlight_file(X, X[:, 1] > 0, "train.svm", zero_based=True)
    Path("one.svm").write_text("1 1:1\n0 1:-1\n")  # without an index 0: the second column all the same
    ok("train", "train.svm", "--epochs", 5, "--quiet")
    assert ok("predict", "model.safetensors", "one.svm").stdout.split() == ["1.0", "0.0"]
    assert ok("eval", "model.safetensors", "one.svm", "--json").exit_code == 0
    ok("train", "train.svm", "--lr", 0.1, "--epochs", 5, "--quiet", "--validation", "one.svm")
    assert fastgd.load_model("model.safetensors").history_["val_score"][-1] == 1
    other = ok("predict", "model.safetensors", "one.svm", "--one-based", "--probabilities").stdout.splitlines()
    assert abs(float(other[1].split(",")[0]) - 0.5) < 0.3  # the first column says nothing


def test_leniencies_and_missing_values_are_options():
    Path("odd.svm").write_text("1 2:1 1:1\n0 1:-1\n" * 20)
    assert "or pass --allow unsorted" in invoke("train", "odd.svm").output
    ok("train", "odd.svm", "--allow", "unsorted", "--epochs", 1, "--quiet")
    Path("nan.svm").write_text("1 1:nan\n")
    assert "allow" not in invoke("train", "nan.svm").output
    Path("nulls.csv").write_text("a,y\n" + "1,0\n,1\n" * 9)
    assert "'--nulls' option must be 'zero'" in invoke("train", "nulls.csv", "--target", "y").output
    ok("train", "nulls.csv", "--target", "y", "--nulls", "zero", "--epochs", 1, "--quiet", "--validation", "20%")


@pytest.mark.parametrize("share", ["0%", "100%", "x%", "missing.svm", "%"])
def test_a_share_to_validate_on(cancer, share):
    assert (
        "'--validation': a file that exists, or a share such as 10%"
        in invoke("train", "train.svm", "--validation", share).output
    )


def test_json_of_every_command(cancer):
    ok("train", "train.svm", "--epochs", 2, "--quiet", "--log", "run.jsonl")
    for command in (
        ("predict", "model.safetensors", "test.svm"),
        ("predict", "model.safetensors", "test.svm", "--probabilities"),
        ("eval", "model.safetensors", "test.svm"),
        ("lr-find", "train.svm"),
        ("sweep", "train.svm", "--rates", 3, "--epochs", 1),
        ("schedule", "cosine(1, 9)"),
        ("convert", "train.svm", "out.fgd"),
        ("inspect", "train.svm"),
        ("report", "run.jsonl"),
        ("info",),
    ):
        assert isinstance(json.loads(ok(*command, "--json").stdout), dict)
