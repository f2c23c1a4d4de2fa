"""The pair card: one key a vote, whatever the keyboard, the input method, the network or another tab do."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from studio.words import say
from tests.browser.conftest import PHONE, open_tab
from tests.browser.preferences_page import (
    CARD,
    DIALOG,
    PROJECT,
    number,
    open_sample,
    place,
    press,
    replies,
    saved,
    shown,
    wait_pair,
)
from tests.preference_projects import sent_vote
from tests.voter import Voter

LANGUAGES = {"en": "en-US", "ja": "ja-JP"}
SYNTHETIC = """([target, init]) => {
  const node = target ? document.querySelector(target) : document.body;
  return node.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, composed: true, cancelable: true, ...init }));
}"""


def write_votes(page) -> list[dict]:
    """Every event of the open project, as the person's own file tells it."""
    project = page.locator(CARD).get_attribute("data-project")
    text = page.evaluate("(id) => fetch(`whetstone/preferences/${id}/votes.jsonl`).then((r) => r.text())", project)
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_key_does_what_its_button_says(open_page, make_app, language):
    """S, K, F, B, Space, then a rewritten reply: six pairs, five votes, three DPO and ten KTO rows; then all undone."""
    page = open_page(make_app().address, locale=LANGUAGES[language])
    open_sample(page, language)
    pairs = [press(page, key)[0] for key in ("s", "k", "f", "b", "Space")]
    left, _ = replies(page)
    page.keyboard.press("e")
    expect(page.locator(CARD)).to_have_attribute("data-edit", "choose")
    expect(page.locator(f"{CARD} .ws-pair-asks")).to_have_text(say(language, "preferences.edit_which"))
    page.keyboard.press("s")
    box = page.locator(f"{CARD} textarea")
    expect(box).to_be_focused()
    expect(box).to_have_value(left)
    box.fill("Esc gives it up")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    assert replies(page)[0] == left
    page.keyboard.press("e")
    page.keyboard.press("s")
    box.fill("A better reply.\nsss kkk")
    page.keyboard.press("Control+Enter")
    expect(box).to_have_count(0)
    wait_pair(page)
    saved(page)
    for name, value in {"votes": "5", "dpo": "3", "kto": "10", "skipped": "1", "left": "67 %"}.items():
        expect(number(page, name)).to_have_text(value)
    events = write_votes(page)
    assert [event["action"] for event in events] == ["win", "win", "both_good", "both_bad", "skip", "win"]
    assert [event["edited"] for event in events] == [None] * 5 + ["A better reply.\nsss kkk"]
    assert events[0]["winner"] == events[0]["left"]
    assert events[1]["winner"] not in (None, events[1]["left"])
    for pair in reversed([*pairs, None]):
        page.keyboard.press("z")
        wait_pair(page)
        assert pair in (None, shown(page))
    saved(page)
    expect(number(page, "votes")).to_have_text("0")
    assert [event["action"] for event in write_votes(page)[6:]] == ["undo"] * 6


def test_space_is_skip_after_a_click_and_presses_the_button_that_tab_has_reached(page):
    open_sample(page)
    page.locator("#ws-tab-preferences-button").click()
    press(page, "Space")
    saved(page)
    expect(number(page, "skipped")).to_have_text("1")
    page.locator('[data-act="left"]').focus()
    page.keyboard.press("Tab")
    expect(page.locator('[data-act="right"]')).to_be_focused()
    press(page, "Space")
    saved(page)
    expect(number(page, "votes")).to_have_text("1")
    expect(number(page, "skipped")).to_have_text("1")


def test_buttons_vote_as_keys_do_and_a_double_click_votes_once(page):
    open_sample(page)
    first = shown(page)
    page.locator('[data-act="left"]').dblclick()
    assert wait_pair(page) != first
    page.locator('[data-act="both_good"]').click()
    wait_pair(page)
    saved(page)
    expect(number(page, "votes")).to_have_text("2")
    page.keyboard.press("Space")
    wait_pair(page)
    saved(page)
    expect(number(page, "skipped")).to_have_text("1")
    expect(number(page, "votes")).to_have_text("2")


def test_a_press_right_after_a_new_pair_a_held_key_and_a_key_of_an_input_method_are_no_votes(page):
    open_sample(page)
    first = shown(page)
    page.keyboard.down("s")
    for _ in range(8):
        page.keyboard.down("s")  # Playwright marks a key that is down already as repeated
    page.keyboard.up("s")
    second = wait_pair(page)
    assert second != first
    for init in (
        {"code": "KeyS", "key": "Process", "keyCode": 229},
        {"code": "KeyS", "key": "s", "isComposing": True},
        {"code": "KeyS", "key": "s", "repeat": True},
        {"code": "KeyS", "key": "s", "ctrlKey": True},
        {"code": "KeyS", "key": "s", "metaKey": True},
        {"code": "KeyS", "key": "s", "altKey": True},
        {"code": "KeyS", "key": "S", "shiftKey": True},
    ):
        page.evaluate(SYNTHETIC, [None, init])
        assert shown(page) == second, init
    page.evaluate(SYNTHETIC, [None, {"code": "KeyS", "key": "と"}])
    assert wait_pair(page) != second, "kana mode: the key's place counts"
    saved(page)
    expect(number(page, "votes")).to_have_text("2")


