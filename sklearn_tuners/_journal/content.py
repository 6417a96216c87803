"""A digest of what an object holds, the same in every process.

Each value consists of a type and parts and is digested from these, bottom up. So
neither the order of a dict or a set matters, nor whether two equal parts are one object
or two, and nothing is left out: what cannot be digested is refused.

What can be imported is identified by its name. Other functions and classes, those of a
script or made inside a function, are identified by what they do: their code and
constants, and the variables that they read. An object is identified by its class and
the state that it pickles. Locks, threads and the like are identified by their type, as
their state says nothing about the search.
"""

from __future__ import annotations

import copyreg
import functools
import io
import sys
import weakref
from collections.abc import Callable, Iterable
from functools import singledispatch
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from pickle import whichmodule  # type: ignore[attr-defined]
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy import sparse, stats
from scipy.stats.distributions import rv_frozen
from sklearn.utils import check_random_state

from sklearn_tuners._journal.variables import (
    arguments_of,
    attributes_kept,
    variables_of,
)

__all__ = ["UnknownContentError", "digest"]

_DIGEST_SIZE = 16  # bytes, as MD5: no collision expected below 2**64 values
_BLOCK = 2**24  # bytes of an array that are copied at a time, if they must be

_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"N",
    type(...): lambda value: b"E",
    type(NotImplemented): lambda value: b"I",
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"i%x" % value,
    float: lambda value: b"d" + value.hex().encode(),
    complex: lambda value: f"c{value.real.hex()} {value.imag.hex()}".encode(),
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"b" + value,
}

_BY_TYPE = {
    "_thread",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "multiprocessing.pool",
    "multiprocessing.synchronize",
    "threading",
    "weakref",
}
"""Modules of objects that are identified by their class: what they hold, such as
waiting threads, changes while they are used and says nothing about the search."""

_MADE_BY_PYTHON = {  # members of a class that say nothing about what it does
    "__abstractmethods__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__qualname__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
}

_GLOBAL_RANDOM_STATE = check_random_state(None)

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made while Python ran


class UnknownContentError(TypeError):
    """An object contains something with neither a name nor readable content.

    Attributes
    ----------
    found : object
        The part that cannot be digested.
    where : str
        Path to it, such as ``.steps[0].func``.
    """

    def __init__(self, found: Any, reason: str) -> None:
        super().__init__(reason)
        self.found = found
        self.where = ""

    def within(self, label: str) -> UnknownContentError:
        """Add the location of the part that contains it."""
        self.where = label + self.where
        return self


def digest(value: Any) -> str:
    """Return a digest of what an object holds.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        Equal for equal content, in any process.

    Raises
    ------
    UnknownContentError
        If there is something in it that has neither a name nor a content.

    Examples
    --------
    >>> digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    True
    >>> digest(1) == digest(1.0)
    False
    """
    try:
        return blake2b(_Walk().piece(value), digest_size=_DIGEST_SIZE).hexdigest()
    except RecursionError as error:
        raise UnknownContentError(value, "it is nested too deeply") from error


