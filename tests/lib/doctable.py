# SPDX-License-Identifier: Apache-2.0
"""Tables in docs/ that tests read, so that neither can drift from the other."""
from millrace import SOURCE


def rows(page, *columns):
    """Rows (dictionaries) of the table in docs/<page> that has exactly these columns."""
    return rows_of_file(SOURCE / "docs" / page, *columns)


def rows_below(page, heading, *columns):
    """The same for the first such table below the line `## heading`."""
    return rows_of_file(SOURCE / "docs" / page, *columns, heading=heading)


def rows_of_file(path, *columns, heading=None):
    found = None
    with open(path, encoding="utf-8") as lines:
        if heading is not None and f"## {heading}\n" not in lines:  # reads up to there
            raise ValueError(f"{path}: no heading `## {heading}`")
        for line in lines:
            cells = [c.strip().replace("`", "") for c in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                if found is not None:
                    return found
            elif cells == list(columns):
                found = []
            elif found is not None and not set(line.strip()) <= set("|-: "):
                if len(cells) != len(columns):
                    raise ValueError(f"{path}: {len(columns)} cells expected: {line.strip()}")
                found.append(dict(zip(columns, cells)))
    if found is None:
        raise ValueError(f"{path}: no table with the columns {' | '.join(columns)}")
    return found
