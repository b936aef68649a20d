"""The science of the lesson "Two hundred numbers?", at other seeds than its own."""

import sbkit as sb


def test_networks_use_the_linear_feature():
    task = sb.lms(5, dim=4, noise=0.1, n=1000, n_test=1000, seed=100)
    snapshot = sb.last(sb.fit(sb.mlp(task, depth=1, runs=8, seed=100), task, steps=300, measure=["reliance"]))
    assert (snapshot.values["reliance"][:, 0] > 0.3).all()  # (runs, features)
