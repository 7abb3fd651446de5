"""The networks of the tutorials, each in a few lines and with the score that it reaches: ``python examples/networks.py``."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastgd.datasets import load_fashion_mnist
from fastgd.learning_rate import sweep
from fastgd.neural_network import MLPClassifier, MLPRegressor

__all__ = ["classify_clothes", "compress", "distil", "find_the_rate", "fit_a_line", "fit_numbers"]


def digits():
    """Return 1,347 and 450 images of 8 x 8 pixels in [0, 1], and their labels."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0)


def fit_a_line(theta=2.5):
    """Fit ``y = theta * x``: a network without a hidden layer is a line; return its slope.

    >>> round(fit_a_line(2.5), 3)
    2.5
    """
    x = np.linspace(-1, 1, 100)[:, None]
    line = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate_init=0.1, alpha=0, max_iter=100, random_state=0, tol=None
    )
    return float(line.fit(x, theta * x[:, 0]).coefs_[0][0, 0])


def fit_numbers(verbose=0):
    """Fit a 10-10-1 network with Adam 0.01 in 100 epochs; return the coefficient of determination on new rows.

    >>> fit_numbers() > 0.95
    True
    """
    random = np.random.default_rng(0)
    X = random.normal(size=(1500, 10))
    y = X[:, 0] + np.abs(X[:, 1]) + 0.5 * X[:, 2] + 0.1 * random.normal(size=1500)
    network = MLPRegressor(
        hidden_layer_sizes=(10,),
        learning_rate_init=0.01,
        batch_size=32,
        max_iter=100,
        tol=None,
        random_state=0,
        verbose=verbose,
    )
    return network.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])


def classify_clothes(n_hidden=32, n_rows=60_000, max_iter=10, solver="adam"):
    """Train 784-32-10 or 784-128-10 on Fashion-MNIST with Adam 0.001 or plain SGD 0.01; return the test accuracy after each epoch."""
    data = load_fashion_mnist()
    options = {"batch_size": 32, "max_iter": max_iter, "tol": None, "random_state": 0}
    rate = {"adam": {}, "sgd": {"solver": "sgd", "learning_rate_init": 0.01, "momentum": 0.0}}[solver]
    network = MLPClassifier((n_hidden,), **rate, **options)
    network.fit(data.X_train[:n_rows], data.y_train[:n_rows], X_val=data.X_test, y_val=data.y_test)
    return network.history_["val_score"]


def find_the_rate():
    """Train with eight rates side by side; return the result and the best network's accuracy on the test images.

    >>> result, accuracy = find_the_rate()
    >>> bool(0.003 < result.best_learning_rate < 0.1), accuracy > 0.94
    (True, True)
    """
    train, test, labels, expected = digits()
    network = MLPClassifier((32,), batch_size=32, random_state=0)
    result = sweep(network, train, labels, learning_rate=np.geomspace(1e-4, 1, 8), n_epochs=15)
    return result, result.best_estimator.score(test, expected)


def distil():
    """Teach a network of 8 units by the labels, and by a larger network's probabilities; return the accuracies of all three.

    >>> teacher, by_labels, by_teacher = distil()
    >>> min(by_labels, by_teacher) > 0.9, teacher > 0.95
    (True, True)
    """
    train, test, labels, expected = digits()
    options = {"learning_rate_init": 0.01, "max_iter": 60, "tol": None, "random_state": 0}
    teacher = MLPClassifier((128,), **options).fit(train, labels)
    by_labels = MLPClassifier((8,), **options).fit(train, labels)
    by_teacher = MLPClassifier((8,), temperature=4, **options).fit(train, teacher.predict_proba(train))
    return tuple(network.score(test, expected) for network in (teacher, by_labels, by_teacher))


def compress():
    """Set half of the weights to zero, and round the others to bytes; return the report of each.

    >>> pruned, quantized = compress()
    >>> pruned.score_before - pruned.score_after < 0.05, abs(quantized.score_before - quantized.score_after) < 0.01
    (True, True)
    """
    train, test, labels, expected = digits()
    network = MLPClassifier((64,), learning_rate_init=5e-3, max_iter=40, tol=None, random_state=0).fit(train, labels)
    return network.prune(0.5, test, expected), network.quantize(test, expected)


def main():
    """Print what each reaches."""
    print(f"y = theta * x: theta = {fit_a_line():.4f}")
    print(f"10-10-1: coefficient of determination {fit_numbers():.4f}")
    result, accuracy = find_the_rate()
    print(f"{result}\nits best network: accuracy {accuracy:.4f}")
    print("distillation: teacher {:.4f}, eight units by labels {:.4f}, by the teacher {:.4f}".format(*distil()))
    for report in compress():
        print(report)
    for n_hidden, max_iter, solver in ((32, 10, "adam"), (128, 10, "adam"), (32, 20, "sgd"), (128, 20, "sgd")):
        accuracies = " ".join(f"{each:.4f}" for each in classify_clothes(n_hidden, max_iter=max_iter, solver=solver))
        print(f"Fashion-MNIST, 784-{n_hidden}-10, {solver}, after each epoch: {accuracies}")


if __name__ == "__main__":
    main()
