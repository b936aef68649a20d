"""The JAX peer: the same nets, data and optimizers as vmap + scan + jit.

A process of its own, started by `peers.py`; it answers one line per request on standard input
(`inputs width batch runs optimizer steps`) by training at least so many steps and telling how many.
"""

import os
import sys

PLATFORM = sys.argv[1] if len(sys.argv) > 1 else "cpu"
if PLATFORM == "cpu":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = PLATFORM

import jax  # noqa: E402  (the flags above must stand before the import)
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

ROWS, RATES, RHO = 10_000, {"sgd": 0.1, "adam": 1e-3, "sam": 0.1}, 0.05


def init(key, sizes):
    """Weights and biases of one net, torch's own Linear initialization: [(in, out), (out,)] a layer."""
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        key, first, second = jax.random.split(key, 3)
        bound = fan_in**-0.5
        weight = jax.random.uniform(first, (fan_in, fan_out), minval=-bound, maxval=bound)
        layers.append((weight, jax.random.uniform(second, (fan_out,), minval=-bound, maxval=bound)))
    return layers


def loss(layers, x, y):
    """Mean cross-entropy of one net on one minibatch, x (batch, in), y (batch,)."""
    for w, b in layers[:-1]:
        x = jax.nn.relu(x @ w + b)
    logits = x @ layers[-1][0] + layers[-1][1]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def sgd(state, batch):
    """One step of one net."""
    layers, *rest = state
    gradient = jax.grad(loss)(layers, *batch)
    return jax.tree.map(lambda p, g: p - RATES["sgd"] * g, layers, gradient), *rest


def sam(state, batch):
    """One step of one net by the gradient at w + ρ g/‖g‖."""
    layers, *rest = state
    gradient = jax.grad(loss)(layers, *batch)
    norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(gradient))) + 1e-12
    gradient = jax.grad(loss)(jax.tree.map(lambda p, g: p + RHO * g / norm, layers, gradient), *batch)
    return jax.tree.map(lambda p, g: p - RATES["sam"] * g, layers, gradient), *rest


def adam(state, batch):
    """One step of one net."""
    layers, mean, square, t = state
    gradient = jax.grad(loss)(layers, *batch)
    t = t + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, square, gradient)
    size = RATES["adam"] * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    layers = jax.tree.map(lambda p, m, v: p - size * m / (jnp.sqrt(v) + 1e-8), layers, mean, square)
    return layers, mean, square, t


def trainer(inputs, width, batch, runs, optimizer):
    """A function that trains `runs` nets for about so many steps, whole epochs, and says how many."""
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.normal(size=(ROWS, inputs)), jnp.float32), jnp.asarray(rng.integers(0, 2, ROWS))
    nets = jax.vmap(lambda k: init(k, (inputs, width, width, 2)))(jax.random.split(jax.random.key(0), runs))
    zeros = jax.tree.map(jnp.zeros_like, nets)
    state = (nets, zeros, zeros, jnp.zeros(runs)) if optimizer == "adam" else (nets,)
    one, per_epoch = {"sgd": sgd, "adam": adam, "sam": sam}[optimizer], ROWS // batch

    @jax.jit
    def epoch(state, key):
        orders = jax.vmap(lambda k: jax.random.permutation(k, ROWS))(jax.random.split(key, runs))
        orders = orders[:, : per_epoch * batch].reshape(runs, per_epoch, batch).swapaxes(0, 1)

        def step(state, rows):  # rows (runs, batch)
            return jax.vmap(one)(state, (x[rows], y[rows])), None

        return jax.lax.scan(step, state, orders)[0]

    def train(steps):
        trained, epochs = state, max(1, round(steps / per_epoch))
        for key in jax.random.split(jax.random.key(1), epochs):
            trained = epoch(trained, key)
        jax.block_until_ready(trained)
        return epochs * per_epoch

    return train


def main():
    ready = {}
    for line in sys.stdin:
        *sizes, optimizer, steps = line.split()
        shape = (*map(int, sizes), optimizer)
        if shape not in ready:
            ready[shape] = trainer(*shape)
        print(ready[shape](int(steps)), flush=True)


if __name__ == "__main__":
    main()
