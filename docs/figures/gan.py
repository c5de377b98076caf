"""Figures of the chapter on adversarial networks."""

import numpy as np
from matplotlib.figure import Figure

from gongsik import reference as gs
from gongsik.spec.gan import Game, Players


def _normal(x, mean, std):
    return np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))


def plot_optimal() -> Figure:
    """Two densities on a line and the discriminator that is best against them, for three generators."""
    x = np.linspace(-5, 5, 401)
    data = _normal(x, 1, 1)
    figure = Figure(figsize=(6.6, 2.8))
    panes = figure.subplots(1, 3, sharey=True)
    for pane, (mean, std, title) in zip(
        panes, ((-2.5, 0.7, "멀다"), (0.0, 1.3, "가까워진다"), (1.0, 1.0, "같다")), strict=True
    ):
        fake = _normal(x, mean, std)
        pane.plot(x, data, color="C0", label="데이터 $p_{data}$")
        pane.plot(x, fake, color="C1", label="생성자 $p_G$")
        pane.plot(x, data / (data + fake), "--", color="C2", label="최적 판별자 $D^*$")
        pane.set(title=title, xlabel="$x$", ylim=(0, 1.05))
    figure.legend(*panes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def plot_parallel() -> Figure:
    """What two distributions on parallel lines are apart: the divergence, and Wasserstein's distance with its slope."""
    theta = np.linspace(-2, 2, 401)
    zero = np.zeros(1)
    distance = np.array([gs.wasserstein_distance(zero, np.array([t])) for t in theta])
    divergence = np.where(theta == 0, 0, np.log(2))
    figure = Figure(figsize=(6.6, 3.0))
    left, right = figure.subplots(1, 2)
    left.plot(theta[theta != 0], divergence[theta != 0], ",", color="C0")
    left.hlines(np.log(2), -2, 2, color="C0")
    left.plot(0, np.log(2), "o", color="C0", markerfacecolor="white")
    left.plot(0, 0, "o", color="C0")
    left.set(title="젠슨-섀넌 발산", xlabel=r"$\theta$", ylim=(-0.1, 1))
    right.plot(theta, distance, color="C1")
    right.set(title="바서슈타인 거리", xlabel=r"$\theta$")
    return figure


def plot_circles() -> Figure:
    """The game x y: where its gradients point, and what becomes of the players with and without a history."""

    def play(strength, steps=400, lr=0.05):
        at, state, path = np.array([1.0, 0.0]), None, [np.array([1.0, 0.0])]
        for _ in range(steps):
            pull = gs.value_and_grad(lambda w, s=state: gs.historical_averaging(w, s)[0])(at)[1]
            state = gs.historical_averaging(at, state)[1]
            at = at - lr * (np.array([at[1], -at[0]]) + strength * pull)
            path.append(at)
        return np.array(path)

    grid = np.linspace(-1.8, 1.8, 9)
    x, y = np.meshgrid(grid, grid)
    figure = Figure(figsize=(6.6, 3.4))
    panes = figure.subplots(1, 2, sharex=True, sharey=True)
    for pane, (title, strength) in zip(panes, (("그대로", 0.0), ("과거 평균을 더하면", 0.5)), strict=True):
        path = play(strength)
        pane.quiver(x, y, -y, x, color="0.75")
        pane.plot(path[:, 0], path[:, 1], color="C0")
        pane.plot(*path[0], "o", color="C1")
        pane.plot(0, 0, "+", color="C3")
        pane.set(title=title, xlabel="$x$ (작게 하려는 쪽)", aspect="equal", xlim=(-2, 2), ylim=(-2, 2))
    panes[0].set_ylabel("$y$ (크게 하려는 쪽)")
    return figure


def _ring(n):
    angle = 2 * np.pi * np.arange(n) / n
    return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def plot_collapse() -> Figure:
    """The same two networks in step, and with a generator ten times as quick, whose samples crowd and wander."""
    rng = np.random.default_rng(1)
    data = np.repeat(_ring(8), 12, axis=0) + 0.12 * rng.standard_normal((96, 2))
    z = rng.standard_normal((96, 2))

    def network(p, x):
        return np.tanh(np.tanh(x @ p["a"] + p["b"]) @ p["c"] + p["d"]) @ p["e"]

    def start(out, scale):
        shapes = {"a": (2, 32), "b": (32,), "c": (32, 32), "d": (32,), "e": (32, out)}
        return {name: scale * rng.standard_normal(s) / np.sqrt(s[0]) for name, s in shapes.items()}

    def update(rate):
        return lambda params, grads, state: gs.adam(params, grads, state, lr=rate, beta1=0.5)

    def after(players, rounds, rate_d, rate_g):
        game = Game(
            network,
            lambda d, fake, real: gs.discriminator_loss(network(d, real)[:, 0], network(d, fake)[:, 0]),
            lambda d, fake, real: gs.non_saturating_generator_loss(network(d, fake)[:, 0]),
            update(rate_d),
            update(rate_g),
        )
        batches, draws = (np.broadcast_to(x, (rounds, 96, 2)) for x in (data, z))
        return gs.alternating_training(game, players, (batches,), (draws,)).players

    players = Players(start(2, 1.0), start(1, 1.5))
    found = {"같은 빠르기, 120번": after(players, 120, 0.01, 0.01)}
    for done, rounds in ((30, 30), (90, 60), (240, 150)):
        players = after(players, rounds, 0.003, 0.03)
        found[f"10배, {done}번"] = players
    figure = Figure(figsize=(6.6, 2.2))
    for pane, (title, players) in zip(figure.subplots(1, 4, sharex=True, sharey=True), found.items(), strict=True):
        pane.plot(*data.T, ".", color="0.8", markersize=3)
        pane.plot(*network(players.generator, z).T, ".", color="C1", markersize=4)
        pane.set(title=title, aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
        pane.set_xticks([])
        pane.set_yticks([])
    return figure
