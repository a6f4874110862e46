"""A run to walk through in a browser: `python -m train.explore --run=runs/digits`.

Serves what explorer.html shows, of all examples of the run's data, on this machine alone, until Ctrl-C ends it.
"""

from absl import flags

from tf_gmvae import terminal
from train import cli
from train.run import finished
from train.run.live import Live
from train.run.live_server import LiveServer

finished.define()
flags.DEFINE_integer("port", 0, "Port on 127.0.0.1; 0 takes one that is free.", 0, 65535)


def main() -> None:
    """Maps a sample of the examples, and then answers until it is ended."""
    with LiveServer(flags.FLAGS.port) as server:
        run = finished.opened()
        with terminal.step("Mapping the examples"):
            server.live = Live(run)
        terminal.say(f"Open {server.address}")
        terminal.say(f"Names and marks are kept in {run.folder.kept}. Ctrl-C ends this.")
        try:
            server.serve_forever()
        except KeyboardInterrupt as stop:
            raise type(stop)("Stopped.") from None


if __name__ == "__main__":
    cli.run(main)
