"""``python -m deploy.local``: the whole system on this machine, from the Procfile, on loopback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from subprocess import DEVNULL
from typing import Annotated

import typer
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Popen, Process
from rich.console import Console

from deploy.local.demo import StackNotReady, doors, findings_table, judge, wait_until_ready
from deploy.local.samples import sample_files
from deploy.local.settings import ROOT, LocalSettings, port_is_free
from deploy.local.stack_log import first_ending, fresh_log

console = Console()
START_TIMEOUT_S = 180.0


def main(
    once: Annotated[bool, typer.Option("--once", help="Stop after the table of findings (make demo).")] = False,
) -> None:
    """Start Redis, Triton, worker and gateway, judge the sample films, and stay until Ctrl-C.

    Ports move with CXR_GATEWAY_PORT, CXR_REDIS_PORT and CXR_TRITON_PORT; everything is written under CXR_LOCAL_DIR.
    """
    settings = LocalSettings()
    _refuse_taken_ports(settings)
    # First of all: a download started beside honcho's forks would hand them its pipes and never see them close.
    with console.status("Fetching sample films ..."):
        samples = sample_files(settings.local_dir / "samples", settings.data, console.print)
    log = fresh_log(settings.local_dir / "logs")
    with log.open("w") as output:
        manager = _processes(settings, output)
        look = FirstLook(settings, samples, manager, once)
        look.start()
        signal.signal(signal.SIGHUP, lambda *_: manager.terminate())  # the terminal was closed
        manager.loop()
        look.join(timeout=5)
    if look.stopped_by_itself:
        raise typer.Exit(look.exit_code)
    if manager.returncode not in (130, 143):  # a part ended although nobody asked
        ending = first_ending(log)
        console.print(str(ending), style="red", markup=False, soft_wrap=True)
        console.print(f"Its last lines, of {log}:", soft_wrap=True)
        console.print("\n".join(ending.last_lines), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)
    console.print("Stopped; no process is left behind.")


def _refuse_taken_ports(settings: LocalSettings) -> None:
    taken = {name: port for name, port in settings.ports().items() if not port_is_free(port)}
    for name, port in taken.items():
        console.print(f"Port {port} is taken; choose another with {name}=...", style="red")
    if taken:
        raise typer.Exit(1)


def _processes(settings: LocalSettings, output: object) -> Manager:
    manager = Manager(Printer(output, colour=False))
    manager._process_ctor = InOurSession
    environment = settings.process_environment()
    # The processes are this environment's, whatever `python` means on the PATH.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(ROOT))
    return manager


class InOurSession(Process):  # type: ignore[misc]
    """A process in a group of its own, as honcho wants it, but in our session: Linux may share the processor out by
    sessions before it looks at priorities, and a batch in another session would not give way to a lone film.
    """

    def __init__(self, *words: object, **options: object) -> None:
        super().__init__(*words, **options)
        self._child_ctor = partial(Popen, start_new_session=False, process_group=0, stdin=DEVNULL)


class FirstLook(threading.Thread):
    """Waits for the stack, shows the samples' findings, and with ``once`` stops the stack again."""

    def __init__(self, settings: LocalSettings, samples: list[Path], manager: Manager, once: bool) -> None:
        super().__init__(name="first-look", daemon=True)
        self._settings, self._url = settings, f"http://127.0.0.1:{settings.gateway_port}"
        self._samples, self._manager, self._once = samples, manager, once
        self.stopped_by_itself, self.exit_code = False, 0

    def run(self) -> None:
        try:
            wait_until_ready(self._url, START_TIMEOUT_S, console)
            if not self._samples:
                raise StackNotReady("No sample film could be had; the page and the API are up all the same.")
            console.print(findings_table(judge(self._url, self._samples, console)))
        except (StackNotReady, OSError) as error:
            console.print(str(error), style="red")
            self.exit_code = 1
        console.print(doors(self._settings))
        if self._once:
            self.stopped_by_itself = True
            self._manager.terminate()
        else:
            console.print("Ctrl-C stops everything.")


if __name__ == "__main__":
    typer.run(main)
