"""Estimators from flags."""

import tomllib
from typing import Any

import click

RATES = ("auto", "constant", "optimal", "invscaling", "adaptive")


def model_options(command: Any) -> Any:
    """Add what describes a model."""
    for option in reversed(
        (
            click.option("--model", "kind", type=click.Choice(["linear", "mlp"]), default="linear", show_default=True),
            click.option(
                "--task", type=click.Choice(["auto", "classification", "regression"]), default="auto", show_default=True
            ),
            click.option(
                "--loss", help="The loss.  [default: log_loss (softmax for several classes), or squared_error]"
            ),
            click.option(
                "--penalty",
                type=click.Choice(["l2", "l1", "elasticnet", "none"]),
                help="Of linear models.  [default: l2]",
            ),
            click.option("--alpha", type=click.FloatRange(min=0), help="Strength of the penalty.  [default: 1e-4]"),
            click.option("--hidden", help="Units of a network's hidden layers, such as 128,64.  [default: 100]"),
            click.option("--optimizer", help="Such as AdamW or Lion.  [default: plain SGD; Adam for networks]"),
            click.option("--batch-size", type=click.IntRange(min=1), help="Rows of a step."),
            click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data at most."),
            click.option(
                "--max-time", type=click.FloatRange(min=0, min_open=True), help="Seconds of training at most."
            ),
            click.option("--jobs", type=int, default=-1, show_default=True, help="Threads; -1 for all."),
            click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True),
            click.option(
                "--param",
                multiple=True,
                metavar="NAME=VALUE",
                help="Any other parameter of the estimator; TOML values.",
            ),
        )
    ):
        command = option(command)
    return command


def build(classification: bool, n_classes: int, *, learning_rate: str | None, **flags: Any) -> Any:
    """Return an unfitted estimator; `flags` are those of `model_options` but for `task`."""
    from fastgd import linear_model, neural_network

    network = flags["kind"] == "mlp"
    room, family = (neural_network, "MLP") if network else (linear_model, "SGD")
    kind = getattr(room, family + ("Classifier" if classification else "Regressor"))
    given: dict[str, Any] = {"random_state": flags["seed"]}
    if network:
        given["hidden_layer_sizes"] = _hidden(flags["hidden"])
    else:
        given["loss"] = flags["loss"] or (
            ("softmax" if n_classes > 2 else "log_loss") if classification else "squared_error"
        )
        given["n_jobs"] = flags["jobs"]
        if flags["hidden"]:
            raise click.BadParameter("only networks have hidden layers; add --model mlp.", param_hint="'--hidden'")
    if network and flags["loss"]:
        given["loss"] = flags["loss"]
    if flags["penalty"] is not None:
        given["penalty"] = None if flags["penalty"] == "none" else flags["penalty"]
    for name, flag in (
        ("alpha", "alpha"),
        ("batch_size", "batch_size"),
        ("max_iter", "epochs"),
        ("max_time", "max_time"),
    ):
        if flags[flag] is not None:
            given[name] = flags[flag]
    if flags["optimizer"]:
        given["optimizer"] = _optimizer(flags["optimizer"])
    if learning_rate is not None:
        given.update(_rate(learning_rate, network))
    given.update(_parameters(flags["param"]))
    known = kind().get_params()
    for name in given:
        if name not in known:
            from fastgd._validation import nearest

            raise click.BadParameter(f"{kind.__name__} has no parameter {name!r}. {nearest(name, list(known))}")
    return kind(**given)


def _hidden(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in (text or "100").split(",") if each.strip())
    except ValueError:
        raise click.BadParameter(
            f"whole numbers separated by commas, such as 128,64; got {text!r}.", param_hint="'--hidden'"
        ) from None


def _optimizer(name: str) -> Any:
    import fastgd
    from fastgd._validation import nearest

    known = {each.lower(): each for each in fastgd.optimizers.__all__ if each != "Optimizer"}
    if name.lower() not in known:
        raise click.BadParameter(
            f"unknown optimizer {name!r}. {nearest(name.lower(), list(known))}", param_hint="'--optimizer'"
        )
    kind = getattr(fastgd.optimizers, known[name.lower()])
    try:
        return kind()
    except TypeError:  # one whose rate has no default; the estimator's takes its place
        return kind(lr=1.0)


def _rate(text: str, network: bool) -> dict[str, Any]:
    """Return parameters for a rate: a number, a name, or a schedule's expression."""
    if text in RATES:
        return {"learning_rate": text}
    try:
        number = float(text)
    except ValueError:
        from fastgd import schedules

        return {"learning_rate": schedules.parse(text)}
    return {"learning_rate": "constant", "learning_rate_init" if network else "eta0": number}


def _parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"NAME=VALUE; got {pair!r}.", param_hint="'--param'")
        try:
            found[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = value  # a text without quotes
    weights = found.get("class_weight")
    if isinstance(weights, dict):  # TOML's keys are texts
        found["class_weight"] = {_label(key): weight for key, weight in weights.items()}
    return found


def _label(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
