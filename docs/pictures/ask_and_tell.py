"""Draw where `Optimizer` evaluates a function of one variable.

    python docs/pictures/ask_and_tell.py [FOLDER]

FOLDER defaults to ``docs/guide``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from sklearn_tuners import Optimizer

FOLDER = Path(__file__).parents[1] / "guide"


def score(x: float | np.ndarray) -> float | np.ndarray:
    """Return a function with a good and a better peak."""
    return np.exp(-((x - 2) ** 2)) + 1.3 * np.exp(-3 * (x - 6.5) ** 2) - 0.02 * x


def main(folder: Path, n_iter: int = 14) -> None:
    """Maximise the function and save the picture.

    Parameters
    ----------
    folder : Path
        Where the picture goes.
    n_iter : int, default=14
        Number of evaluations.
    """
    optimizer = Optimizer({"x": (0.0, 10.0)}, n_iter=n_iter, random_state=0)
    tried = []
    for _ in range(n_iter):
        params = optimizer.ask()
        optimizer.tell(params, score(params["x"]))
        tried.append(params["x"])

    x = np.linspace(0, 10, 400)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 4), sharex=True, height_ratios=[3, 2], layout="tight"
    )
    above.plot(x, score(x), color="tab:gray")
    above.plot(tried, [score(value) for value in tried], "o", color="tab:blue")
    above.set_ylabel("score")
    below.plot(tried, np.arange(1, n_iter + 1), "o-", color="tab:blue", lw=0.7)
    below.invert_yaxis()
    below.set(xlabel="x", ylabel="evaluation")
    figure.savefig(folder / "ask_and_tell.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
