"""What stands around the figures of StarGAN's look inside."""

from deepfake_core.ui.widgets.explained import Explained

NETWORK, LOSSES = "deepfake_core/networks/stargan.py", "train/recipes/stargan/losses.py"

FIGURES = {
    "changes": Explained(
        title="Where the change is",
        text="Each map shows how far a single edit moves every pixel, with the mean in its caption. A good edit "
        "changes what it names, and leaves the rest black.",
        equation=r"d = \tfrac{1}{3} \sum_{rgb} \left| G(x, c) - x \right|",
        file="deepfake_core/pipelines/charts.py",
        function="difference",
    ),
    "planes": Explained(
        title="What the generator gets",
        text="The attributes are joined to the three colour planes of the picture as constant planes: black is -1, "
        "grey 0, white 1. The starter weights get the change of each attribute, the published ones its wanted value.",
        equation=r"G(x, c) = G([x;\, c_1, \dots, c_n])",
        file=NETWORK,
        function="Generator.forward",
    ),
    "back": Explained(
        title="There and back",
        text="The edited picture is edited back to its own attributes c'. What the second map still shows was lost on "
        "the way, and the reconstruction loss punishes it.",
        equation=r"\mathcal{L}_{rec} = \mathbb{E}_{x,c,c'} \left[ \lVert x - G(G(x, c), c') \rVert_1 \right] "
        r"\quad \text{(4)}",
        file=LOSSES,
        function="generator_terms",
    ),
    "classes": Explained(
        title="What the classifier reads",
        text="The second head of the discriminator reads the attributes of the picture and of the result. The "
        "generator learns to make it read the wanted ones, so only their bars should move.",
        equation=r"\mathcal{L}_{cls}^{f} = \mathbb{E}_{x,c} \left[ -\log D_{cls}(c \mid G(x, c)) \right] "
        r"\quad \text{(3)}",
        file=LOSSES,
        function="classification",
    ),
}
"""File caption -> what stands around the figure."""
