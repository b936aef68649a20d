"""The JAX peer of `fleet.py`: the same nets, data and SGD as vmap + scan + jit, on one thread.

Run by `fleet.py` in a process of its own; it answers one line per request on standard input
(`inputs width outputs batch runs steps`) with seconds, so that both sides are timed in turn.
"""

import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402  (the flags above must stand before the import)
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

ROWS = 10_000
RATE = 0.1


def init(key, sizes):
    """Weights and biases of one net, torch's own Linear initialization: [(in, out), (out,)] a layer."""
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        key, first, second = jax.random.split(key, 3)
        bound = fan_in**-0.5
        layers.append(
            (
                jax.random.uniform(first, (fan_in, fan_out), minval=-bound, maxval=bound),
                jax.random.uniform(second, (fan_out,), minval=-bound, maxval=bound),
            )
        )
    return layers


def loss(layers, x, y):
    """Mean cross-entropy of one net on one minibatch, x (batch, in), y (batch,)."""
    for w, b in layers[:-1]:
        x = jax.nn.relu(x @ w + b)
    logits = x @ layers[-1][0] + layers[-1][1]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def sgd(layers, batch):
    """One step of one net."""
    gradient = jax.grad(loss)(layers, *batch)
    return jax.tree.map(lambda p, g: p - RATE * g, layers, gradient)


def workload(inputs, width, outputs, batch, runs, steps):
    """A function without arguments that trains `runs` nets for `steps` steps and waits for them."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(ROWS, inputs)), jnp.float32)
    y = jnp.asarray(rng.integers(0, outputs, ROWS))
    keys = jax.random.split(jax.random.key(0), runs)
    nets = jax.vmap(lambda k: init(k, (inputs, width, width, outputs)))(keys)
    per_epoch = ROWS // batch

    def epoch(nets, key):
        orders = jax.vmap(lambda k: jax.random.permutation(k, ROWS))(jax.random.split(key, runs))
        orders = orders[:, : per_epoch * batch].reshape(runs, per_epoch, batch).swapaxes(0, 1)

        def step(nets, rows):  # rows (runs, batch)
            return jax.vmap(sgd)(nets, (x[rows], y[rows])), None

        return jax.lax.scan(step, nets, orders)[0]

    epochs = max(1, steps // per_epoch)

    @jax.jit
    def train(nets, keys):
        return jax.lax.scan(lambda n, k: (epoch(n, k), None), nets, keys)[0]

    keys = jax.random.split(jax.random.key(1), epochs)
    return lambda: jax.block_until_ready(train(nets, keys)), epochs * per_epoch


def main():
    ready = {}
    for line in sys.stdin:
        request = tuple(map(int, line.split()))
        if request not in ready:
            ready[request] = workload(*request)
            ready[request][0]()  # compile
        run, steps = ready[request]
        start = time.perf_counter()
        run()
        print((time.perf_counter() - start) / steps, flush=True)


if __name__ == "__main__":
    main()