class _Walk:
    """One walk through an object.

    A piece is the bytes that stand for a value: a scalar itself, else a digest.
    """

    def __init__(self) -> None:
        # Keeps the object alive: otherwise its id could be reused.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._depth_of: dict[int, int] = {}  # of what contains the value that is read

    def piece(self, value: Any) -> bytes:
        """Return the piece of a value."""
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            return scalar(value)
        key = id(value)
        if key in self._known:
            return self._known[key][1]
        if key in self._depth_of:  # a cycle: how far up it leads
            return b"^%d" % (len(self._depth_of) - self._depth_of[key])
        self._depth_of[key] = len(self._depth_of)
        found = _read.dispatch(type(value))(value, self)
        del self._depth_of[key]
        self._known[key] = value, found
        return found

    def join(self, kind: str, pieces: Iterable[bytes]) -> bytes:
        """Return the piece of a value of some kind that consists of others."""
        whole = blake2b(kind.encode() + b"\0", digest_size=_DIGEST_SIZE)
        for piece in pieces:
            whole.update(b"%x:" % len(piece))
            whole.update(piece)
        return b"#" + whole.digest()

    def parts(self, kind: str, values: Iterable[Any], label: str = "[{}]") -> bytes:
        """Return the piece of values in their order."""
        pieces = []
        for i, value in enumerate(values):
            try:
                pieces.append(self.piece(value))
            except UnknownContentError as error:
                raise error.within(label.format(i)) from error.__cause__
        return self.join(kind, pieces)

    def items(
        self, kind: str, items: Iterable[tuple[Any, Any]], label: str = "[{!r}]"
    ) -> bytes:
        """Return the piece of keys and values in any order."""
        keys = [(self.piece(key), key, value) for key, value in items]
        pieces = []
        for piece, key, value in sorted(keys, key=itemgetter(0)):
            try:
                pieces.append((piece, self.piece(value)))
            except UnknownContentError as error:
                raise error.within(label.format(key)) from error.__cause__
        return self.join(kind, chain.from_iterable(sorted(pieces)))

    def unordered(self, kind: str, values: Iterable[Any]) -> bytes:
        """Return the piece of values in any order."""
        known, pieces = self._known, []
        for value in values:
            # Within a cycle a piece depends on what was read before.
            self._known = {}
            pieces.append(self.piece(value))
        self._known = known
        return self.join(kind, sorted(pieces))


# How to read each type ----------------------------------------------------------------


@singledispatch
def _read(value: Any, walk: _Walk) -> bytes:
    """Return the piece of an object, by default from its pickled state."""
    kind = type(value)
    if kind.__module__ in _BY_TYPE:
        return walk.parts("type", (kind,))
    if sparse.issparse(value):
        return _read_sparse(value, walk)
    try:
        reduce = copyreg.dispatch_table.get(kind)
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    except Exception as error:
        raise UnknownContentError(value, str(error)) from error
    if isinstance(reduced, str):
        return _read_global(value, walk, reduced)
    make, arguments, state, items, entries = (*reduced, None, None, None)[:5]
    pieces = (
        walk.piece(make),
        walk.parts("arguments", arguments, "({})"),
        walk.items("state", state.items(), ".{}")
        if type(state) is dict
        else walk.piece(state),
        walk.parts("items", items or ()),
        walk.items("entries", entries or ()),
    )
    return walk.join("object", pieces)


def _read_global(value: Any, walk: _Walk, name: str) -> bytes:
    module = whichmodule(value, name)
    if not _is_import_name(value, module, name):
        raise UnknownContentError(value, f"there is no {name!r} to import")
    return walk.parts("import", (module, name))


@_read.register(list)
@_read.register(tuple)
def _read_sequence(value: Any, walk: _Walk) -> bytes:
    kind = type(value)
    if kind not in (list, tuple):
        return _read_object(value, walk)
    return walk.parts(kind.__name__, value)


@_read.register(dict)
@_read.register(MappingProxyType)
def _read_mapping(value: Any, walk: _Walk) -> bytes:
    kind = type(value)
    if kind not in (dict, MappingProxyType):
        return _read_object(value, walk)
    return walk.items(kind.__name__, value.items())


@_read.register(set)
@_read.register(frozenset)
def _read_set(value: Any, walk: _Walk) -> bytes:
    elements = walk.unordered("elements", value)
    return walk.join("set", (walk.piece(type(value)), elements))


_read_object = _read.dispatch(object)


@_read.register
def _read_module(value: ModuleType, walk: _Walk) -> bytes:
    return walk.parts("module", (value.__name__,))


@_read.register
def _read_class(value: type, walk: _Walk) -> bytes:
    name = _import_name(value)
    if not value.__flags__ & _HEAP_TYPE:
        name = (value.__module__, value.__qualname__)
    if name is not None:
        return walk.parts("import", name)
    functions = [getattr(member, "__func__", member) for member in vars(value).values()]
    methods = [each for each in functions if isinstance(each, FunctionType)]
    left_out = _MADE_BY_PYTHON | attributes_kept(value.__name__, methods)
    members = {k: v for k, v in vars(value).items() if k not in left_out}
    pieces = (
        walk.parts("names", (value.__name__, type(value))),
        walk.parts("bases", value.__bases__, ".__bases__[{}]"),
        walk.items("members", members.items(), ".{}"),
    )
    return walk.join("class", pieces)


