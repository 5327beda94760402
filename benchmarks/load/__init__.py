"""Load test of the page: a running server and its visitors, which the attacks use too."""
