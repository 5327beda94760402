"""Start the web app: `python app.py`, then open the address that it prints."""

import logging
import sys

from deepfake_core.errors import LabError
from deepfake_core.ui.page import launch

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        launch()
    except LabError as error:  # an invalid setting
        sys.exit(f"app.py: {error}")