def test_keys_in_a_text_a_dialog_or_another_tab_are_no_votes(page):
    open_sample(page)
    first = shown(page)
    page.get_by_role("button", name="Edit the guideline").click()
    page.locator(f"{DIALOG} textarea").first.press("s")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    open_tab(page, "data")
    page.keyboard.press("s")
    open_tab(page, "preferences")
    assert wait_pair(page) == first
    expect(number(page, "votes")).to_have_text("0")


def test_a_japanese_conversion_in_the_editor_neither_saves_nor_cancels(page):
    open_sample(page)
    page.keyboard.press("e")
    page.keyboard.press("k")
    box = page.locator(f"{CARD} textarea")
    box.fill("")
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "にほんご", "selectionStart": 4, "selectionEnd": 4})
    target = f"{CARD} textarea"
    for init in ({"key": "Enter", "ctrlKey": True}, {"key": "Escape"}):
        page.evaluate(SYNTHETIC, [target, {"isComposing": True, "keyCode": 229, **init}])
        expect(box).to_be_visible()
    keyboard.send("Input.insertText", {"text": "日本語です。"})
    expect(box).to_have_value("日本語です。")
    page.keyboard.press("Control+Enter")
    wait_pair(page)
    saved(page)
    assert write_votes(page)[-1]["edited"] == "日本語です。"


def test_two_tabs_of_one_person_get_different_pairs_and_a_reload_keeps_its_own(page):
    open_sample(page)
    other = page.context.new_page()
    other.goto(page.url.split("#")[0] + "#preferences")
    assert wait_pair(other) != wait_pair(page)
    mine = set(press(page, "s", 5)) | {shown(page)}
    theirs = set(press(other, "s", 5)) | {shown(other)}
    assert not mine & theirs
    before = shown(page)
    saved(page)
    page.reload()
    assert wait_pair(page) == before
    page.keyboard.press("z")
    assert wait_pair(page) in mine | theirs, "after a reload the newest vote of the person is taken back"


def test_a_pair_that_was_judged_elsewhere_while_the_page_was_silent_goes_away(page, app_url):
    page.clock.install()
    page.goto(app_url)
    page.wait_for_selector("html[data-ready]")
    open_sample(page)
    first = shown(page)
    project = page.locator(CARD).get_attribute("data-project")
    with closing(Voter(app_url)) as elsewhere:
        elsewhere.vote(project, [sent_vote({"pair_id": first}, "left")])
    page.clock.fast_forward(70_000)
    expect(page.locator(CARD)).not_to_have_attribute("data-pair", str(first))
    assert wait_pair(page) == first + 1
    expect(number(page, "votes")).to_have_text("1")


def test_voting_starts_while_replies_are_still_being_written(page):
    """A thousand prompts of one's own for the pocket model; a vote as soon as the first pair is there, then a stop."""
    open_tab(page, "preferences")
    page.get_by_role("button", name="New project").first.click()
    page.locator(f'{DIALOG} [data-kind="pasted"]').click()
    page.locator(f"{DIALOG} textarea").fill("\n".join(f"How much are {n} teapots?" for n in range(2, 1002)))
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator(PROJECT)).to_contain_text("of 1,000 pairs have their replies")
    expect(page.locator(CARD)).to_have_attribute("data-pair", re.compile(r"\d+"), timeout=90_000)
    press(page, "s", 2)
    saved(page)
    expect(number(page, "votes")).to_have_text("2")
    stop = page.locator(PROJECT).get_by_role("button", name="Stop")
    stop.click()
    expect(page.locator(PROJECT).get_by_role("button", name="Write the replies")).to_be_visible()


