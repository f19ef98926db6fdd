"""
From a notebook to a scheduled job
==================================

A model was good in a notebook. Now it has to be fitted every night, answer the rows that came in,
and say so if something is wrong, with nobody there. This page does with the command `mtlearn` what
one would put into such a job: fit, save, predict, export to a database, fit again with new rows.
All its options are in :doc:`../../command`.
"""

# %%
# Two files
# ---------
#
# Pupils of 65 London schools, with their exam at 16. `pupils.csv` holds those whose exam is known;
# `new.csv` those who still have to be predicted: every tenth pupil, and all of school 65, which has
# just joined. We keep their exams aside to see how good the predictions were.

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from mtlearn.datasets import load_exam

columns = ["school", "standLRT", "schavg", "sex", "normexam"]
exam = load_exam().frame[columns]
is_new = (np.arange(len(exam)) % 10 == 0) | (exam["school"] == 65)
known, new = exam[~is_new], exam[is_new].reset_index(drop=True)

folder = Path(tempfile.mkdtemp())
known.to_csv(folder / "pupils.csv", index=False)
new.drop(columns="normexam").to_csv(folder / "new.csv", index=False)

# %%
# The command is also `python -m mtlearn`. This runs it as a shell would:


def mtlearn(*arguments):
    command = [sys.executable, "-m", "mtlearn", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    print("$ mtlearn", *arguments)
    print(done.stdout + done.stderr + f"(exit code {done.returncode})")
    return done


# %%
# At night: fit
# -------------
#
# Without `--model` the command would compare models first and take the best. A job should name its
# model, so that it stays the same from night to night.

of = ["--target", "normexam", "--task", "school"]
fitted = mtlearn("fit", "pupils.csv", *of, "--model", "random-slopes", "--save", "model.skops")

# %%
# By the hour: predict
# --------------------
#
# A row out for each row in, with an interval that covers 90 % of new pupils. Those of school 65 are
# answered by what all schools share, and a note counts them.

predicted = mtlearn("predict", "model.skops", "new.csv", "--out", "predictions.csv")
predictions = pd.read_csv(folder / "predictions.csv")
predictions.tail(3).round(2)

# %%
# The exams that we kept aside say how good that was:

unseen = new["school"] == 65
inside = new["normexam"].between(predictions["low"], predictions["high"])
covered = {"schools known": inside[~unseen].mean(), "school 65": inside[unseen].mean()}
pd.Series(covered, name="share inside the interval").round(2)

# %%
# Into a database
# ---------------
#
# `mtlearn export` writes the model as one SQL query, which needs no Python where it runs. Here it
# is SQLite that runs it.

import sqlite3

exported = mtlearn("export", "model.skops", "--to", "model.sql", "--table", "new_pupils")
with sqlite3.connect(":memory:") as database:
    new.drop(columns="normexam").to_sql("new_pupils", database, index=False)
    by_sql = pd.read_sql((folder / "model.sql").read_text("utf-8"), database)
by_sql.tail(3).round(2)

# %%
# In Python again
# ---------------
#
# A .skops file holds data and no code. `skops` lists the types in it that it does not know; look at
# them, and load the file if they are what you expect. In it is a pipeline of scikit-learn, and its
# coefficients are what `mtlearn export model.skops --to coefficients.csv` writes.

import skops.io

from mtlearn.inspection import coef_frame

types = skops.io.get_untrusted_types(file=folder / "model.skops")
print(*types, sep="\n")
assert all(name.startswith("mtlearn.") for name in types)
loaded = skops.io.load(folder / "model.skops", trusted=types)
pipeline = loaded["pipeline"]
coef_frame(pipeline, intercept="origin").head(4).round(3)

# %%
# The next night: new rows, and a new task
# ----------------------------------------
#
# The exams of the new pupils have come in. A school more is nothing but more rows, so the job adds
# them to the table and does what it did the night before. The file is replaced when the new one is
# complete, and whoever predicts in between has the old one.

exam.to_csv(folder / "pupils.csv", index=False)
again = mtlearn(
    "fit", "pupils.csv", *of, "--model", "random-slopes", "--save", "model.skops", "--quiet"
)
renewed = skops.io.load(folder / "model.skops", trusted=types)["pipeline"]
print(len(pipeline["model"].tasks_), "schools, then", len(renewed["model"].tasks_))

# %%
# Is it still worth it?
# ---------------------
#
# With `--fail-if-no-gain` the exit code of `mtlearn compare` is 1 unless learning together helps.
# Any command ends with 2 if there was no answer at all: no file, no such column. The answer in full
# is in a file of JSON. Two folds are quick; leave `--folds` out in a job.

import json

compared = mtlearn(
    *("compare", "pupils.csv", *of, "--models", "random-slopes", "--folds", "2"),
    *("--quiet", "--json", "answer.json", "--fail-if-no-gain"),
)
answer = json.loads((folder / "answer.json").read_text("utf-8"))
print(answer["verdict"].split(". ")[0])
print({name: answer[name] for name in ("helps", "p_value", "best_model", "best_baseline")})

# %%
# It is a No that means it: one model for all with a level for each school does as well here, and
# would be the simpler model for this job, `--model pooled+dummies`.

# %%
# The job
# -------
#
# For `cron`, which mails what a job prints; with `--quiet` that is only what is wrong:
#
# .. code-block:: text
#
#     PATH=/srv/venv/bin:/usr/bin:/bin
#     HOME=/srv/pupils
#     OF=--target normexam --task school
#     30 2 * * *  mtlearn fit pupils.csv $OF --model random-slopes --save model.skops --quiet
#     15 * * * *  mtlearn predict model.skops new.csv --out predictions.csv --quiet
#     0 6 * * 1   mtlearn compare pupils.csv $OF --quiet --fail-if-no-gain || echo "exit code $?"
#
# For GitHub Actions, where an exit code other than 0 fails the run, and its owner gets a mail:
#
# .. code-block:: yaml
#
#     on:
#       schedule: [{cron: "30 2 * * *"}]
#     jobs:
#       fit:
#         runs-on: ubuntu-latest
#         steps:
#           - uses: actions/checkout@v4
#           - run: pip install -r requirements.txt
#           - run: >
#               mtlearn fit pupils.csv --target normexam --task school
#               --model random-slopes --save model.skops
#           - uses: actions/upload-artifact@v4
#             with: {name: model, path: model.skops}
#
# What came out
# -------------
#
# The database says what the command says. And school 65, of which the first model knew nothing, has
# a line of its own in the second: its pupils do a little worse than those of other schools.

import matplotlib.pyplot as plt

joined = new[unseen].sort_values("standLRT")
reading = joined["standLRT"]
before, after = pipeline.predict(joined), renewed.predict(joined)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.scatter(predictions["normexam_predicted"], by_sql["normexam_predicted"], s=10, alpha=0.5)
left.axline((0, 0), slope=1, color="black", linewidth=0.8)
left.set(
    xlabel="mtlearn predict",
    ylabel="SQL in SQLite",
    title="The database says the same of every pupil",
)
right.scatter(reading, joined["normexam"], s=10, color="grey", label="exams, known later")
limits = predictions.loc[joined.index]
right.fill_between(reading, limits["low"], limits["high"], alpha=0.15, label="90 % interval")
right.plot(reading, before, ".", label="first night: shared model")
right.plot(reading, after, ".", label="next night: its own line")
right.set(
    xlabel="reading test at 11", ylabel="exam at 16", title="School 65: unknown, and a night later"
)
right.legend(fontsize="small")
plt.show()
