"""Python text is read whatever other threads read."""

import ast
import gc
import threading
import time
from collections.abc import Iterator

import pytest

from sim.core.syntax import expression, parsed


def test_trees_are_those_of_python() -> None:
    assert ast.dump(expression("a * 2")) == ast.dump(ast.parse("a * 2", mode="eval").body)
    assert ast.dump(parsed(b"a = 2")) == ast.dump(ast.parse("a = 2"))
    with pytest.raises(SyntaxError):
        expression("a b")


@pytest.fixture
def restless() -> Iterator[None]:
    """Collect garbage all the time, and let other threads run meanwhile."""

    def give_way(*_ignored: object) -> None:
        time.sleep(1e-5)

    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(5)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(give_way)


def test_threads_that_read_at_once_do_not_disturb_each_other(restless: None) -> None:
    failed: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(30):
                expression("+".join(["1"] * 30))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