def test_offline_votes_are_counted_kept_and_saved_as_soon_as_the_app_answers(page, faults):
    """Four votes and one undo while nothing gets through, a reload among them; then every one is there once."""
    faults.allowed += ["Failed to load resource", "net::ERR", "component server", "Failed to fetch"]
    open_sample(page)
    press(page, "s")
    saved(page)
    calls = "**/component_server**"
    page.route(calls, lambda route: route.abort())
    press(page, "k", 3)
    expect(page.locator(CARD)).to_have_attribute("data-unsaved", "3")
    expect(page.get_by_text("3 unsaved", exact=True)).to_be_visible()
    expect(number(page, "votes")).to_have_text("4")
    page.keyboard.press("z")
    expect(page.get_by_text("4 unsaved", exact=True)).to_be_visible()
    expect(number(page, "votes")).to_have_text("3")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    page.unroute(calls)
    open_tab(page, "preferences")
    wait_pair(page)
    saved(page)
    expect(number(page, "votes")).to_have_text("3")
    events = write_votes(page)
    assert [event["action"] for event in events] == ["win"] * 4 + ["undo"]
    assert len({event["event"] for event in events}) == 5


def test_a_lost_answer_is_sent_again_and_counts_once(page, faults):
    """The app has saved the vote, but its answer does not reach the page."""
    faults.allowed += ["Failed to load resource", "net::ERR", "component server", "Failed to fetch"]
    open_sample(page)
    lost = []

    def lose(route) -> None:
        if '"vote"' in (route.request.post_data or "") and len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/component_server**", lose)
    press(page, "s", 2)
    saved(page)
    assert lost == [200, 200]
    assert len(write_votes(page)) == 2


HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>${{{{'


def test_hostile_text_stays_text(page, tmp_path):
    """In a prompt, a reply, a guideline and a name."""
    from tests.browser.data_page import close_dialog, import_file

    path = tmp_path / "hostile.jsonl"
    rows = [{"prompt": f"{HOSTILE} {n}", "chosen": f"A{HOSTILE}", "rejected": f"B{HOSTILE}"} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    open_tab(page, "data")
    import_file(page, path)
    close_dialog(page)
    open_tab(page, "preferences")
    page.get_by_role("button", name="New project").first.click()
    page.locator(f'{DIALOG} [data-kind="pairs"]').click()
    page.locator(f"{DIALOG} select").first.select_option(label="hostile")
    page.get_by_label("Name").fill('"><b>x')
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{PROJECT} .ws-dataset option:checked")).to_have_text('"><b>x')
    wait_pair(page)
    assert sorted(replies(page)) == [f"A{HOSTILE}", f"B{HOSTILE}"]
    page.get_by_role("button", name="Edit the guideline").click()
    page.locator(f"{DIALOG} textarea").first.fill(HOSTILE)
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(f"{CARD} .ws-guideline")).to_contain_text("onerror")
    press(page, "s")
    assert page.evaluate("window.hacked") is None
    assert page.locator(f"{CARD} img").count() == 0


def test_votes_are_compiled_and_training_is_offered_the_version(page):
    open_sample(page)
    press(page, "s", 3)
    saved(page)
    page.get_by_role("button", name="Compile 3 DPO rows").click()
    page.locator(f"{DIALOG} .ws-btn-primary").click()
    expect(page.locator(".ws-compiled")).to_contain_text("Version 1: 3 rows", timeout=60_000)
    page.locator(DIALOG).get_by_role("button", name="Train").click()
    open_tab(page, "train")
    version = page.get_by_role("combobox", name="Data version")
    expect(version).to_have_value(re.compile(r"^Shop: polite or curt.* v1 · 3 rows$"))


def test_every_vote_is_saved_as_a_file(page):
    open_sample(page)
    press(page, "k", 2)
    saved(page)
    page.get_by_role("button", name="More for this project").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export votes (JSONL)").click()
    assert re.fullmatch(
        r"Shop: polite or curt.*-votes\.jsonl|Shop_ polite or curt.*-votes\.jsonl", download.value.suggested_filename
    )
    lines = download.value.path().read_text("utf-8").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["win", "win"]


def test_a_project_is_deleted_only_after_asking(page):
    open_sample(page)
    press(page, "s", 2)
    saved(page)
    more = page.get_by_role("button", name="More for this project")
    more.click()
    page.get_by_role("menuitem", name="Delete project").click()
    expect(page.locator(DIALOG)).to_contain_text("its 2 votes")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    wait_pair(page)
    more.click()
    page.get_by_role("menuitem", name="Delete project").click()
    page.locator(f"{DIALOG} .ws-btn-danger").click()
    expect(page.locator(DIALOG)).to_have_count(0)


def test_on_a_phone_every_vote_is_a_touch_and_nothing_lies_beside_the_screen(open_page, make_app):
    page = open_page(make_app().address, size=PHONE)
    open_sample(page)
    assert place(page) == "1"
    page.locator('[data-act="right"]').click()
    wait_pair(page)
    saved(page)
    expect(number(page, "votes")).to_have_text("1")
    bar = page.locator(f"{CARD} .ws-pair-bar").bounding_box()
    assert bar["y"] + bar["height"] <= PHONE[1], "the votes stay in reach"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
