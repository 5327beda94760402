"""The report of the first page's cost, from given visits."""

from benchmarks.__main__ import parser
from benchmarks.first_page import Response, largest, name_of, report, size_of


def traffic(*sizes: int) -> dict[str, Response]:
    return {
        str(number): Response(f"http://here/assets/{number}.js?v=1", size, False) for number, size in enumerate(sizes)
    }


def test_the_slowest_and_the_heaviest_kind_of_visit_are_held_against_the_targets() -> None:
    visits = {
        "br": [(2.0, traffic(100_000, 700_000)), (9.0, traffic(5)), (3.0, traffic(5))],
        "gzip": [(3.5, traffic(1_400_000, 200_000))],
    }
    made = report(visits, started=6.0)
    assert [bar.met for bar in made.bars] == [False, True]  # 1.6 MB; the medians are 3.0 and 3.5 s
    assert made.figures["bytes"] == {"br": 800_000, "gzip": 1_600_000}
    assert "1.60" in made.text() and "3.5" in made.text() and "0.js 1400 kB, 1.js 200 kB" in made.text()
    assert report({"br": visits["br"]}, started=6.0).passed


def test_sizes_add_up_and_the_largest_come_first() -> None:
    one = traffic(*range(20))
    assert size_of(one) == sum(range(20)) and [response.bytes for response in largest(one)] == [*range(19, 11, -1)]
    assert name_of("http://here:7860/") == "/" and name_of("http://here/theme.css?v=a/b") == "theme.css"


def test_the_command_is_there() -> None:
    assert parser().parse_args(["page", "--rounds", "2"]).rounds == 2
