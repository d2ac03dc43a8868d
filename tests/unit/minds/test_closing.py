"""A pool that closes sees off whoever came in, and turns away whoever comes late."""

from __future__ import annotations

from concurrent.futures import Future, wait
from threading import Thread

from sim import Answer, Ask, Turn
from sim.minds import Fault, ModelPool, Provider
from tests.unit.minds import server as servers
from tests.unit.minds.server import Server

ASK = Ask((Turn("user", "Well?"),), most=20)


def test_who_asks_a_closed_pool_is_told() -> None:
    pool = ModelPool([Provider("m", "http://127.0.0.1:9")])
    pool.close()
    answer = pool.submit(ASK).result(60)
    assert (answer.fault, answer.source) == (Fault.MISSING, "none")
    assert "put to rest" in answer.detail


def test_nobody_waits_for_ever_for_a_pool_that_closes() -> None:
    asked: list[Future[Answer]] = []
    with Server(servers.hang) as server:
        pool = ModelPool([Provider("m", server.url, seconds=60)], cache=0)
        crowd = Thread(target=lambda: asked.extend(pool.submit(ASK) for _ in range(500)))
        crowd.start()
        pool.close()
        crowd.join()
        done, waiting = wait(asked, 60)
    assert (len(done), len(waiting)) == (500, 0)
