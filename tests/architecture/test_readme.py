"""README says what is true: its commands, its flags, its links and its map."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from studio.data.formats import LEAST_CONFIDENCE, read_record
from studio.errors import RowInvalid
from studio.settings import PREFIX, _parser
from tests.architecture.sources import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"^\| `(--[a-z-]+)` \| `([A-Z_]+)` \|", re.MULTILINE)


PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def front_matter() -> dict[str, str]:
    """The lines between the first two `---`, as a Space reads them."""
    lines = README.split("---")[1].strip().splitlines()
    return {name.strip(): value.strip().strip("\"'") for name, _, value in (line.partition(":") for line in lines)}


def test_the_first_command_installs_and_starts_and_the_second_installs_and_tests():
    """.ci/run reads these two blocks and runs them as they stand."""
    first, second = BLOCK.findall(README)[:2]
    assert first == "pip install -r requirements.txt && python app.py\n"
    assert second == "pip install -r tests/requirements.txt && python -m pytest\n"


def test_a_space_can_start_from_the_front_matter():
    found = front_matter()
    assert found["title"] == "Whetstone"
    assert found["sdk"] == "gradio"
    assert (ROOT / found["app_file"]).exists()
    assert found["license"] == "apache-2.0"
    assert re.fullmatch(r"3\.\d+", found["python_version"])
    assert len(found["short_description"]) <= 60


def test_every_flag_stands_in_readme_with_its_variable():
    options = [action.option_strings[-1] for action in _parser({})._actions if action.dest != "help"]
    assert FLAG.findall(README) == [(o, PREFIX + o.removeprefix("--").replace("-", "_").upper()) for o in options]


def test_every_link_and_picture_of_readme_leads_somewhere():
    targets = re.findall(r"\]\(([^)#\s]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]
    assert not missing


def test_the_map_of_readme_names_every_folder_and_no_other():
    """`studio/words` holds nothing but the two catalogues, which belong to `words.py` beside it."""
    part = README.split("## Where things are")[1].split("```")[1]
    named = set(re.findall(r"\bstudio/(\w+)", part))
    there = {p.name for p in (ROOT / "studio").iterdir() if p.is_dir() and p.name not in ("__pycache__", "words")}
    assert named == there


def test_the_folders_of_tests_are_described():
    named = set(re.findall(r"^\| `tests/(\w+)` \|", README, re.MULTILINE))
    there = {p.name for p in (ROOT / "tests").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert named == there


def test_the_plug_that_readme_shows_works_as_it_stands():
    """The flash cards are read, guessed, checked and written back; a card without a back is refused by its field."""
    shown = ModuleType("shown")
    exec(compile(PYTHON.search(README).group(1), "README.md", "exec"), vars(shown))
    plug = shown.PLUG
    assert read_record(plug, plug.example.row) == plug.example.record
    assert plug.render(plug.example.record) == plug.example.row
    assert plug.guess(["front", "back"], [plug.example.row]).confidence > LEAST_CONFIDENCE
    with pytest.raises(RowInvalid) as refused:
        read_record(plug, {"front": "3 + 4?"})
    assert refused.value.values["field"] == "messages[1].content"
