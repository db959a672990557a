"""Instances over one real Redis."""

import pytest

from stores import backends, shared
from tests.stores.instances import Instance


@pytest.fixture
def open_instance(redis_server, monkeypatch):
    """Opens instances; keyword arguments are settings.

    They are patient, so that a busy machine is not taken for a Redis that hangs.
    """
    opened = []

    def open_one(url=None, *, operation_sec=5.0, **more):
        monkeypatch.setattr(backends, "OPERATION_SEC", operation_sec)
        more = {"cache_redis_connect_timeout": operation_sec} | more
        opened.append(Instance(url or redis_server.url, **more))
        return opened[-1]

    yield open_one
    for instance in opened:
        instance.close()


@pytest.fixture
def two(open_instance):
    """Two instances that have read Redis's clock."""
    instances = open_instance(), open_instance()
    for instance in instances:
        instance.read_clock()
    return instances


@pytest.fixture
def one(open_instance):
    """An instance that has read Redis's clock."""
    instance = open_instance()
    instance.read_clock()
    return instance


@pytest.fixture
def client(redis_server):
    """For looking into Redis past everything."""
    return redis_server.client()


@pytest.fixture
def patient(open_instance, monkeypatch):
    """An instance whose followers would wait a minute for a word."""
    for module in (shared, backends):
        monkeypatch.setattr(module, "WAIT_SLICE_SEC", 60.0)
    return open_instance()
