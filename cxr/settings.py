"""Typed settings, read from the environment with the prefix ``CXR_`` (``CXR_REDIS_URL=...``)."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cxr.errors import SettingsRefused

PREFIX = "CXR_"
# Variables of the same prefix for `make run`, clients, the trainer and the trials; the processes let them pass.
FOR_THE_STACK = (
    "TRITON_METRICS_PORT",
    "LOCAL_DIR",
    "REDIS_PORT",
    "TRITON_PORT",
    "MODEL_REPOSITORY",
    "MODEL_CONFIG_NAME",
)
FOR_CLIENTS = ("API_KEY", "API_KEY_FILE", "GATEWAY_URL")
FOR_TRAINER_AND_TRIALS = ("DATA", "CHAOS_FATES")
READ_ELSEWHERE = frozenset(PREFIX + name for name in (*FOR_THE_STACK, *FOR_CLIENTS, *FOR_TRAINER_AND_TRIALS))


class Settings(BaseSettings):
    """Every knob of gateway and worker, with its unit in its name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    redis_url: str = Field(
        "redis://127.0.0.1:6390/0",
        description="Where the ledger and the queues live: redis://, rediss://, or sentinel:// (cxr/sentinel.py).",
    )
    triton_url: str = Field(
        "127.0.0.1:8051",
        description="Triton's gRPC address, host:port; several with commas, or one name with several addresses.",
    )
    model_name: str = Field("pneumonia_classifier", description="The model that Triton serves.")
    blobs_dir: Path = Field(
        Path(".local/blobs"), description="Folder of the image bytes, shared by gateway and workers."
    )

    blobs_url: str = Field(
        "",
        description="Bucket of the image bytes instead of that folder, s3://bucket/prefix; keys, region and address of"
        " the store are in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL. Empty: the folder.",
    )

    gateway_host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    gateway_port: int = Field(7860, description="Port the gateway listens on.")
    access_file: Path | None = Field(
        None,
        description="Who may come in, as `python -m gateway keys` writes it; without one everybody may, and the gateway"
        " listens on loopback only.",
    )
    session_s: int = Field(8 * 3600, gt=0, description="How long somebody stays signed in on the page.")
    max_requests_per_minute: int = Field(
        6000, ge=1, description="Requests in a minute with one key or account, unless the key has a number of its own."
    )
    max_address_requests_per_minute: int = Field(
        12_000, ge=1, description="Requests in a minute from one address (IPv6: one /64), whatever it shows."
    )
    tls_certificate: Path | None = Field(None, description="PEM file with which the gateway itself speaks TLS.")
    tls_key: Path | None = Field(None, description="PEM file of its private key.")
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks, comma-separated, of proxies whose X-Forwarded-For and -Proto are believed;"
        " *: whoever connects; empty: nobody.",
    )
    allowed_origins: str = Field(
        "", description="Origins, comma-separated, whose pages may use the API with a key (CORS); empty: none."
    )

    dicom_host: str = Field("127.0.0.1", description="Address the DICOM door listens on.")
    dicom_port: int = Field(11112, description="Port the DICOM door listens on; 11112 is DICOM's registered port.")
    dicom_ae_title: str = Field("PNEUMOSERVE", description="What the DICOM door is called by its peers.")
    dicom_peers: str = Field(
        "",
        description="Who may send, comma-separated: AE titles, each alone or as TITLE@address. Empty: whoever reaches"
        " the door, which then listens on loopback only.",
    )
    dicom_return_to: str = Field(
        "", description="The node that results are sent back to, TITLE@host:port; empty: they are not sent."
    )
    dicom_owner: str = Field("dicom", description="Owner of the jobs that come through the DICOM door.")
    dicom_max_associations: int = Field(16, ge=1, description="Associations that may be open at once.")
    dicom_idle_s: float = Field(60.0, gt=0, description="How long an association may say nothing before it is ended.")
    dicom_metrics_port: int = Field(0, ge=0, description="Where the DICOM door shows /metrics; 0: nowhere.")

    address_prefixes: str = Field(
        "",
        pattern=r"^((s3://[a-z0-9][a-z0-9.-]+/|file:///[^,/]+/)([^,/]+/)*(,|$))*$",
        description="Where requests may name films by address: s3://bucket/folder/ and file:///folder/, with commas;"
        " empty: nowhere. Access to S3 is set by AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and the like.",
    )
    max_file_bytes: int = Field(
        64 * 1024**2, description="Largest accepted image file, once inflated; larger ones are refused one by one."
    )
    max_request_bytes: int = Field(2 * 1024**3, description="Largest accepted upload in all.")
    max_images_per_job: int = Field(100_000, description="Most images one job may have.")

    max_backlog_images: int = Field(
        500_000, description="Images that may wait in all; more are refused with queue_full."
    )
    max_backlog_bytes: int = Field(200 * 1024**3, description="Bytes of unfinished jobs that may wait in all.")
    max_owner_images: int = Field(200_000, description="Images one owner may have waiting.")
    max_owner_jobs_per_minute: int = Field(600, description="Jobs one owner may submit in a minute.")

    max_followers: int = Field(256, ge=1, description="Connections that may follow jobs at once, in each gateway.")
    max_owner_followers: int = Field(32, ge=1, description="Those of one owner.")

    interactive_max_images: int = Field(
        8, description="Jobs up to this size go to the interactive queue, ahead of batches."
    )
    chunk_size: int = Field(64, ge=1, le=64, description="Images per Celery message and per Triton request, at most.")
    decode_processes: int = Field(
        2, ge=1, description="Processes that decode images, for each lane: one per core, at most."
    )
    decode_timeout_s: float = Field(
        20.0, gt=0, description="Processor time that one image may take to decode; by the clock three times as long."
    )
    decode_memory_bytes: int = Field(
        2 * 1024**3, ge=512 * 1024**2, description="Most memory one decoding process may have, its program included."
    )
    worker_concurrency: int = Field(
        2, ge=1, description="Chunks of each lane (interactive, batch) that one worker process has in hand at once."
    )
    slice_images: int = Field(
        16,
        ge=1,
        le=64,
        description="Images read, decoded and scored at a time; in between, interactive work goes first.",
    )
    infer_timeout_s: float = Field(30.0, gt=0, description="Longest wait for one Triton answer.")
    lease_s: float = Field(6.0, gt=0, description="How long a claimed chunk stays claimed without a sign of life.")
    reconcile_interval_s: float = Field(1.0, gt=0, description="Pause between two looks for lost chunks.")
    max_chunk_attempts: int = Field(3, ge=1, description="Workers an image may stop before it is set aside as poison.")
    idempotency_s: int = Field(24 * 3600, gt=0, description="How long an idempotency key is remembered.")
    retention_s: int = Field(7 * 24 * 3600, gt=0, description="How long a finished job and its images are kept.")

    gateway_metrics_port: int = Field(0, ge=0, description="Where the gateway shows /metrics; 0: nowhere.")
    worker_metrics_port: int = Field(0, ge=0, description="Where a worker shows /metrics; 0: nowhere.")
    metrics_host: str = Field(
        "127.0.0.1", description="Address of both; they have no access control, so let only Prometheus reach it."
    )
    otlp_endpoint: str = Field(
        "", description="OTLP/HTTP base address for traces, http://tempo:4318; empty: none sent."
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Share of the uploads whose trace is recorded.")
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files that are named like these variables and hold their values, as Docker mounts them;"
        " a variable that is set goes first.",
    )
    required: str = Field(
        "",
        description="Variables, comma-separated, without which the process must not start: container images name those"
        " whose defaults are a laptop's.",
    )
    log_level: str = Field("INFO", description="Least level that is logged.")


def read_settings() -> Settings:
    """The settings of this process, from its environment and its folder of secrets, strictly.

    Raises ``SettingsRefused``: naming every variable that is unknown (a misspelt one would otherwise be passed over in
    silence), required and missing, or not of its type or bounds.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | READ_ELSEWHERE
    folder = os.environ.get(f"{PREFIX}SECRETS_DIR") or None
    try:
        files = {path.name for path in Path(folder).iterdir() if path.name.startswith(PREFIX)} if folder else set[str]()
    except OSError as error:
        raise SettingsRefused(f"{PREFIX}SECRETS_DIR: {error.strerror}") from error
    given = {name for name in os.environ if name.startswith(PREFIX)} | files
    found = [f"{name} is unknown" for name in sorted(given - known)]
    try:
        settings = Settings(_secrets_dir=folder)
    except ValidationError as error:
        wrong = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsRefused("; ".join(found + wrong)) from error
    required = [name.strip() for name in settings.required.split(",") if name.strip()]
    found += [f"{name} is missing" for name in required if not os.environ.get(name) and name not in files]
    if found:
        raise SettingsRefused("; ".join(found))
    return settings
