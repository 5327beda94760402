"""What stands around the figures of CycleGAN's look inside."""

from deepfake_core.ui.widgets.explained import Explained

LOSSES = "train/recipes/cyclegan/losses.py"

FIGURES = {
    "cycle": Explained(
        title="Cycle consistency",
        text="G translates the picture x, and F translates the result back. The maps show how far each is from x, with "
        "the mean in the caption: the second one is the cycle loss of this picture.",
        equation=r"\begin{aligned} \mathcal{L}_{cyc}(G, F) = {} & "
        r"\mathbb{E}_x \left[ \lVert F(G(x)) - x \rVert_1 \right] \\ "
        r"& + \mathbb{E}_y \left[ \lVert G(F(y)) - y \rVert_1 \right] \quad \text{(2)} \end{aligned}",
        file=LOSSES,
        function="cycle_terms",
    ),
    "patches": Explained(
        title="What the discriminator sees",
        text="D scores every patch: near 1 where it takes it for a real picture of the other domain, near 0 where it "
        "takes it for a made one. The square is the patch of the result that fools it least.",
        equation=r"\begin{aligned} \mathcal{L}_{GAN}(G, D_Y) = {} & \mathbb{E}_y \left[ (D_Y(y) - 1)^2 \right] \\ "
        r"& + \mathbb{E}_x \left[ D_Y(G(x))^2 \right] \end{aligned}",
        file="deepfake_core/networks/cyclegan.py",
        function="PatchDiscriminator.forward",
    ),
    "identity": Explained(
        title="Identity mapping",
        text="F translates to the domain of x, so it should leave x as it is; the map shows where it does not. Without "
        "this loss a generator may change the colours of the whole picture.",
        equation=r"\begin{aligned} \mathcal{L}_{identity}(G, F) = {} & "
        r"\mathbb{E}_y \left[ \lVert G(y) - y \rVert_1 \right] \\ "
        r"& + \mathbb{E}_x \left[ \lVert F(x) - x \rVert_1 \right] \end{aligned}",
        file=LOSSES,
        function="identity_terms",
    ),
}
"""File caption -> what stands around the figure."""
