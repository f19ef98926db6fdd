"""How long to try, when to turn to something else, what fits in memory: measured, not derived.

Each with the reason for its value. They decide how many digits an answer gets and what it costs,
never what the answer is. Thresholds of rounding stand where the arithmetic is.
"""

from __future__ import annotations

import numpy as np

# Limits of the machine.
KEEP_BYTES = 512e6  # of inverses or eigenvectors kept; beyond, they are computed again
DIRECT_BYTES = 512e6  # of the systems of a Newton step
DIRECT_FLOPS = 2e10  # of a Newton step: a second; beyond, conjugate gradients are quicker
CLOSED_FORM_FLOPS = 5e11  # some ten seconds; beyond, the system is solved by products alone
CLOSED_FORM_FEATURES = 6000  # the border of the arrow is d × d
ITERATIONS = 1e14  # nominal flops of anything iterative: what is exact and affordable comes first

# Precision.
ROUNDING = 1e-13  # of a relative gap; below it nothing is lost by giving up
POLISHED = 1e-14  # what small fits are solved to, so that equal problems give equal answers
SMALL_PROBLEM = 10_000  # coefficients, up to which a fit is polished
POLISH_AT_LEAST = 80.0  # products in all: a phase of Newton steps, however soon tol was met
LEAST_MODEL = 1e-16  # relative gap that a quadratic model is ever solved to
LEAST_ALPHA = 1e-9  # of the typical curvature, below which iterations do not see ½‖V‖²

# Patience.
ROUNDS = 3  # that have not halved the gap, after which the rest is rounding
ROUNDS_COMBINED = 12  # the same where points are combined of several, which do not all come closer
LOOSE = 300  # iterations that a stage on the way down to an alpha may take
LOOSE_GAP = 1e-2  # its gap, relative to the share of alpha_max that it stands at
STAGE = 4.0  # between the alphas of neighbouring stages
ALIKE = 16.0  # times the alpha, that alpha_max may be where a fit starts with all tasks alike
STAGE_OF_ALL = 100.0  # the same of a quadratic under a penalty that leaves no feature out
NEAR_GAP = 1e-1  # as LOOSE_GAP where stages are as close as few features enter
STAGES = (4.0, 2.0, 1.5, 1.25)  # the same where features enter, from the largest that few do
ENTERING = 2.0  # times the active features, that may be expected at a stage
LOOK_EVERY = 5  # FISTA iterations between certificates, one of which costs a part of an iteration
LOOK_OFTEN = 2  # the same where products are through many sparse rows, and dearer than all else
POWERS = 12  # products for the largest eigenvalue, which FISTA raises where it is too small
FEW_POWERS = 0  # the same where they are dear, and the steps that it makes small
NEWTON_STEPS = 30  # in one round: a face that is right takes ten, a wrong one is FISTA's to leave
NEWTON_TRIED = 15  # the same of small problems, which have proximal steps to go on with
STEPS_TO_HALVE = 3  # the gap, or proximal steps come next; steps
OF_PRODUCTS = 5  # that take products may be that many;
BRIEF = 1  # in so many rounds after the first: what is slow may get there where they do not
PATIENT = 6  # times as many in proximal steps, which leave wrong faces themselves
CG_WORTH = 40.0  # FISTA iterations that cost as much as a Newton step by conjugate gradients
STRETCH = 40  # steps of Anderson acceleration, a multiple of LOOK_EVERY,
COMES = 0.1  # that leave so much of the gap where more of them are worth it
FISTA_MOST = 300.0  # iterations of FISTA before Newton, however dear a step is
LONGER = 1.5  # each phase of FISTA than the one before, which did not find the face
CG_ITERATIONS = 200  # of one Newton step
CG_TRIED = 100  # where a dense system is as quick as all of them
LASTS = 0.2  # of the gap, that a model leaves while its curvature serves the next ones as well
MODEL_POLISH = 300  # iterations on a model once the whole has met its tolerance
MODEL_NEAR = 200  # that a model like the one before it should not need
LOSS_BURST = 10  # iterations of FISTA on the loss, where a model costs more than that
FACE_FOUND = 0.05  # of the active features, that enter or leave in these, before models are formed
BURST_WORTH = 0.3  # of the gap, that these leave where they are worth more than a model
SINGLE = 1e-4  # relative gap down to which single precision is of use
MODEL_FIRST = 2000  # that the first one should not

# Newton at the prox point.
CUT = 1.0  # length of a step, below which a burst follows
SHORTEST = 0.01  # step that is tried
BURST = 40  # iterations of FISTA after a step that came to little,
SHORT_BURST = 10  # and after one that was shortened
FEW_NUMBERS = 3000  # in V, up to which proximal steps come after the first vain one
HELD_BYTES = 1 << 24  # of Hessians, of which more are made again for every face
VAIN = 0.25  # length of a step, below which the next burst is twice as long
LONGEST_BURST = 640
FRUITLESS = 3  # rounds that have not halved the gap, after which it is Descent that goes on
CLOSENESS = 0.1  # residual of the system that couples the tasks
CLOSEST = 3e-3  # the same at the end: a step in single precision is worth no more
CLOSEST_DOUBLE = 1e-7  # in double precision
SETTLED = 0.02  # share of features that enter or leave, below which the face is about right
LEAST_RIDGE, MOST_RIDGE = 1e-6, 1e-3  # of a curvature of one; between them the gap
DOUBLE = 48  # features, up to which a system is solved in double precision
DOUBLE_NEARLY = 256  # the same where columns are nearly alike, which is solved so anyway

# Steps.
LENGTHS = 0.5 ** np.arange(16)  # of a step towards the minimum of a model
SHORTER = (0.5, 0.25, 0.1, 0.03, 0.01, 3e-3, 1e-3)  # of a semismooth step that is no good in full
FIRST_LENGTH, LONGEST = 1e2, 1e9  # of proximal steps, in those of FISTA
LENGTH_KEPT = 0.1  # of the last one, for the first of the next problem
PROXIMAL_MOST = 30  # Newton steps of one proximal step
SMOOTHED_LENGTHS = 0.5 ** np.arange(14)
FLOOR = 1e-13  # damping that is always there, relative to the curvature of a feature
JOINT_FLOPS = 1e9  # of the systems of all classes of a task
DENSE_FLOPS = 2e9  # of a dense system in V: a tenth of a second, as long as CG_ITERATIONS take
TINY_FLOPS = 1e8  # the same: no longer than CG_TRIED, so without trying them
DENSE_MOST = 3000  # numbers in V, up to which there is one where these do not get there

# Features of very different scale under a penalty that is no sum over them.
SMOOTHED_MOST = 1000  # coefficients, up to which a dense system takes a second at most
APART = 1e6  # curvature of the largest feature relative to the smallest, from where it is worth it
SMOOTHED_SHARE = 0.1  # of the gap, that all barriers are worth at first
SMOOTHED_LESS = 0.1  # of a barrier, that the next one has

# Separable classes.
FAR = 30.0  # scores beyond this are on their way to infinity
