"""The journal: what of a search survives a kill.

Every finished fold is committed to an SQLite file, from which the search is resumed to
the same end. The file says which search it belongs to, so that another one is refused.

journal.py: `Journal`, what a search reads and adds, in two steps of opening.
file.py: the SQLite file; its format, its lock, and what is refused.
records.py: trials and splits as what the file holds, and back.
identity.py: digests that tell whether two searches are the same.
"""
