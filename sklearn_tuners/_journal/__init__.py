"""The journal: what of a search survives a kill.

Every finished fold is committed to an SQLite file, from which the search is resumed to
the same end. The file says which search it belongs to, so that another one is refused.

journal.py: `Journal`, what a search reads and adds, in two steps of opening.
file.py: the SQLite file; its format, its lock, and what is refused.
records.py: params and splits as what the file holds, and back.
identity.py: what the parts of a search are known by.
content.py: a digest of what an object holds, the same in every process.
variables.py: the variables of others that a function reads.
"""
