"""What steps on a GPU are to reach, and what they do: the table at the end of ``python -m bench.gpu``."""

import statistics

from bench.gpu_contenders import CODED, COPY, FUSED, FUSED_GRAPH, GRAPH, REPLAY, STEP
from bench.gpu_devices import Sample
from bench.report import table
from bench.results import Figure

Found = dict[str, list[Sample]]  # of one case: each contender's samples, round by round
ONE, CLIPPED, GPT2, ZEROS = (
    "one array, 268 M",
    "one array, 268 M, clip_norm",
    "GPT-2, 124 M",
    "GPT-2, 124 M, 90% zero gradients",
)
SMALL, MLP = "10,000 x 64 (in L2)", "MLP, 0.1 M (in L2)"


def targets(found: dict[str, Found]) -> str:
    """Return the table: what, target, measured, verdict; the latter on `Replay`, launched from the host, unless a row says otherwise."""

    def seconds(case: str, who: str, what: str = "device") -> float | None:
        samples = found.get(case, {}).get(who)
        return statistics.median(getattr(sample, what) for sample in samples) if samples else None

    def ratio(case: str, theirs: str, ours: str, what: str = "device", other: str | None = None) -> float | None:
        above, below = seconds(other or case, theirs, what), seconds(case, ours, what)
        return above / below if above and below else None

    def against(what: str, case: str, theirs: str, least: float | None, timed: str = "device") -> Figure:
        """Return the figure of ours against theirs, with that of single steps and of graphs beside it."""
        own = ratio(case, theirs, REPLAY, timed)
        beside = {"State.step": ratio(case, theirs, STEP, timed)}
        if theirs == FUSED:
            beside["in a graph, against torch in a graph"] = ratio(case, FUSED_GRAPH, GRAPH, timed)
        text = "; ".join(f"{name} {value:.2f}" for name, value in beside.items() if value is not None)
        return Figure(what, own, "" if own is None else f"{own:.2f} ({text})", least=least)

    def of_ours(what: str, case: str, who: str, least: float | None, other: str | None = None) -> Figure:
        own = ratio(case, REPLAY, who, other=other)
        return Figure(what, own, "" if own is None else f"{own:.2f}", least=least)

    replayed = seconds(MLP, GRAPH)
    microseconds = None if replayed is None else 1e6 * replayed
    told = "" if microseconds is None else f"{microseconds:.1f} us"
    figures = [
        against("AdamW float32, 268 M: bytes/s against the copy", ONE, COPY, 0.95),
        against("the same against torch fused", ONE, FUSED, 1.0),
        against("clip + AdamW, 268 M, against clip_grad_norm_ + torch fused", CLIPPED, FUSED, 1.25),
        against("GPT-2 124 M, one step from its call to its end, against torch fused", GPT2, FUSED, 1.3, "call"),
        against("GPT-2 124 M, steps back to back, against torch fused", GPT2, FUSED, None),
        against("10,000 x 64 against torch fused", SMALL, FUSED, 50.0),
        against("0.1 M MLP against torch fused", MLP, FUSED, 5.0),
        Figure("0.1 M MLP, a step with graph replay", microseconds, told, most=10.0, unit=" us"),
        of_ours("AdamW with 8-bit states, 268 M, against our float32", ONE, CODED["int8"], 1.6),
        of_ours("AdamW with 8-bit states, GPT-2 124 M, against our float32", GPT2, CODED["int8"], None),
        of_ours("AdamW with bfloat16 states, 268 M, against our float32", ONE, CODED["bfloat16"], None),
        of_ours("GPT-2 124 M, ordinary gradients / 90 % zero gradients", ZEROS, REPLAY, None, other=GPT2),
    ]
    return table(["", "target", "measured", ""], [[f.what, f.target, f.measured, f.verdict] for f in figures])
