"""Learned models, in the manner of scikit-learn."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from . import _native
from ._ron import pairs


class Surrogate:
    """A surrogate: `fit(X, y)`, then `predict(X, return_std=True)`.

    `X` has a row of numbers per design (`space.encode(designs, "one-hot")`), `y` one target per row, or a column per target. Columns of one
    target are learned apart.
    """

    def __init__(self, id: str, seed: int = 1, **hyperparameters: Any) -> None:
        self.id, self.seed, self.hyperparameters = id, seed, hyperparameters
        self._fitted: list[_native.Fitted] = []
        self._flat = True

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was made with."""
        return {"id": self.id, "seed": self.seed, **self.hyperparameters}

    def set_params(self, **parameters: Any) -> Surrogate:
        """Changes what it was made with; it has to be trained again."""
        given = self.get_params() | parameters
        self.__init__(given.pop("id"), given.pop("seed"), **given)  # type: ignore[misc]
        return self

    def fit(self, X: Any, y: Any) -> Surrogate:  # noqa: N803 - scikit-learn's names
        """Learns. Errors: `ValueError` for shapes that do not fit, numbers that are not finite, hyperparameters out of range."""
        rows, targets = _rows(X), np.asarray(y, dtype=np.float64)
        self._flat = targets.ndim == 1
        columns = targets.reshape(len(targets), -1).T
        given = pairs(self.hyperparameters)
        self._fitted = [
            _native.fit_surrogate(self.id, given, rows.tobytes(), rows.shape[1], column.tobytes(), self.seed)
            for column in map(np.ascontiguousarray, columns)
        ]
        return self

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> np.ndarray: ...  # noqa: N803
    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...  # noqa: N803

    def predict(self, X: Any, return_std: bool = False) -> Any:  # noqa: N803
        """Expected values of rows, with `return_std` also their standard deviations. Errors: `ValueError` before `fit`."""
        if not self._fitted:
            raise ValueError("this surrogate is not trained; call fit first")
        rows = _rows(X)
        answers = [fitted.predict(rows.tobytes()) for fitted in self._fitted]
        mean, std = (np.stack([np.frombuffer(answer[part]) for answer in answers], axis=1) for part in (0, 1))
        if self._flat:
            mean, std = mean[:, 0], std[:, 0]
        return (mean, std) if return_std else mean

    def score(self, X: Any, y: Any) -> float:  # noqa: N803
        """The coefficient of determination, as in scikit-learn; the mean over several targets."""
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        predicted = self.predict(X).reshape(targets.shape)
        residual = ((targets - predicted) ** 2).sum(axis=0)
        return float(np.mean(1.0 - residual / ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)))

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value!r}" for name, value in self.hyperparameters.items())
        return f"hwgym.surrogate({self.id!r}{settings})"


def _rows(values: Any) -> np.ndarray:
    rows = np.ascontiguousarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"X has the shape {rows.shape}; expected a row of numbers per design")
    return rows


def surrogate(id: str, seed: int = 1, **hyperparameters: Any) -> Surrogate:
    """The surrogate of this id (`hwgym.surrogates()` lists them), untrained.

    >>> model = surrogate("gaussian-process").fit([[0.0], [0.5], [1.0]], [0.0, 0.25, 1.0])
    >>> mean, std = model.predict([[0.25]], return_std=True)
    """
    from .catalogue import surrogates

    known = surrogates()
    if id not in known:
        raise ValueError(f"no surrogate is called `{id}` (known: {', '.join(known)})")
    return Surrogate(id, seed, **hyperparameters)
