"""What the tests have in common."""

import os
import signal

import pytest

#: Options without which an environment is costly, or cannot be made at all.
OPTIONS = {"dram-controller-v0": {"workload": "random:requests=300"}}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Studies and files of a test are its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """Also where the tests were started in the background, which ignores Ctrl-C from its start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def root():
    """The folder of the project."""
    return os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
