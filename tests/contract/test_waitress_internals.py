"""What our server leans on inside Waitress: a new version that moves it fails here, loudly."""

import inspect
import socket
from importlib.metadata import version

import pytest
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.wasyncore import dispatcher

from services.server.channel import Channel, Pending, Task
from services.server.strict import StrictParser


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sockets = {}
        made = create_server(
            lambda *_: (), map=sockets, _dispatcher=ThreadedTaskDispatcher(), sockets=[listener]
        )
        yield made, sockets
        made.close()


def test_it_is_the_version_that_was_read():
    assert version("waitress") == "3.0.2"


def test_one_socket_makes_one_server_that_registers_with_our_map(server):
    made, sockets = server

    assert isinstance(made, TcpWSGIServer)
    assert sockets[made._fileno] is made
    assert made.active_channels == {}
    assert made.trigger._fileno in sockets


def test_the_dispatcher_queues_what_serves_itself(server):
    made, _ = server
    made.task_dispatcher.add_task("a channel")

    assert list(made.task_dispatcher.queue) == ["a channel"]
    assert inspect.signature(ThreadedTaskDispatcher.set_thread_count).parameters.keys() >= {"count"}


def test_a_channel_has_what_ours_overrides_and_uses():
    for name in ("received", "readable", "writable", "handle_write", "service", "write_soon"):
        assert callable(getattr(HTTPChannel, name))
        assert name in vars(Channel)
    for name in ("_flush_some", "_flush_exception", "handle_close", "send_continue"):
        assert callable(getattr(HTTPChannel, name))
    source = inspect.getsource(HTTPChannel)
    for name in ("total_outbufs_len", "current_outbuf_count", "outbuf_lock", "sent_continue"):
        assert name in source


def test_a_buffer_has_the_protocol_that_ours_speaks():
    told = {name for name in vars(Pending) if not name.startswith("_")}

    assert told <= set(dir(OverflowableBuffer))
    for name in told:
        ours = inspect.signature(getattr(Pending, name)).parameters
        theirs = inspect.signature(getattr(OverflowableBuffer, name)).parameters
        assert list(ours)[1:2] == list(theirs)[1:2]


def test_the_parser_and_the_task_call_what_ours_override():
    assert "self.parse_header(header_plus)" in inspect.getsource(HTTPRequestParser.received)
    assert "except ParsingError" in inspect.getsource(HTTPRequestParser.received)
    assert "self.build_response_header()" in inspect.getsource(WSGITask.write)
    assert "self.get_environment()" in inspect.getsource(WSGITask.execute)
    assert issubclass(Task, WSGITask)
    assert issubclass(StrictParser, HTTPRequestParser)


def test_leaving_closes_the_socket_after_the_map_was_told():
    source = inspect.getsource(dispatcher.close)

    assert source.index("self.del_channel()") < source.index("self.socket.close()")
