"""The training tree: what is compared, where arms end; and stages chosen on one split, reported on another."""

from types import SimpleNamespace

from primum.evaluation.selection import best_stages
from primum.evaluation.tree import Tree
from primum.tasks.base import Metric


def tree(**parents):
    methods = {name: "sft" if name.startswith("sft") else "grpo" for name in parents}
    return Tree([SimpleNamespace(name=n, parent=p, method=methods[n]) for n, p in parents.items()])


CHAIN = tree(sft="base", grpo="sft")
ARMS = tree(sft="base", soft="sft", flat="sft", medium="soft", repaired="sft", last="medium")


def test_a_chain_has_no_arms():
    assert CHAIN.arms() == []
    assert [CHAIN.against(name) for name in ("base", "sft", "grpo")] == [[], ["base"], ["base", "sft"]]


def test_the_longest_arm_is_the_main_one_and_its_end_meets_the_others():
    assert ARMS.ends() == ["last", "flat", "repaired"]
    assert ARMS.arms() == [["soft", "medium", "last"], ["flat"], ["repaired"]]
    assert ARMS.against("medium") == ["base", "soft", "sft"]
    assert ARMS.against("last") == ["base", "medium", "sft", "flat", "repaired"]
    assert ARMS.against("flat") == ["base", "sft"]


def test_an_arm_without_a_supervised_ancestor():
    assert tree(one="base", two="one").against("two") == ["base", "one"]


def test_a_stage_is_chosen_on_one_split_and_reported_on_another():
    values = {("a", "dev"): 0.7, ("b", "dev"): 0.8, ("c", "dev"): 0.8}
    values |= {("a", "eval"): 0.9, ("b", "eval"): 0.75, ("c", "eval"): 0.85}
    rates = {
        (stage, 0, split): {"m": {"value": value, "low": 0.0, "high": 1.0, "numerator": 1, "n": 10}}
        for (stage, split), value in values.items()
    }
    row = best_stages([Metric("m", "x")], rates, ["a", "b", "c"], [0], "dev", "eval")[0]
    assert (row["stage"], row["value"], row["chosen_value"]) == ("b", 0.75, 0.8)  # b and c are equal: the earlier
    assert (row["naive_stage"], row["naive_value"]) == ("a", 0.9)
    row = best_stages([Metric("m", "x", fault=True)], rates, ["a", "b", "c"], [0], "dev", "eval")[0]
    assert (row["stage"], row["naive_stage"]) == ("a", "b")
