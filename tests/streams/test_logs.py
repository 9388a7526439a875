import json
import logging
import subprocess
import sys

from streams.logs import PrintableFormatter, Seldom


class Clock:
    """Stands still at `now_s`."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_of_many_lines_of_a_kind_one_is_let_by_and_the_next_tells_how_many_were_not() -> None:
    clock = Clock()
    seldom = Seldom(10.0, clock_s=clock)
    assert [seldom.left_out("bad_json") for _ in range(1000)] == [0] + [None] * 999
    clock.now_s = 9.9
    assert seldom.left_out("bad_json") is None
    clock.now_s = 10.0
    assert seldom.left_out("bad_json") == 1000
    clock.now_s = 20.0
    assert seldom.left_out("bad_json") == 0


def test_kinds_do_not_hide_each_other() -> None:
    seldom = Seldom(10.0, clock_s=Clock())
    assert (seldom.left_out("a", "b"), seldom.left_out("a", "c"), seldom.left_out("a", "b")) == (0, 0, None)


def test_a_librarys_message_is_one_printable_line_and_its_traceback_a_few() -> None:
    formatter = PrintableFormatter("%(name)s %(message)s")
    try:
        raise ValueError("of a stranger: \x1b[31m\u202e")
    except ValueError:
        record = logging.LogRecord("kafka", logging.ERROR, "", 1, "no topic %s", ("a\nfake ready\x9b",), sys.exc_info())
    lines = formatter.format(record).split("\n")
    assert lines[0] == "kafka no topic a\\nfake ready\\x9b"
    assert lines[-1] == "ValueError: of a stranger: \\x1b[31m\\u202e"
    assert all(line.isprintable() for line in lines)


def test_a_command_that_configures_nothing_logs_json_on_stderr() -> None:
    script = "from streams.logs import log; log.info('quiet'); log.warning('x', error='a\\n\\x1b[31m\\u202e\\ud800')"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr.count("\n"), ran.stderr.isascii()) == ("", 1, True)
    assert json.loads(ran.stderr)["error"] == "a\n\x1b[31m\u202e\ud800"


def test_a_librarys_warning_in_such_a_command_is_printable() -> None:
    script = "import logging, streams.logs; logging.getLogger('kafka').warning('a\\n\\x1b[31m')"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("", "kafka: a\\n\\x1b[31m\n")
