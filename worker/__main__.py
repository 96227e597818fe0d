"""``python -m worker``: answer chunks until told to stop. Settings come from the environment (``CXR_...``)."""

from cxr.settings import Settings
from worker.app import run

if __name__ == "__main__":
    run(Settings())
