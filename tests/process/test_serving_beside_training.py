"""While a job trains, the base still says what it always says: the job and the server share a machine and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from studio.jobs.log import read_events
from studio.models.rendering import Renderer
from studio.people import Person
from studio.services.studio import Studio
from tests.processes import wait_for
from tests.served_models import PROMPTS, pocket, untouched_ids

TOKENS = 24
RUN = {"base": "pocket", "method": "sft", "adapter": "lora", "settings": {"epochs": 200, "batch_size": 8}}


@pytest.fixture
def training(studio: Studio, person: Person) -> str:
    """The id of a run that has taken its first steps and has hours to go."""
    job = studio.datasets.import_sample(person, "import", "shop_sft")
    assert studio.queue.wait(job, 60).status == "finished"
    job = studio.datasets.save_version(person, studio.datasets.list(person)[0]["id"], "save", "first")
    assert studio.queue.wait(job, 60).status == "finished"
    version = studio.datasets.versions(person)[0]["fingerprint"]
    job = studio.runs.start(person, "start", RUN | {"version": version})
    wait_for(lambda: steps_of(studio, person, job) > 0, 180)
    return job


def steps_of(studio: Studio, person: Person, job: str) -> int:
    events = read_events(studio.queue.find(person, job).events_path, 0)[0]
    return sum(event["kind"] == "step" for event in events)


@pytest.mark.slow
def test_the_base_says_the_same_as_untouched_transformers_while_a_job_trains(
    studio: Studio, person: Person, training: str
):
    """Greedy, four prompts at once over HTTP, twice; steps are taken between the first request and the last answer."""
    address = studio.server.ensure()
    client = openai.OpenAI(base_url=f"{address.url}/v1", api_key=studio.server.token_for(person), timeout=120)
    before = steps_of(studio, person, training)

    def say(prompt: str) -> str:
        asked = {"messages": [{"role": "user", "content": prompt}], "temperature": 0, "max_tokens": TOKENS}
        return client.chat.completions.create(model="pocket", **asked).choices[0].message.content.strip()

    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        first, second = list(pool.map(say, PROMPTS)), list(pool.map(say, PROMPTS))
    status = studio.server.client_of(address.url).status()
    assert (status["job_running"], status["threads"], status["dtype"]) == (True, 1, "float32")
    wait_for(lambda: steps_of(studio, person, training) > before)
    assert not studio.queue.find(person, training).state().is_ended
    studio.runs.stop(person, training)
    renderer = Renderer(pocket())
    expected = [renderer.decode_reply(untouched_ids(pocket(), prompt, tokens=TOKENS)) for prompt in PROMPTS]
    assert first == second == expected
