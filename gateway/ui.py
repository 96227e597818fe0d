"""stub"""

from __future__ import annotations
from fastapi import FastAPI
from gateway.parts import Parts


def mount_page(app: FastAPI, parts: Parts) -> None:
    return None
