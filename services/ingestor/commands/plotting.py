"""Charts as PNG, where matplotlib is installed."""

import importlib
from pathlib import Path
from typing import Any

from cleartide.console import CommandError


def plotting() -> Any:
    """matplotlib's pyplot, without a screen. Raises CommandError where it is missing."""
    try:
        importlib.import_module("matplotlib").use("Agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError:
        raise CommandError("charts need matplotlib: `make tools` installs it") from None


def save(figure: Any, axes: Any, title: str, path: Path) -> None:
    """Title, grid and legend, and the file."""
    axes.set_title(title)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=110)
    plotting().close(figure)
    print(f"{path} written")
