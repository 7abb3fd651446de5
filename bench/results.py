"""What a benchmark returns: figures with targets, and tables of everything that was timed."""

from dataclasses import dataclass, field

from bench.timing import Contender, Timing

HOW_TO_GET_PEERS = "pip install 'fastgd[bench]'"


@dataclass(frozen=True)
class Figure:
    """One measured number, and what it must reach.

    Parameters
    ----------
    what : str
        What is measured, as a row of the table says it.
    value : float or None
        The number that the target is about; None where it could not be measured.
    measured : str
        The number as a reader wants it, with what it comes from.
    least, most : float, optional
        The target: at least, or at most.
    unit : str
        The unit of `value`, for the target.
    """

    what: str
    value: float | None
    measured: str
    least: float | None = None
    most: float | None = None
    unit: str = "x"

    @property
    def target(self) -> str:
        if self.least is None and self.most is None:
            return ""
        return f">= {self.least:g}{self.unit}" if self.least is not None else f"<= {self.most:g}{self.unit}"

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if not self.target:
            return ""
        met = self.value >= self.least if self.least is not None else self.value <= self.most
        return "met" if met else "MISSED"


def missing(what: str, package: str, **target: float) -> Figure:
    """Return the figure of a comparison with a peer that is not installed."""
    return Figure(what, None, f"{package} is not installed: {HOW_TO_GET_PEERS}", **target)


@dataclass
class Result:
    """What one benchmark found."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""
    samples: dict = field(default_factory=dict)


def duration(seconds: float) -> str:
    """Return a duration with three digits and a fitting unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9995 * factor or unit == "us":
            return f"{seconds / factor:.3g} {unit}"
    raise AssertionError("unreachable")


def digit(difference: float) -> str:
    return f"{difference:.0e}" if difference else "0"


def rate(contender: Contender, elements: int, seconds: float) -> str:
    return f"{4 * contender.arrays * elements / seconds / 1e9:.1f} GB/s" if contender.arrays else ""


def timing_table(result: Result, timing: Timing, contenders: list[Contender], elements: int) -> None:
    """Fill a result's table: one row for each contender, compared with the first."""
    ours = contenders[0].name
    large = elements >= 2**20
    header = ["", "median", "+-", "float32 arrays", "rate", f"time / {ours}", "difference"]
    rows = []
    for contender in contenders:
        name, median = contender.name, timing.median(contender.name)
        apart = timing.differences.get(name)
        rows.append(
            [
                name,
                duration(median),
                f"{timing.spread(name):.0%}",
                str(contender.arrays or "") if large else "",
                rate(contender, elements, median) if large else "",
                "1" if name == ours else str(timing.ratio(name, ours)),
                "" if apart is None else digit(apart),
            ]
        )
    filled = [k for k in range(len(header)) if any(row[k] for row in rows)]
    result.header = [header[k] for k in filled]
    result.rows = [[row[k] for k in filled] for row in rows]
    rounds = len(timing.seconds[ours])
    result.note = (
        f"{rounds} rounds in random order, steps timed together in each: {timing.batch}. "
        f"Every contender made {timing.steps} steps with the same gradients"
        + (", all but optax and NumPy on the same memory." if large else " from the same parameters.")
    )
    if timing.differences:
        result.note += " Difference: the largest from the first row's parameters, relative to the farthest move"
        result.note += ", on 65,536 elements." if large else "."
    result.samples = {name: row.tolist() for name, row in timing.seconds.items()}
