"""Backends by name: one object that has the formulas of a module, whichever module it is.

A backend is a module with `asarray`, `to_numpy` and some formulas, as functions of the module itself or of one
submodule per chapter. If it differentiates it has `value_and_grad`; if it compiles, `compiled`. It need not import
anything of this package.
"""

import difflib
import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from gongsik.spec import CHAPTERS, entries, formulas

GROUP = "gongsik.backends"
"""The entry point group under which a package registers its backend."""


class BackendError(ValueError):
    """A backend is not there, does not import, or cannot do what it was asked for."""


def available() -> dict[str, str]:
    """Registered backends: the module of each, by name. A module that is not registered goes by its dotted name."""
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}


def backend(
    name: str = "reference", *, device: Any = None, dtype: Any = None, compile: bool = False, donate: bool = False
) -> "Backend":
    """The backend of this name.

    Parameters
    ----------
    name : str
        A registered name ("reference", "torch", ...) or the dotted name of a module.
    device : optional
        Where `asarray` puts arrays, in the backend's own terms: "cuda", say.
    dtype : optional
        The dtype that `asarray` gives to real numbers, in the backend's own terms: "float32", say.
    compile : bool
        Whether the formulas go through the module's `compiled` first.
    donate : bool
        Whether, compiled, an optimizer may write over the parameters and the state that it is given, and
        `clip_grad_norm` over the gradients. They are used up then: only the returned ones are valid.

    Returns
    -------
    Backend

    Raises
    ------
    BackendError
        If there is no such module, it does not import, lacks `asarray` or `to_numpy`, or cannot make arrays of this
        device and dtype, or has no `compiled` although `compile` is asked for; if `donate` is asked for without
        `compile`.

    Examples
    --------
    >>> bk = backend("reference", dtype="float32")
    >>> bk.sigmoid(bk.asarray([0.0])).dtype
    dtype('float32')
    """
    return Backend(name, _module(name), device=device, dtype=dtype, compile=compile, donate=donate)


