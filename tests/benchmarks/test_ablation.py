"""Every variant still changes what the optimiser proposes, and is undone."""

import pytest

from benchmarks.core.variants import replaced
from benchmarks.solvers import bayes
from benchmarks.studies import ablation, hyperband_variants
from benchmarks.tasks.functions import synthetic
from sklearn_tuners import Optimizer

NAMES = ("branin", "mixed")
PROBLEMS = [problem for problem in synthetic() if problem.name in NAMES]


def proposals(variant, problem):
    arguments = ablation.ARGUMENTS.get(variant, {})
    with replaced(ablation.VARIANTS[variant]):
        tuner = bayes.Tuner(problem, 24, 0, **arguments)
        found = []
        for _ in range(24):
            found.append(tuner.ask())
            tuner.tell(found[-1], problem.score(found[-1]))
    return found


@pytest.fixture(scope="module")
def base():
    return {problem.name: proposals(ablation.BASE, problem) for problem in PROBLEMS}


@pytest.mark.parametrize("variant", list(ablation.VARIANTS)[1:])
def test_variant_changes_the_proposals(variant, base):
    assert any(proposals(variant, own) != base[own.name] for own in PROBLEMS)


def test_variants_are_undone(base):
    (problem, *_) = PROBLEMS
    assert proposals(ablation.BASE, problem) == base[problem.name]


def test_the_stretch_of_the_resource_changes_the_proposals():
    def ask(stretch):
        with replaced({hyperband_variants.STRETCH: stretch}):
            optimizer = Optimizer({"x": (0.0, 1.0)}, n_iter=20, random_state=0)
            for k in range(12):
                x = (0.37 * k) % 1
                fidelity = (1 / 9, 1 / 3, 1.0)[k % 3]
                optimizer.tell(
                    {"x": x}, -((x - 0.3 * fidelity) ** 2), fidelity=fidelity
                )
            return optimizer.ask()

    assert ask(4.0) != ask(1.0)
