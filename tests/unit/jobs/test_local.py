"""What a child is given by the launcher of this machine."""

from __future__ import annotations

import pytest

from studio.jobs.launchers.local import PROJECT, child_environment


def test_the_network_and_hub_tokens_are_for_downloads_only():
    given = {"HF_TOKEN": "hf_secret", "PATH": "/bin"}
    offline, online = child_environment(given, online=False), child_environment(given, online=True)
    assert (offline["HF_HUB_OFFLINE"], "HF_TOKEN" in offline) == ("1", False)
    assert ("HF_HUB_OFFLINE" in online, online["HF_TOKEN"]) == (False, "hf_secret")
    assert online["HF_HUB_DISABLE_TELEMETRY"] == offline["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_an_operator_who_forbids_the_network_is_obeyed():
    assert child_environment({"HF_HUB_OFFLINE": "1"}, online=True)["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(("given", "seen"), [(None, "0"), ("", ""), ("2,3", "2"), ("GPU-5e,GPU-7f", "GPU-5e")])
def test_a_job_sees_one_accelerator_the_first_that_is_allowed(given: str | None, seen: str):
    environment = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
    assert child_environment(environment, online=False)["CUDA_VISIBLE_DEVICES"] == seen


def test_the_project_comes_first_on_the_path_and_the_operators_own_stays():
    assert child_environment({"PYTHONPATH": "/srv/more"}, online=False)["PYTHONPATH"] == f"{PROJECT}:/srv/more"
    assert child_environment({}, online=False)["PYTHONPATH"] == str(PROJECT)