class Backend:
    """The formulas of one module: ``bk.softmax`` and ``bk.activation.softmax`` are the same function.

    Attributes
    ----------
    name : str
        The name it was asked for by.
    module : module
        Where its functions come from.
    device, dtype
        What `asarray` does unless told otherwise; None: what the module does.
    value_and_grad : callable
        ``value_and_grad(f)(params, *rest)`` is the value of a scalar function and its gradient by `params`. Missing,
        as a formula can be, where the module does not differentiate.
    """

    value_and_grad: Callable[[Callable[..., Any]], Callable[..., tuple[Any, Any]]]

    def __init__(
        self,
        name: str,
        module: ModuleType,
        *,
        device: Any = None,
        dtype: Any = None,
        compile: bool = False,
        donate: bool = False,
    ) -> None:
        lacking = [helper for helper in ("asarray", "to_numpy") if not callable(getattr(module, helper, None))]
        if lacking:
            raise BackendError(f"{name!r} is no backend: module {module.__name__} has no {' and no '.join(lacking)}")
        self.name, self.module, self.device, self.dtype = name, module, device, dtype
        if hasattr(module, "value_and_grad"):
            self.value_and_grad = module.value_and_grad
        self._functions = _functions(module, formulas())
        self._counts = _functions(module, [id for id, entry in entries().items() if entry.kind == "count"])
        if donate and not compile:
            raise BackendError("donate=True needs compile=True: only a compiled step writes over what it is given")
        if compile:
            if not callable(getattr(module, "compiled", None)):
                raise BackendError(f"backend {name!r} cannot compile: module {module.__name__} has no compiled")
            options = {"donate": True} if donate else {}
            self._functions = {id: module.compiled(function, id, **options) for id, function in self._functions.items()}
        for chapter in CHAPTERS:
            setattr(self, chapter, _Chapter(name, chapter, {**self._functions, **self._counts}))
        for id, function in {**self._functions, **self._counts}.items():
            formula = id.split(".")[1]
            if formula not in CHAPTERS:  # a chapter with the name of one of its models is callable instead
                setattr(self, formula, function)
        if device is not None or dtype is not None:
            self._try_asarray()

    def _try_asarray(self) -> None:
        """Fail now, in the terms of the caller, rather than in the middle of the caller's work."""
        try:
            self.asarray([0.0])
        except Exception as error:
            asked = [f"{key}={value!r}" for key in ("device", "dtype") if (value := getattr(self, key)) is not None]
            raise BackendError(
                f"backend {self.name!r} makes no arrays of {', '.join(asked)}: {_reason(error)}"
            ) from error

    def asarray(self, x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        """Turn data into an array of this backend, on its device; real numbers get its dtype, others keep theirs."""
        options = {"dtype": dtype, "device": self.device if device is None else device}
        if dtype is None and self.dtype is not None and _is_real(x):
            options["dtype"] = self.dtype
        # A module's `asarray` need not have the options that nobody asks for.
        return self.module.asarray(x, **{key: value for key, value in options.items() if value is not None})

    def to_numpy(self, x: Any, /) -> Any:
        """Turn an array of this backend into a NumPy array."""
        return self.module.to_numpy(x)

    def implemented(self) -> tuple[str, ...]:
        """Ids of the formulas that it has, in the order of teaching."""
        return tuple(self._functions)

    def has(self, id: str, /) -> bool:
        """Whether it has the formula of this id, or offers the count beside its formulas."""
        return id in self._functions or id in self._counts

    def __getattr__(self, name: str) -> Any:  # only for what was not found
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name == "value_and_grad":
            message = f"backend {self.name!r} does not differentiate: {self.module.__name__} has no value_and_grad"
        else:
            message = _lacks(self.name, name, formulas())
        raise AttributeError(message, name=name, obj=self)

    def __repr__(self) -> str:
        return f"<gongsik backend {self.name!r}: {len(self._functions)} formulas of module {self.module.__name__}>"


class _Chapter:
    """One chapter of a backend."""

    def __init__(self, backend: str, chapter: str, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._backend, self._name = backend, chapter
        for id, function in functions.items():
            if id.startswith(f"{chapter}."):
                setattr(self, id.split(".")[1], function)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """The model of the chapter's name, if it has one: an autoencoder."""
        return getattr(self, self._name)(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(_lacks(self._backend, name, formulas(self._name)), name=name, obj=self)

    def __repr__(self) -> str:
        return f"<chapter {self._name!r} of gongsik backend {self._backend!r}>"


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)`` if a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _lacks(backend: str, name: str, wanted: Mapping[str, Any]) -> str:
    ids = {id.split(".")[1]: id for id in wanted}
    if name in ids:
        return f"backend {backend!r} does not implement {ids[name]}"
    return f"there is no formula {name!r}{suggestion(name, ids)}"


def _module(name: str) -> ModuleType:
    registered = available()
    target = registered.get(name, name)
    unknown = BackendError(
        f"no backend {name!r}{suggestion(name, registered)}: there are {', '.join(registered)}, and any module that "
        "can be imported, by its dotted name"
    )
    if not all(part.isidentifier() for part in target.split(".")):
        raise unknown
    try:
        return importlib.import_module(target)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{target}.".startswith(f"{missing}."):
            raise unknown from None  # the module itself is missing, not something that it imports
        raise BackendError(f"backend {name!r}: module {target} does not import: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _functions(module: ModuleType, ids: Iterable[str]) -> Mapping[str, Callable[..., Any]]:
    """Those that a module has, by id: in the module itself, or in its submodule of the chapter's name."""
    found = {}
    for id in ids:
        chapter, name = id.split(".")
        part = getattr(module, chapter, None)
        function = getattr(module, name, None)
        if not callable(function) and isinstance(part, ModuleType):
            function = getattr(part, name, None)
        if callable(function):
            found[id] = function
    return MappingProxyType(found)


def _is_real(x: Any) -> bool:
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        dtype = np.asarray(x).dtype
    return "float" in str(dtype)  # float32, torch.bfloat16, ...: every array library spells it so
