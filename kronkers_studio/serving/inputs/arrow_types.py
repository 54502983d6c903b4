"""What Arrow's IPC format calls its types, as far as rows hold them."""

from __future__ import annotations

from collections.abc import Mapping

CONTINUED = b"\xff\xff\xff\xff"
"""What each message begins with."""
FILE, FILE_END = b"ARROW1\0\0", b"ARROW1"
"""What a file begins and ends with."""
SCHEMA, DICTIONARY, BATCH = 1, 2, 3
NULL, INT, FLOAT, UTF8, BOOL, DATE, TIMESTAMP, LARGE_UTF8, UTF8_VIEW = 1, 2, 3, 5, 6, 8, 10, 20, 24
TEXTS = frozenset({UTF8, LARGE_UTF8, UTF8_VIEW})
OTHER_TYPES: Mapping[int, str] = {
    4: "binary",
    7: "decimal",
    9: "time",
    11: "interval",
    12: "list",
    13: "struct",
    14: "union",
    15: "fixed-size binary",
    16: "fixed-size list",
    17: "map",
    18: "duration",
    19: "large binary",
    21: "large list",
    22: "run-end encoded",
    23: "binary view",
}
"""Types that no value of a row has."""
