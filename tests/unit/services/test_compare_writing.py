"""A reply whose writing fails in a way that nobody foresaw: it is told as what it is, and nothing stays waiting."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.people import Person, person_from
from studio.services.compare_settings import Sampling
from studio.services.compare_writing import Asked, write_replies
from studio.services.conversation import Conversation, Follower, Reply
from studio.serving.client import Piece
from studio.settings import read_settings
from studio.store.catalogue import FILE_NAME

COLUMN = {"kind": "endpoint", "id": "desk/a"}


class FullDisk:
    """A source that says a word and then has no room left."""

    def stream(self, *_: object) -> Iterator[Piece]:
        yield Piece("half")
        raise OSError(errno.ENOSPC, "No space left on device")


class Words:
    """A source that says some words and comes to its end."""

    def stream(self, *_: object) -> Iterator[Piece]:
        yield Piece("one ")
        yield Piece("two", finish_reason="stop")


@pytest.fixture
def person(root: Path) -> Person:
    return person_from(None, {}, {}, read_settings(["--root", str(root), "--port", "0"], {}))


@pytest.fixture
def conversation(person: Person) -> Conversation:
    person.workspace.mkdir(parents=True)
    talk = Conversation(person.workspace, person.id)
    talk.set_up([COLUMN], Sampling())
    return talk


def begin(person: Person, conversation: Conversation) -> tuple[Asked, Reply]:
    asked = Asked(person, conversation, COLUMN, Sampling(), "deed")
    return asked, asked.begin(conversation.ask("Hello?", "deed"))


def lose_replies(person: Person) -> None:
    with sqlite3.connect(person.workspace / FILE_NAME) as database:
        database.execute("DROP TABLE replies")
    database.close()


def test_an_unforeseen_error_is_told_with_its_reference_and_not_as_the_end_of_the_app(person, conversation):
    asked, reply = begin(person, conversation)
    with pytest.raises(OSError, match="No space left") as raised:
        write_replies(FullDisk(), asked, reply, [])
    for language in ("en", "ja"):
        (told,) = Follower(conversation, language).news()["replies"]
        assert (told["state"], told["text"], told["error"]["code"]) == ("failed", "half", "ReplyUnforeseen")
        reference = raised.value.__notes__[0].rpartition(" ")[2]
        assert reference in told["error"]["message"] and "OSError" in told["error"]["message"]
    again = Conversation(person.workspace, person.id)
    assert again.reply(reply.number, reply.model).state == "failed"


def test_a_reply_whose_end_cannot_be_saved_is_told_all_the_same(person, conversation):
    asked, reply = begin(person, conversation)
    woken: list[str] = []
    conversation.listen(lambda: woken.append(reply.state))
    lose_replies(person)
    with pytest.raises(sqlite3.OperationalError):
        write_replies(Words(), asked, reply, [])
    assert reply.state == "failed" and woken[-1] == "failed"


def test_a_reply_that_cannot_be_saved_is_not_waited_for(person, conversation):
    lose_replies(person)
    with pytest.raises(sqlite3.OperationalError):
        begin(person, conversation)
    assert not conversation.is_live
