"""Studies of the package on real data and on problems with known answers.

- `__main__.py`: the command line, ``python -m benchmarks STUDY run|table|plot``;
- `core/`: the runner, the store of results, the clock and the tables;
- `tasks/`: what is solved;
- `solvers/`: what solves it;
- `studies/`: the questions.
"""
