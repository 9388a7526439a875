import json

import pytest

from tests.cli.conftest import Run, last_json
from tests.cli.dead_letters.conftest import SECRET


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_a_list_tells_where_letters_came_from_and_nothing_of_what_they_say(command: Run, here: Run) -> None:
    for say, words in ((here, []), (command, ["--json"])):
        listed = say("dead-letters", "list", *words)
        assert listed.returncode == 0, listed.stderr
        assert SECRET not in listed.stdout
        assert "unknown_type" in listed.stdout
    assert [each["address"] for each in last_json(listed)["letters"]] == ["3-0", "3-1"]
    assert last_json(here("dead-letters", "list", "--reason", "no_key", "--json"))["count"] == 1
    assert last_json(here("dead-letters", "list", "--since", "1h", "--topic", "events.users", "--json"))["count"] == 0


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_a_letter_is_shown_whole_with_control_characters_escaped(command: Run, here: Run) -> None:
    shown = command("dead-letters", "show", "3-0")
    assert "\\x1b[31mteleport" in shown.stdout
    assert "header h: \\x07" in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    assert json.loads(here("dead-letters", "show", "3-1", "--json").stdout)["reason"] == "no_key"


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_an_address_without_a_letter_is_an_error(here: Run) -> None:
    shown = here("dead-letters", "show", "3-77")
    assert (shown.returncode, "there is no dead letter 3-77" in shown.stderr) == (2, True)