@_read.register
def _read_function(value: FunctionType, walk: _Walk) -> bytes:
    name = _import_name(value)
    if name is not None:
        return walk.parts("import", name)
    left_out = attributes_kept(value.__name__, [value])
    attributes = {k: v for k, v in vars(value).items() if k not in left_out}
    pieces = (
        walk.piece(value.__code__),
        walk.items("variables", variables_of(value).items(), ", its variable {}"),
        walk.items("attributes", attributes.items(), ".{}"),
    )
    return walk.join("function", pieces)


@_read.register
def _read_code(value: CodeType, walk: _Walk) -> bytes:
    names = value.co_names, value.co_freevars, arguments_of(value)
    steps = value.co_code, value.co_exceptiontable, value.co_consts
    return walk.parts("code", (*names, *steps))


@_read.register(MethodType)
def _read_method(value: Any, walk: _Walk) -> bytes:
    name = _import_name(value)
    if name is not None:
        return walk.parts("import", name)
    return walk.parts("method", (value.__func__, value.__self__), "")


@_read.register(BuiltinMethodType)  # functions of compiled modules too
def _read_builtin_method(value: Any, walk: _Walk) -> bytes:
    name = _import_name(value)
    if name is not None:
        return walk.parts("import", name)
    return walk.parts("method", (value.__name__, value.__self__), "")


@_read.register(functools._lru_cache_wrapper)
def _read_cached_function(value: Any, walk: _Walk) -> bytes:
    name = _import_name(value)
    if name is not None:
        return walk.parts("import", name)
    return walk.parts("cached", (value.__wrapped__, value.cache_parameters()), "")


@_read.register
def _read_property(value: property, walk: _Walk) -> bytes:
    return walk.parts("property", (value.fget, value.fset, value.fdel), "")


@_read.register(classmethod)
@_read.register(staticmethod)
def _read_wrapped(value: Any, walk: _Walk) -> bytes:
    return walk.parts(type(value).__name__, (value.__func__,), "")


@_read.register
def _read_type_variable(value: TypeVar, walk: _Walk) -> bytes:
    return walk.parts("type variable", (value.__name__,))


@_read.register(weakref.ReferenceType)
def _read_reference(value: Any, walk: _Walk) -> bytes:
    return walk.parts("reference", (value(),), "")


@_read.register
def _read_file(value: io.IOBase, walk: _Walk) -> bytes:
    if not hasattr(value, "name"):  # it is in memory and has content
        return _read_object(value, walk)
    return walk.parts("file", (type(value), value.name, getattr(value, "mode", None)))


@_read.register
def _read_random_state(value: np.random.RandomState, walk: _Walk) -> bytes:
    if value is _GLOBAL_RANDOM_STATE:  # its state changes whenever anything is drawn
        return walk.parts("import", ("numpy.random",))
    return _read_object(value, walk)


@_read.register(rv_frozen)
def _read_frozen_distribution(value: Any, walk: _Walk) -> bytes:
    return walk.parts("frozen", (value.dist, value.args, value.kwds))


@_read.register(stats.rv_continuous)
@_read.register(stats.rv_discrete)
def _read_distribution(value: Any, walk: _Walk) -> bytes:
    # Its random state is no part of what it is; its methods, plain and vectorised, are
    # those of the class.
    left_out = np.random.RandomState | np.random.Generator | np.vectorize | MethodType
    state = {k: v for k, v in vars(value).items() if not isinstance(v, left_out)}
    pieces = walk.piece(type(value)), walk.items("state", state.items(), ".{}")
    return walk.join("distribution", pieces)


