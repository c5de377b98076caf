"""Arrays by name in a safetensors file, which every backend reads: written whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as _serialize

from gongsik.spec.model import differences


class CheckpointError(ValueError):
    """A file is no complete safetensors file, or does not hold the arrays that were expected."""


class Checkpoint(NamedTuple):
    """What a file holds: NumPy arrays by name, and metadata, strings by name."""

    params: dict[str, np.ndarray]
    metadata: dict[str, str]


def save(
    path: str | os.PathLike[str], params: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays and metadata so that the file at `path` is, at every moment, the old one or the new one.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    params : dict of NumPy arrays
        What `load` returns.
    metadata : dict of str, optional
        Strings by name.

    Raises
    ------
    CheckpointError
        If something in `params` is no NumPy array of a dtype that safetensors has.
    OSError
        If the folder is not there or not writable. The old file, if there is one, is then untouched.
    """
    wrong = [name for name, array in params.items() if not isinstance(array, np.ndarray)]
    if wrong:
        raise CheckpointError(f"{path}: not NumPy arrays: {', '.join(wrong)}")
    try:
        data = _serialize({name: np.asarray(array, order="C") for name, array in params.items()}, dict(metadata or {}))
    except (SafetensorError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be written as safetensors: {error}") from error
    path = Path(path)
    file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115 (it outlives the block)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # the data before the name: else a crash leaves an empty file
        os.replace(file.name, path)
    except BaseException:
        os.unlink(file.name)
        raise
    _sync_folder(path.parent)


def load(path: str | os.PathLike[str], expected: Mapping[str, tuple[int, ...]] | None = None) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path : path
        A safetensors file, of this library or of another program.
    expected : dict of shapes, optional
        Every name and shape that the file has to hold, as ``config.parameters()`` gives them.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointError
        If the file is truncated or of another format, or if names or shapes are not those expected; all differences
        are named.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.safetensors", {"w": np.zeros((2, 3))}, {"step": "7"})
    ...     load(f"{folder}/a.safetensors", {"w": (2, 3)}).metadata
    {'step': '7'}
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            params = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except FileNotFoundError:
        raise
    except Exception as error:  # safetensors raises its own error, but also TypeError and OSError, by what is wrong
        raise CheckpointError(f"{path} is not a complete safetensors file: {error}") from error
    if expected is not None:
        problems = differences(expected, params)
        if problems:
            raise CheckpointError(f"{path} does not fit: {'; '.join(problems)}")
    return Checkpoint(params, metadata)


def _sync_folder(folder: Path) -> None:
    """Make the renaming last, too. Windows has no such call, and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
