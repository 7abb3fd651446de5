"""The programs that tutorials on gradient descent begin with, each in a few lines: ``python examples/tutorials.py``."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastgd
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import Head, MLPClassifier, MLPMultiTask
from fastgd.schedules import inverse_time

__all__ = [
    "average_clients", "compare_penalties", "fit_line", "fixed_and_falling_rates", "keep_secrets", "learn_two_tasks", "prune_and_tune",
    "search_the_rate",
]  # fmt: skip


def digits():
    """Return 1,347 and 450 images of 8 x 8 pixels in [0, 1], and their labels."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0)


def hundred_rows():
    """Return 100 rows of 10 features and a noisy linear target."""
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 10))
    return X, X @ np.arange(10.0) + 0.5 * random.normal(size=100)


def fit_line():
    """Linear regression by mean squared error, one feature with intercept, all rows in one batch; return slope and intercept.

    >>> slope, intercept = fit_line()
    >>> round(slope, 2), round(intercept, 2)
    (3.0, 2.0)
    """
    x = np.linspace(0, 1, 50)[:, None]
    line = SGDRegressor(penalty=None, learning_rate=0.5, batch_size=50, max_iter=500, tol=None)
    line.fit(x, 3 * x[:, 0] + 2)
    return float(line.coef_[0]), float(line.intercept_[0])


def fixed_and_falling_rates():
    """Descend on 100 rows of 10 features, one row a step, at a fixed and at a falling rate; return both mean squared errors and the least.

    A fixed rate stays in a cloud about the minimum.

    >>> fixed, falling, least = fixed_and_falling_rates()
    >>> falling < 1.05 * least < fixed
    True
    """
    X, y = hundred_rows()
    errors = []
    for rate in (0.05, inverse_time(0.05, 200)):
        model = SGDRegressor(penalty=None, learning_rate=rate, max_iter=100, tol=None, random_state=0).fit(X, y)
        errors.append(float(np.mean((model.predict(X) - y) ** 2)))
    ones = np.column_stack([X, np.ones(100)])
    return *errors, float(np.linalg.lstsq(ones, y)[1][0] / 100)


def compare_penalties():
    """Train with L1, L2 and both on 50 features of which 5 matter; return how many weights are not zero.

    >>> found = compare_penalties()
    >>> found["l2"], 5 <= found["l1"] < 15, found["l1"] <= found["elasticnet"] < 50
    (50, True, True)
    """
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 50))
    y = X[:, :5].sum(axis=1) + 0.1 * random.normal(size=300)
    options = {"alpha": 0.1, "l1_ratio": 0.5, "learning_rate": 0.01, "max_iter": 100, "tol": None, "random_state": 0}
    models = {name: SGDRegressor(penalty=name, **options).fit(X, y) for name in ("l1", "l2", "elasticnet")}
    return {name: int(np.count_nonzero(model.coef_)) for name, model in models.items()}


def search_the_rate():
    """Search the learning rate of a softmax classifier by cross-validation, all rates side by side; return rate and test accuracy.

    >>> rate, accuracy = search_the_rate()
    >>> accuracy > 0.93
    True
    """
    train, test, labels, expected = digits()
    model = SGDClassifier("softmax", max_iter=10, tol=None, random_state=0)
    search = fastgd.LaneSearchCV(model, {"learning_rate": [0.001, 0.01, 0.1, 1.0]}, cv=3).fit(train, labels)
    return search.best_params_["learning_rate"], search.score(test, expected)


def learn_two_tasks():
    """Learn the digit and how dark the image is, from 0 to 20, with one network; return the scores of both.

    >>> scores = learn_two_tasks()
    >>> scores["digit"] > 0.95, scores["darkness"] > 0.95
    (True, True)
    """
    train, test, labels, expected = digits()
    heads = {"digit": "log_loss", "darkness": Head("squared_error", weight=0.5)}
    network = MLPMultiTask(heads, (64,), learning_rate=5e-3, max_iter=40, tol=None, random_state=0)
    network.fit(train, {"digit": labels, "darkness": 20 * train.mean(axis=1)})
    return network.scores(test, {"digit": expected, "darkness": 20 * test.mean(axis=1)})


