import socket
import urllib.request
from pathlib import Path

import pytest

from sim.runtime.export import Exporter
from sim.settings import load_settings
from sim.settings.settings import use
from tests.unit.cli.conftest import Hubbub
from tui import terminal
from tui.app import Hubbub as Screen

pytest.importorskip("prometheus_client", reason="the extra 'metrics' is not installed")

RUN = ("run", "new:100", "--inject", "x", "--ticks", "3")


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310 - our own
        return str(page.read().decode())


def test_a_run_serves_its_numbers(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    close = Exporter.close

    def read_and_close(exporter: Exporter) -> None:
        pages.append(read(exporter.url))
        close(exporter)

    monkeypatch.setattr(Exporter, "close", read_and_close)
    said = hubbub(*RUN, "--metrics-port", "0").well()
    assert "Metrics: http://127.0.0.1:" in said.err
    assert "\nhubbub_tick 3.0\n" in pages[0]


def test_a_port_that_is_taken_is_said_and_without_one_nothing_is_served(hubbub: Hubbub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = hubbub(*RUN, "--metrics-port", str(taken.getsockname()[1]))
    said.refuses("choose another, or 0 for any that is free.")
    assert "Metrics" not in hubbub(*RUN).err


def test_the_screen_serves_too(tmp_path: Path) -> None:
    app = Screen(tmp_path)
    use(load_settings(metrics_port=0))
    with terminal._exported(app) as exporter:
        assert isinstance(exporter, Exporter)
        assert "\nhubbub_tick 0.0\n" in read(exporter.url)
    use(load_settings())
    with terminal._exported(app) as nothing:
        assert nothing is None
