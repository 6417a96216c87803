"""The journal: what survives when a search is killed.

Every finished fold is committed to an SQLite file, from which the search is resumed to
the same end. The file records which search it belongs to; any other search is refused.

- `journal.py`: `Journal`, what a search reads and adds, opened in two steps
- `file.py`: the SQLite file: its format, its lock, and which files are refused
- `records.py`: params and splits in the form that the file holds, and back
- `identity.py`: digests that identify the parts of a search
- `content.py`: a digest of what an object holds, the same in every process
- `variables.py`: the global and enclosing variables that a function reads
"""
