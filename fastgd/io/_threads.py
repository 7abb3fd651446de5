"""Work on items in threads, the results in the items' order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result, None, None]:
    """Yield ``work(item)`` of each item, in their order; up to `threads` are worked on while this thread makes the next item.

    An error that making an item raises comes after the results of the items before it.
    """
    if threads == 1:
        yield from map(work, items)
        return
    source, failure = iter(items), None
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except BaseException as error:
                failure = error
                break
            under_way.append(pool.submit(work, item))
            if len(under_way) > threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    if failure is not None:
        raise failure
