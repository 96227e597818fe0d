"""What was sent of each image, kept beside the images: a version that does not know of it reads them as before."""

from __future__ import annotations

from collections.abc import Sequence

from cxr.schemas import JobImage

FIELDS = frozenset({"sent_sha256", "sent_size_bytes"})
AS_KEPT, UNKNOWN = "", "/"


def image_text(image: JobImage) -> str:
    """The image without what was sent of it."""
    return image.model_dump_json(exclude=set(FIELDS))


def sent_text(image: JobImage) -> str:
    """SHA-256 and size with a slash between, or shorter: most files are kept as they were sent."""
    if image.sent_sha256 is None:
        return UNKNOWN
    if (image.sent_sha256, image.sent_size_bytes) == (image.sha256, image.size_bytes):
        return AS_KEPT
    return f"{image.sent_sha256}/{image.sent_size_bytes}"


def images_of(images: Sequence[str], sent: Sequence[str]) -> list[JobImage]:
    """Both put together again; of a job from before this was kept, ``sent`` is empty."""
    known = sent if len(sent) == len(images) else [UNKNOWN] * len(images)
    return [_whole(JobImage.model_validate_json(image), text) for image, text in zip(images, known, strict=True)]


def _whole(image: JobImage, sent: str) -> JobImage:
    if sent == UNKNOWN:
        return image
    sha256, size_bytes = (image.sha256, image.size_bytes) if sent == AS_KEPT else sent.split("/")
    return image.model_copy(update={"sent_sha256": sha256, "sent_size_bytes": int(size_bytes)})
