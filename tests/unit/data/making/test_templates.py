"""Templates: every slot is filled, no combination comes twice, and what is missing is told at once."""

from __future__ import annotations

import pytest

from studio.data.making.templates import find_slots, iterate_variations, read_template
from studio.errors import OptionsInvalid, RequestRefused

ASKED = {
    "prompt": "How much is the {product} in {colour}?",
    "reply": "The {product} in {colour} costs {price} yen.",
    "slots": {"product": ["mug", "clock", "mug", " "], "colour": ["red", "blue"], "price": ["500"], "unused": ["x"]},
}


def test_every_combination_comes_once_with_its_slots_filled():
    template = read_template(ASKED)
    assert template.combinations == 4, "two products, two colours, one price; doubles and blanks do not count"
    made = list(iterate_variations(template, 10, seed=3))
    assert len({one.prompt for one in made}) == 4
    assert {one.reply for one in made} == {
        f"The {product} in {colour} costs 500 yen." for product in ("mug", "clock") for colour in ("red", "blue")
    }
    assert made[0].filled.keys() == {"product", "colour", "price"}


@pytest.mark.parametrize("names", ["abcdef", "abcdefghijkl"])
def test_a_few_of_very_many_are_drawn_without_making_all(names):
    """10**18 fit a range, 10**36 do not."""
    slots = {name: [str(n) for n in range(1000)] for name in names}
    texts = " ".join(f"{{{name}}}" for name in names)
    template = read_template({"prompt": texts, "reply": "{a}", "slots": slots})
    assert template.combinations == 1000 ** len(names)
    first = [one.prompt for one in iterate_variations(template, 50, seed=1)]
    assert len(set(first)) == 50
    assert first == [one.prompt for one in iterate_variations(template, 50, seed=1)]
    assert first != [one.prompt for one in iterate_variations(template, 50, seed=2)]


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"prompt": "", "reply": " "}, ["template_empty", "template_empty"]),
        ({"prompt": "Hello", "reply": "Hi"}, ["template_without_slots"]),
        ({"slots": {}}, ["slot_empty"] * 3),
        ({"prompt": "x" * 9000 + "{product}"}, ["prompt_too_long"]),
        ({"prompt": "".join(f"{{s{n}}}" for n in range(30)), "slots": {f"s{n}": ["v"] for n in range(30)}}, None),
    ],
)
def test_what_a_template_lacks_is_told_at_once(changed, codes):
    with pytest.raises(OptionsInvalid) as caught:
        read_template(ASKED | changed)
    found = [problem["code"] for problem in caught.value.values["problems"]]
    assert found == codes if codes else "too_many_slots" in found


@pytest.mark.parametrize(
    "changed", [{"prompt": 5}, {"slots": ["mug"]}, {"slots": {"product": "mug"}}, {"slots": {"product": [1]}}]
)
def test_what_no_form_sends_is_refused(changed):
    with pytest.raises(RequestRefused):
        read_template(ASKED | changed)


def test_braces_that_name_nothing_stay_as_they_are():
    assert find_slots("{} {two words} {商品} {{a}}") == ["商品", "a"]
