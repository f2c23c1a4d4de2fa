"""JSON: the whole reply is a JSON object or array."""

from __future__ import annotations

import json

from studio.training.verifiers import Reply
from studio.words import Text


class Json:
    name = "json"
    title = Text("JSON", "JSON")
    summary = Text(
        "The whole reply is a JSON object or array, without any text around it.",
        "応答全体がJSONのオブジェクトか配列で、前後に余分な文章がありません。",
    )
    example = {
        "value": "",
        "passes": [Reply("As JSON, please.", '{"item": "mug"}', True), Reply("As JSON, please.", "[1, 2]", True)],
        "fails": [
            Reply("As JSON, please.", 'Here it is: {"item": "mug"}', True),
            Reply("As JSON, please.", "42", True),
            Reply("As JSON, please.", "[" * 100_000, False),
            Reply("As JSON, please.", "", True),
        ],
    }

    def find_problem(self, value: str) -> None:
        return None

    def passes(self, reply: Reply, value: str) -> bool:
        try:
            return isinstance(json.loads(reply.text), (dict, list))
        except (ValueError, RecursionError):
            return False


PLUG = Json()
