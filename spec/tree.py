"""Trees of arrays: one array, or lists, tuples and dicts of arrays, nested as one likes. Parameters are such a tree."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["fits", "leaves", "map_leaves", "rebuild"]

_CONTAINERS = (dict, list, tuple)


def leaves(tree: Any, like: Any = None) -> list[Any]:
    """Arrays of a tree, in order: of a dict in that of its keys, or of those of `like`, a tree of the same structure.

    >>> leaves({"b": 1, "a": [2, 3]})
    [1, 2, 3]
    >>> leaves({"b": 1, "a": [2, 3]}, like={"a": [0, 0], "b": 0})
    [2, 3, 1]
    """
    if not isinstance(tree, _CONTAINERS):
        return [tree]
    like = tree if like is None else like
    parts = [tree[key] for key in like] if isinstance(tree, dict) else tree
    if _flat(parts):
        return list(parts)
    like_parts = like.values() if isinstance(tree, dict) else like
    return [x for part, of_like in zip(parts, like_parts, strict=True) for x in leaves(part, of_like)]


def rebuild(tree: Any, arrays: Iterable[Any]) -> Any:
    """A tree of the structure of `tree` with other arrays, given in the order of `leaves`.

    >>> rebuild({"b": 1, "a": (2, 3)}, "xyz")
    {'b': 'x', 'a': ('y', 'z')}
    """
    waiting = iter(arrays)

    def build(part: Any) -> Any:
        if not isinstance(part, _CONTAINERS):
            return next(waiting)
        parts = part.values() if isinstance(part, dict) else part
        new = itertools.islice(waiting, len(part)) if _flat(parts) else map(build, parts)
        if isinstance(part, dict):
            return dict(zip(part, new, strict=True))
        return type(part)(*new) if hasattr(part, "_fields") else type(part)(new)

    return build(tree)


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function to every array of a tree, together with those at the same place in other trees.

    >>> map_leaves(lambda x, y: x + y, {"a": 1, "b": [2]}, {"b": [20], "a": 10})
    {'a': 11, 'b': [22]}
    """
    return rebuild(tree, map(function, leaves(tree), *(leaves(other, tree) for other in others)))


def fits(tree: Any, other: Any) -> bool:
    """Whether two trees have the same structure, shapes and dtypes. A list fits a tuple."""
    if isinstance(tree, dict):
        if not isinstance(other, dict) or tree.keys() != other.keys():
            return False
        pairs = ((value, other[key]) for key, value in tree.items())
    elif isinstance(tree, list | tuple):
        if not isinstance(other, list | tuple) or len(tree) != len(other):
            return False
        pairs = zip(tree, other, strict=True)
    else:
        return tree.shape == other.shape and tree.dtype == other.dtype
    for x, y in pairs:
        if not fits(x, y) if isinstance(x, _CONTAINERS) else x.shape != y.shape or x.dtype != y.dtype:
            return False
    return True


def _flat(parts: Iterable[Any]) -> bool:
    """Whether no part is a container. There are few types and perhaps many parts."""
    return not any(issubclass(kind, _CONTAINERS) for kind in set(map(type, parts)))
