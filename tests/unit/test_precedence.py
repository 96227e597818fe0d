"""Interactive before batch among the chunks of one worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cxr.schemas import QueueName
from worker.precedence import Precedence


def test_batch_waits_while_an_interactive_chunk_is_in_hand() -> None:
    precedence = Precedence()
    with ThreadPoolExecutor(1) as threads:
        with precedence.of(QueueName.INTERACTIVE):
            precedence.give_way(QueueName.INTERACTIVE)
            waiting = threads.submit(precedence.give_way, QueueName.BATCH)
            with pytest.raises(TimeoutError):
                waiting.result(0.1)
        waiting.result(10)


def test_batch_chunks_do_not_wait_for_each_other() -> None:
    precedence = Precedence()
    with ThreadPoolExecutor(2) as threads, precedence.of(QueueName.BATCH), precedence.of(QueueName.BATCH):
        waiting = [threads.submit(precedence.give_way, queue) for queue in QueueName]
        assert [one.result(10) for one in waiting] == [None, None]


def test_a_failed_interactive_chunk_holds_nobody_up() -> None:
    precedence = Precedence()
    with pytest.raises(ValueError, match="fails"), precedence.of(QueueName.INTERACTIVE):
        raise ValueError("it fails")
    precedence.give_way(QueueName.BATCH)
