"""Clean stop: the reply ends by itself and does not go in circles."""

from __future__ import annotations

import re

from studio.training.verifiers import Reply
from studio.words import Text

_CIRCLE = re.compile(r"(.{3,60}?)\1\1|(\S)\2{9}", re.DOTALL)
"""Three times the same in a row, from three characters on; or one character ten times."""


class CleanStop:
    name = "clean_stop"
    title = Text("Stops cleanly", "きれいに終わる")
    summary = Text(
        "The reply ends by itself and repeats nothing three times in a row.",
        "応答が自分で終わり、同じ言葉を3回続けて繰り返しません。",
    )
    example = {
        "value": "",
        "passes": [Reply("How much?", "500 yen, tax included.", True), Reply("送料は？", "送料は300円です。", True)],
        "fails": [
            Reply("How much?", "", True),
            Reply("How much?", "500 yen, and then", False),
            Reply("How much?", "the mug, the mug, the mug, the mug", True),
        ],
    }

    def find_problem(self, value: str) -> None:
        return None

    def passes(self, reply: Reply, value: str) -> bool:
        return reply.stopped and bool(reply.text.strip()) and not _CIRCLE.search(reply.text)


PLUG = CleanStop()
