# SPDX-License-Identifier: Apache-2.0
"""
Values of somebody else against ours, as sets of (capture, conversation, field, value): which are missing, whether
docs/correctness.md explains them, and what share agrees.
"""
from collections import Counter, defaultdict

import doctable

COLUMNS = ("file", "only theirs", "only ours", "why")
LEAST_SHARE = 0.98
# Reasons that begin so are no faults of ours to find: these rows don't count in the share.
NOT_COUNTED = ("link type:", "protocol:", "broken on purpose:", "cut capture:")


def _counts(cell):
    """`dns_name 4, dns_type 2` as a Counter."""
    pairs = (part.rsplit(" ", 1) for part in cell.split(", ") if part != "-")
    return Counter({name: int(count) for name, count in pairs})


def _cell(counts):
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"


class Explained:
    """The rows of one table, added up by file."""

    def __init__(self, heading):
        self.theirs, self.ours, self.not_counted = defaultdict(Counter), defaultdict(Counter), Counter()
        for row in doctable.rows_below("correctness.md", heading, *COLUMNS):
            assert row["why"], row
            self.theirs[row["file"]] += _counts(row["only theirs"])
            self.ours[row["file"]] += _counts(row["only ours"])
            if row["why"].startswith(NOT_COUNTED):
                self.not_counted += _counts(row["only theirs"])


def _by_file(values):
    found = defaultdict(Counter)
    for name, _, field, _ in values:
        found[name][field] += 1
    return found


def _example(values, name):
    return "; ".join(f"{field} {value}" for file, _, field, value in sorted(values) if file == name)[:300]


def compare(theirs, ours, cut, explained):
    """
    Every difference must have a row, and every row a difference. @p cut: conversations whose records say that some
    values were left out. Returns {field: (agreeing, compared)} without what isn't counted.
    """
    only_theirs = {v for v in theirs - ours if v[:2] not in cut}
    only_ours = {v for v in ours - theirs if v[:2] not in cut}
    missing, extra = _by_file(only_theirs), _by_file(only_ours)
    wrong = []
    for name in sorted(missing.keys() | extra.keys() | explained.theirs.keys() | explained.ours.keys()):
        if (missing[name], extra[name]) != (explained.theirs[name], explained.ours[name]):
            wrong.append(f"| `{name}` | {_cell(missing[name])} | {_cell(extra[name])} | why |   "
                         f"<- theirs: {_example(only_theirs, name)}  ours: {_example(only_ours, name)}")
    assert not wrong, "docs/correctness.md should say, if ours is right:\n" + "\n".join(wrong)
    share = {}
    for field in sorted({v[2] for v in theirs}):
        compared = sum(v[2] == field and v[:2] not in cut for v in theirs) - explained.not_counted[field]
        agreeing = sum(v[2] == field and v[:2] not in cut for v in theirs & ours)
        share[field] = (agreeing, compared)
    return share


def too_low(share):
    """The fields of which less than LEAST_SHARE agrees; one miss is allowed however few values there are."""
    return {field: counts for field, counts in share.items()
            if counts[0] < min(LEAST_SHARE * counts[1], counts[1] - 1)}
