"""Start the web app: `python app.py`, then open the address that it prints."""

import argparse
import logging
import sys

HELP = """
settings are environment variables:
  GRADIO_SERVER_NAME    the address to listen on (default: 127.0.0.1; 0.0.0.0: all networks)
  GRADIO_SERVER_PORT    the port (default: the first free one from 7860)
  GRADIO_ROOT_PATH      the path behind a proxy, such as /lab
  DEEPFAKE_HOSTS        host names of the page, besides this machine's own addresses
  DEEPFAKE_PROXIES      addresses of the proxies in front of it
  DEEPFAKE_HOME         folder of weights, signing keys and state
deepfake_core/settings.py lists all that begin with DEEPFAKE_.
"""


def main() -> None:
    """Serve the page, or print the help."""
    argparse.ArgumentParser(
        prog="python app.py",
        description="Serve the page of Deepfake Lab until Ctrl-C.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    from deepfake_core.errors import LabError
    from deepfake_core.ui.page import launch  # imports gradio, which takes seconds

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        launch()
    except LabError as error:  # an invalid setting
        sys.exit(f"app.py: {error}")


if __name__ == "__main__":
    main()
