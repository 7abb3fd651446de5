"""The `fastgd` command. What a command needs is imported when it runs, so that `fastgd --help` answers at once.

Exit codes: 0 done, 1 an error, 2 wrong usage, 3 the training diverged, 130 interrupted.
"""

import click

from fastgd.cli import bench, choose, data, demo, report, schedule, train
from fastgd.cli._common import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fastgd", message="%(prog)s %(version)s")
def main() -> None:
    """Gradient descent at the speed of memory, with the learning rate chosen for you."""


for command in (
    train.train,
    train.predict,
    train.evaluate,
    choose.lr_find,
    choose.sweep,
    schedule.schedule,
    data.convert,
    data.inspect,
    report.report,
    bench.bench,
    demo.info,
    demo.demo,
):
    main.add_command(command)
