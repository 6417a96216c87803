"""What all studies share.

- `study.py`: finds the studies and reads their options from the signatures of `run`,
  `table` and `plot`;
- `store.py`: the file of results, which is appended to and resumed from;
- `clock.py`: seconds of the wall, of the process and of the thread;
- `report.py`: Markdown tables and the line that names the versions;
- `statistics.py`: means with their errors, and tests over folds and pairs;
- `variants.py`: names of the package replaced for the length of a run.
"""
