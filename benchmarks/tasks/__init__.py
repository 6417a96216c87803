"""What solvers are tried on.

- `functions.py`: synthetic functions with known optima; what a problem is;
- `grids.py`: the same from grids of real cross-validation scores;
- `pipelines.py`: pipelines on real data, each with a grid and with ranges;
- `small.py`: small samples of real data, the rest held out;
- `tables.py`, `tables.csv`: real tables out of installed packages;
- `pairs.py`, `pairs.csv`: thirty pairs of an estimator and such a table;
- `ranges.py`, `ranges.csv`: search spaces that other packages ship;
- `resources.py`: searches with a resource (rows, epochs, trees);
- `estimators.py`: estimators that cost nothing, or sleep;
- `virtual.py`: searches on workers with a virtual clock.
"""
