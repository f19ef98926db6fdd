"""What the benchmarks of the four penalties share: problems, data, calls of peers, the clock.

Importing it fixes the number of threads, so it comes before NumPy.
"""

import os

for _library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