def _import_name(value: Any) -> tuple[str, str] | None:
    """Return module and name under which another process finds the same object."""
    owner: Any = type(getattr(value, "__self__", None))
    for module in (getattr(value, "__module__", None), owner.__module__):
        for name in (value.__qualname__, value.__name__):
            if _is_import_name(value, module, name):
                return str(module), str(name)
    return None


def _is_import_name(value: Any, module: Any, name: str) -> bool:
    if module in (None, "__main__", "__mp_main__"):  # a script may be edited
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    # Each access creates a new bound method.
    is_method = isinstance(value, MethodType | BuiltinMethodType)
    return bool(found == value) if is_method else found is value


# Arrays and frames: by their values. How these lie in memory changes in use. ----------


@_read.register(np.ndarray)
def _read_array(value: Any, walk: _Walk) -> bytes:
    kind: Any = np.ndarray if isinstance(value, np.memmap) else type(value)
    own: Any = None if kind is np.ndarray else vars(value)
    if isinstance(value, np.ma.MaskedArray):
        value, own = value.filled(), np.ma.getmaskarray(value)
    plain = np.asarray(value)
    head = walk.parts("array", (kind, str(plain.dtype), plain.shape, own))
    if plain.dtype.hasobject:
        return walk.join(
            "values", (head, walk.parts("objects", plain.ravel().tolist()))
        )
    content = blake2b(digest_size=_DIGEST_SIZE)
    if plain.nbytes:
        rows = np.atleast_1d(plain)
        n_rows = max(1, _BLOCK * len(rows) // rows.nbytes)
        for start in range(0, len(rows), n_rows):
            block = np.ascontiguousarray(rows[start : start + n_rows])
            content.update(block.reshape(-1).view(np.uint8).data)
    return walk.join("values", (head, content.digest()))


@_read.register
def _read_numpy_scalar(value: np.generic, walk: _Walk) -> bytes:
    return walk.parts("scalar", (np.asarray(value),), "")


@_read.register
def _read_dtype(value: np.dtype, walk: _Walk) -> bytes:
    return walk.parts("dtype", (repr(value),))


@_read.register(pd.DataFrame)
def _read_frame(value: Any, walk: _Walk) -> bytes:
    columns = [_values(value.iloc[:, i]) for i in range(value.shape[1])]
    pieces = (
        walk.parts("axes", (type(value), value.columns, value.index), ""),
        walk.parts("columns", columns, ".iloc[:, {}]"),
    )
    return walk.join("frame", pieces)


@_read.register(pd.Series)
def _read_series(value: Any, walk: _Walk) -> bytes:
    parts = (type(value), value.name, value.index, _values(value))
    return walk.parts("series", parts, "")


@_read.register(pd.Index)
def _read_index(value: Any, walk: _Walk) -> bytes:
    levels = value.to_frame(index=False, name=range(value.nlevels))
    columns = [_values(levels.iloc[:, i]) for i in range(value.nlevels)]
    return walk.parts("index", (list(value.names), columns), "")


@_read.register(pd.api.extensions.ExtensionArray)
def _read_extension_array(value: Any, walk: _Walk) -> bytes:
    return walk.parts("extension array", (_values(pd.Series(value)),), "")


def _values(column: Any) -> Any:
    """Return the values of a column without pandas types."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    if isinstance(column.dtype, pd.CategoricalDtype):
        dtype = column.dtype
        return dtype.categories, dtype.ordered, column.cat.codes.to_numpy()
    hashes = pd.util.hash_array(column.array, categorize=False)
    return repr(column.dtype), hashes, column.isna().to_numpy()


def _read_sparse(value: Any, walk: _Walk) -> bytes:
    entries = value.tocsr(copy=True) if value.ndim == 2 else value.tocoo(copy=True)
    entries.sum_duplicates()  # sorts too
    if value.ndim == 2:
        places = [entries.indices, entries.indptr]
    else:
        places = list(entries.coords)
    # The type of the indices depends on how the matrix was made.
    places = [place.astype(np.int64, copy=False) for place in places]
    parts = (type(value), value.shape, entries.data, places)
    return walk.parts("sparse", parts, "")
