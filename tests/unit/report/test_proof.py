"""A verdict's text says what to take, and why."""

from dataclasses import replace

from luthier.core import Cost, Proof, Verdict
from luthier.report.proof import proof_text

REACH = (-0.01, 0.02)
VERDICT = Verdict("equivalent", 0.001, REACH, REACH, 0.6, 0.05, 0.5, 3, 300, 0.02, 4, 0.05, 0.001)
PROOF = Proof(
    VERDICT,
    seeds=(1, 2, 3),
    best=(0.1, 0.2, 0.3),
    baseline=(0.1, 0.2, 0.3),
    best_cost=Cost(8970, 0.002, 3.0),
    baseline_cost=Cost(20_010, 0.001, 2.0),
)


def text(proof: Proof) -> str:
    return " ".join(proof_text(proof, "log_loss").split())


def test_of_two_equals_the_text_names_the_one_with_fewer_parameters():
    said = text(PROOF)
    assert "the difference is below 0.05 log_loss" in said
    assert "the best recipe has fewer parameters (8,970 against 20,010)" in said


def test_the_declared_cost_is_told_with_its_unit():
    said = text(replace(PROOF, cost="latency"))
    assert "the baseline answers sooner (1 ms for 1,000 rows against 2 ms" in said
    assert "3 s" in text(replace(PROOF, cost="training_time"))


def test_a_winner_that_is_worse_is_not_handed_over():
    worse = replace(PROOF, verdict=replace(VERDICT, verdict="worse"))
    assert "the baseline is what to take" in text(worse)


def test_a_test_part_that_was_seen_before_confirms_nothing():
    assert "opened twice" not in text(PROOF)
    assert "opened 2 times before" in text(replace(PROOF, openings=2))


def test_a_claim_that_the_searchs_own_trainings_contradict_is_explained():
    seen = replace(VERDICT, verdict="undecided", interval=(0.01, 0.02), p_value=0.001)
    said = text(replace(PROOF, verdict=seen, own=(0.4, 0.2)))
    assert "contradict the fresh ones: log_loss 0.400 of the winner against 0.200" in said
    assert "contradict" not in text(replace(PROOF, verdict=replace(seen, p_value=0.4)))


def test_a_claim_on_few_rows_warns():
    better = replace(VERDICT, verdict="better", rows=36)
    assert "only 36 test rows" in text(replace(PROOF, verdict=better))
    assert "only" not in text(replace(PROOF, verdict=replace(better, rows=400)))
