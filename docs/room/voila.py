"""Voilà's settings for a lesson as an app, one kernel a visitor; `make app` serves lesson 1 with them.

voila --Voila.config_file_paths=docs/room notebooks/1-simplicity/01-which-feature-will-it-use.ipynb
"""

import nbformat

c = get_config()  # noqa: F821  (Jupyter's own)

# Before a visitor's first cell: predictions are kept for this visit alone.
OWN = 'import os, tempfile\nos.environ["SBKIT_DATA"] = tempfile.mkdtemp(prefix="sbkit-")'
REST = "## Go on\n\nExplanation, exercises and claims are in the lesson's notebook: there one writes code."


def beginning(handler, notebook, cwd):
    """The lesson up to its panel; what follows is code to be written, and a minute of training a visit."""
    heads = [cell.source.split("\n")[0] if cell.cell_type == "markdown" else "" for cell in notebook.cells]
    ends = [k for k, head in enumerate(heads) if head.startswith("## Explain")] or [len(heads)]
    kept = [cell for cell, head in zip(notebook.cells[: ends[0]], heads, strict=False) if head != "## Set-up"]
    own, rest = nbformat.v4.new_code_cell(OWN), nbformat.v4.new_markdown_cell(REST)
    notebook.cells = [own, *kept, rest]
    return notebook


c.VoilaConfiguration.prelaunch_hook = beginning
c.VoilaConfiguration.strip_sources = True
c.VoilaConfiguration.show_tracebacks = False
c.MappingKernelManager.cull_idle_timeout = 600  # seconds until the kernel of a visitor who has left ends
c.MappingKernelManager.cull_interval = 60
c.MappingKernelManager.cull_connected = False
