"""What the jobs of a comparison answered: held-out predictions, and how each model was tuned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Fold = tuple[np.ndarray, np.ndarray]  # positions of training and of held-out rows


@dataclass(frozen=True)
class Answer:
    """What a job (one model on one fold) returns."""

    job: int
    prediction: np.ndarray
    alpha: float
    inner_loss: float  # mean loss on the inner folds, NaN where nobody asked
    seconds: float
    warnings: list[str]


@dataclass(frozen=True)
class Run:
    """Every model on every fold."""

    answers: dict[str, list[Answer]]  # of each model, in the order of the folds
    folds: list[Fold]
    n_rows: int

    @property
    def fold(self) -> np.ndarray:
        """The fold in which each row is held out, -1 where in none."""
        fold = np.full(self.n_rows, -1)
        for k, (_, test) in enumerate(self.folds):
            fold[test] = k
        return fold

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        """What each model predicts of all rows, NaN where a row was never held out."""
        return {name: self._gathered(done) for name, done in self.answers.items()}

    @property
    def of_rows(self) -> dict[str, np.ndarray]:
        """The same, where rows are at hand."""
        return self.predictions

    def _gathered(self, answers: list[Answer]) -> np.ndarray:
        more = answers[0].prediction.shape[1:]  # columns, or classes
        prediction = np.full((self.n_rows, *more), np.nan)
        for answer, (_, test) in zip(answers, self.folds, strict=True):
            prediction[test] = answer.prediction
        return prediction

    @property
    def inner_losses(self) -> dict[str, list[float]]:
        """Mean loss of each model on the inner folds of each training part."""
        return {name: [a.inner_loss for a in done] for name, done in self.answers.items()}

    def alpha(self, name: str) -> float:
        """Geometric mean over the folds."""
        with np.errstate(invalid="ignore"):
            return float(np.exp(np.mean(np.log([answer.alpha for answer in self.answers[name]]))))

    def seconds(self, name: str) -> float:
        """Of all folds."""
        return sum(answer.seconds for answer in self.answers[name])

    @property
    def warned(self) -> list[str]:
        """A note for each model that warned."""
        notes = []
        for name, done in self.answers.items():
            warned = [answer.warnings[0] for answer in done if answer.warnings]
            if warned:
                notes.append(f"{name} warned in {len(warned)} of {len(done)} folds: {warned[0]}")
        return notes
