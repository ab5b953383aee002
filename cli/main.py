"""The command line: `solvent COMMAND`; each command stands in a file of its own."""

import click

from cli.check import check
from cli.demo import demo
from cli.deposit import deposit
from cli.errors import Commands
from cli.import_tape import import_tape
from cli.init import init
from cli.inspect import inspect
from cli.prove import prove
from cli.request import request
from cli.requests import requests
from cli.rollback import rollback
from cli.scenario import scenario
from cli.security import security
from cli.simulated_oracle import simulated_oracle
from cli.verify import verify


@click.group(cls=Commands)
@click.version_option(package_name="solvent")
def main() -> None:
    """Solvent: a derivatives venue's ledger over several chains, and proofs that it stays backed.

    Exit codes: 0 accepted or done, 1 rejected, 2 bad input or refused batch.
    """


for command in (
    init, deposit, request, requests, import_tape, check, prove, verify, rollback, inspect, scenario, security,
    simulated_oracle, demo,
):  # fmt: skip
    main.add_command(command)
