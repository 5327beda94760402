"""What stands around the figures of StarGAN v2's look inside."""

from deepfake_core.ui.widgets.explained import Explained

NETWORK = "deepfake_core/networks/starganv2.py"

FIGURES = {
    "codes": Explained(
        title="Style codes",
        text="A style is a row of numbers, drawn as bars: read from a reference by the style encoder, or mapped from "
        "random numbers. Rows that are alike give results that are alike, at the right.",
        equation=r"s = E_y(x_{ref}) \quad \text{or} \quad s = F_y(z), \; z \sim \mathcal{N}(0, I)",
        file=NETWORK,
        function="StyleEncoder.forward",
    ),
    "map": Explained(
        title="Map of styles",
        text="Each dot is a random style, placed by the two directions in which styles differ most; the pictures show "
        "the source in some of them. The black discs are the styles chosen above: near neighbours look alike.",
        equation=r"p = (v_1, v_2)^{\top} (s - \bar{s})",
        file="deepfake_core/pipelines/point_map.py",
        function="principal",
    ),
    "mixing": Explained(
        title="Style mixing",
        text="Coarse layers take one style and fine layers the other; A and B are the first two styles. Watch which "
        "layers decide on shape and hair, and which on colours.",
        equation=r"x_{k+1} = \text{block}_k(x_k, s_k), \quad "
        r"s_k = \begin{cases} s_A & k \le m \\ s_B & k > m \end{cases}",
        file=NETWORK,
        function="Generator.paint",
    ),
    "layers": Explained(
        title="Where the style enters",
        text="Each block normalises its channels, then scales and shifts them as the style says. The bars say how much "
        "styles A and B disagree there: 0 is equal, 1 is opposite.",
        equation=r"\text{AdaIN}(x, s) = (1 + \gamma(s)) \, \frac{x - \mu(x)}{\sigma(x)} + \beta(s)",
        file=NETWORK,
        function="AdaptiveNorm.forward",
    ),
    "blend": Explained(
        title="Painted and kept",
        text="These weights also predict a mask: white is painted in style A, black is kept from the source. It is not "
        "part of the paper, and keeps the background sharp.",
        equation=r"y = m \, g + (1 - m) \, x",
        file=NETWORK,
        function="joined",
    ),
    "kept": Explained(
        title="Edges that are passed on",
        text="A landmark network finds the face, and only edges there go around the style layers to the result. So "
        "pose and expression stay, whatever the style.",
        equation=r"x_k \leftarrow x_k + h * (M_k \odot e_k)",
        file=NETWORK,
        function="HighPass.forward",
    ),
}
"""File caption -> what stands around the figure."""
