"""JSON lines with trace id, job id and model version, never a file name or patient data."""

from __future__ import annotations

import logging
import sys

import structlog

from cxr.telemetry.traces import trace_id


def configure_logging(process: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's records as JSON lines to standard error."""

    def name_process(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        if current := trace_id():
            event["trace_id"] = current
        return event

    shared: list[structlog.typing.Processor] = [
        name_process,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [to_stderr]
    root.setLevel(level)
    logging.getLogger("pydicom").disabled = True  # its warnings quote values of the file
    logging.getLogger("highdicom").setLevel(logging.WARNING)  # it names the instance whose attributes it copies
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
    )


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose calls are events with fields: ``log.info("chunk_done", job_id=..., images=64)``."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return bound