def prune_and_tune():
    """Set nine weights of ten to zero, then train on without them; return the accuracies before, between and after.

    >>> before, between, after = prune_and_tune()
    >>> before > 0.95, between < 0.9, after > 0.94
    (True, True, True)
    """
    train, test, labels, expected = digits()
    network = MLPClassifier((64,), learning_rate_init=5e-3, max_iter=40, tol=None, random_state=0).fit(train, labels)
    report = network.prune(0.9, test, expected)
    return (
        report.score_before,
        report.score_after,
        network.partial_fit(train, labels, n_epochs=40).score(test, expected),
    )


def average_clients(n_clients=5, n_rounds=10):
    """Federated averaging: each client trains on its own rows, only weights are sent; return the accuracy after each round.

    Source: B. McMahan et al., Communication-efficient learning of deep networks from decentralized data (2017).

    >>> accuracies = average_clients()
    >>> accuracies[-1] > 0.94, accuracies[-1] > accuracies[0]
    (True, True)
    """
    train, test, labels, expected = digits()
    options = {
        "hidden_layer_sizes": (32,),
        "solver": "sgd",
        "learning_rate_init": 0.1,
        "batch_size": 20,
        "random_state": 0,
    }
    clients = [MLPClassifier(**options) for _ in range(n_clients)]
    accuracies = []
    for _ in range(n_rounds):
        for k, client in enumerate(clients):
            client.partial_fit(train[k::n_clients], labels[k::n_clients], classes=range(10), n_epochs=2)
        for parts in ("coefs_", "intercepts_"):
            layers = zip(*(getattr(client, parts) for client in clients), strict=True)
            mean = [np.mean(layer, axis=0) for layer in layers]
            for client in clients:
                setattr(client, parts, [layer.copy() for layer in mean])
        accuracies.append(clients[0].score(test, expected))
    return accuracies


def keep_secrets(noise=1.0, largest=1.0):
    """DP-SGD: clip each row's gradient, add noise to the sum of a batch; return the accuracy of softmax regression.

    No single row can move the weights by more than the noise hides. Source: M. Abadi et al., Deep learning with differential privacy
    (2016).

    >>> keep_secrets() > 0.85
    True
    """
    train, test, labels, expected = digits()
    random = np.random.default_rng(0)
    weights = np.zeros((65, 10))
    state = fastgd.SGD(lr=0.5, momentum=0.5).init(weights)
    X = np.column_stack([train, np.ones(len(train))])
    for _ in range(200):
        rows = random.choice(len(X), 200, replace=False)
        z = X[rows] @ weights
        chances = np.exp(z - z.max(axis=1, keepdims=True))
        slopes = chances / chances.sum(axis=1, keepdims=True) - np.eye(10)[labels[rows]]
        norms = np.linalg.norm(X[rows], axis=1) * np.linalg.norm(
            slopes, axis=1
        )  # of each row's gradient, an outer product
        total = X[rows].T @ (slopes * np.minimum(1, largest / norms)[:, None])
        state.step((total + noise * largest * random.normal(size=total.shape)) / len(rows))
    return float(((np.column_stack([test, np.ones(len(test))]) @ weights).argmax(axis=1) == expected).mean())


def main():
    """Print what each reaches."""
    print("y = 3 x + 2: slope {:.4f}, intercept {:.4f}".format(*fit_line()))
    print(
        "100 x 10, mean squared error: fixed rate {:.4f}, falling rate {:.4f}, least {:.4f}".format(
            *fixed_and_falling_rates()
        )
    )
    print(f"weights that are not zero, of 50: {compare_penalties()}")
    print("softmax regression on digits: best rate {:g}, accuracy {:.4f}".format(*search_the_rate()))
    print(f"two tasks: {learn_two_tasks()}")
    print("pruned by 90 %: accuracy {:.4f}, then {:.4f}, tuned {:.4f}".format(*prune_and_tune()))
    print("federated, after each round:", " ".join(f"{each:.4f}" for each in average_clients()))
    print(f"private: accuracy {keep_secrets():.4f}")


if __name__ == "__main__":
    main()
