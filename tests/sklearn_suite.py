"""scikit-learn's own tests, run with another class in the place of its searches."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import sklearn

SKLEARN = Path(sklearn.__file__).parent
CONTRACT = Path(__file__).parent / "contract"

Cases = list[dict[str, str]]


def run(
    tests: list[str], report: Path, substitute: str
) -> tuple[dict[str, Cases], str]:
    """Run some of scikit-learn's tests in a process of their own.

    Parameters
    ----------
    tests : list of str
        As "file::test", or files.
    report : Path
        File to write outcomes to.
    substitute : str
        "module:Class" of the search that takes the place of both of scikit-learn's;
        empty leaves them.

    Returns
    -------
    outcomes : dict
        "file::test" -> its cases, each a dict with keys id, outcome and text.
    output : str
        What the process printed.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull]
    command += [f"--rootdir={SKLEARN}", "-p", "no:cacheprovider"]
    command += ["-p", "_sklearn_plugin", *(str(SKLEARN / test) for test in tests)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(CONTRACT), *sys.path[1:]]),
        "SKLEARN_TUNERS_REPORT": str(report),
        "SKLEARN_TUNERS_SUBSTITUTE": substitute,
    }
    report.touch()
    process = subprocess.run(
        command,
        env=environment,
        cwd=report.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outcomes = defaultdict(list)
    for line in report.read_text(encoding="utf8").splitlines():
        case = json.loads(line)
        outcomes[case["id"].partition("[")[0]].append(case)
    return outcomes, process.stdout
