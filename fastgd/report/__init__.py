"""Runs as one self-contained HTML page, or live while they train.

log = RunLog("run.jsonl")
model.fit(X, y, callbacks=[log])
write([log.finish(model)], "report.html")
"""

from fastgd.report._page import write
from fastgd.report._runs import Run, RunLog, read_run
from fastgd.report._serve import serve

__all__ = ["Run", "RunLog", "read_run", "serve", "write"]
