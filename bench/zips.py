"""A zip through the gateway's reader and every film in it through ``examine``: a decode function for boxes."""

from __future__ import annotations

import numpy as np

from cxr.errors import CorruptImage, CxrError, ImageRejected, RequestRefused
from cxr.imaging import IMAGE_SIZE_PX, Film, Limits, examine
from gateway.contents import Contents
from gateway.spool import Upload

MAX_IMAGES, MAX_TOTAL_BYTES = 1000, 256 * 1024**2


def films_of_zip(content: bytes, limits: Limits) -> Film:
    """The zip's last film. Raises the first refusal among its films, or what is wrong with the archive as a whole."""
    film, refusals = Film(np.zeros((1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), np.uint8)), []
    try:
        with Contents([Upload.of_bytes("films.zip", content)], limits.max_file_bytes, MAX_IMAGES) as contents:
            for entry in contents.films(MAX_TOTAL_BYTES):
                try:
                    if isinstance(entry.content, CxrError):
                        raise entry.content
                    film = examine(entry.content, limits)
                except ImageRejected as refusal:
                    refusals.append(refusal)
    except RequestRefused as error:
        raise CorruptImage(error.code) from error  # a box says only what is wrong with an image
    if refusals:
        raise refusals[0]
    return film
