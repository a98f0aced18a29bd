"""`eitk studio`: The local studio: Edge Impulse's API on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.units import counted, local_time
from ei_toolkit.errors import ConfigurationError, DataError, UsageError
from ei_toolkit.report.tables import Table
from ei_toolkit.studio import manage
from ei_toolkit.studio.browser_settings import project_settings
from ei_toolkit.studio.lifecycle import UnresponsiveServer, ensure, find_server, read_secret, sign_in_url
from ei_toolkit.studio.lifecycle import stop as end
from ei_toolkit.studio.manage import add_key as add
from ei_toolkit.studio.manage import check_host, prepare
from ei_toolkit.studio.manage import list_keys as find
from ei_toolkit.studio.options import Options, RunningServer
from ei_toolkit.studio.server_log import configure_log
from ei_toolkit.studio.store.keys import Role

if TYPE_CHECKING:
    from ei_toolkit.studio.context import Studio  # FastAPI

Data = Annotated[Path | None, typer.Option("--data", help="Data folder; by default .eitk/studio of the project.")]
ProjectId = Annotated[int, typer.Option("--project", help="Id of the project; 0 means the only one.")]

group = typer.Typer(no_args_is_help=True, help="The local studio: Edge Impulse's API on this machine.")
keys = typer.Typer(no_args_is_help=True, help="Keys of a project: list, add, revoke.")
group.add_typer(keys, name="keys")


@group.command()
def serve(
    context: typer.Context,
    data: Data = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; an address of another machine needs --i-know.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API and the live log.")] = 4800,
    ingestion_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of uploads.")] = 4810,
    remote_management_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of devices; default: 4802, or a free one with another --port."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Concurrent jobs of each project.")] = 1,
    job_limit: Annotated[float, typer.Option(min=1, help="Longest time of a job in seconds.")] = 3600.0,
    allow_scripts: Annotated[
        bool,
        typer.Option("--allow-scripts", help="Accept what carries code: scripts of expert mode, SavedModels."),
    ] = False,
    i_know: Annotated[
        bool, typer.Option("--i-know", help="Serve other machines as well, over unencrypted http.")
    ] = False,
) -> None:
    """Serve until Ctrl-C, on the ports that the official clients expect."""
    env = Environment.of(context)
    folder = _folder(env, data)
    options = Options(
        folder,
        host,
        port,
        ingestion_port,
        jobs,
        job_limit,
        allow_scripts,
        remote_management_port=remote_management_port,
    )
    key = prepare(folder, env.config().settings.project.name)
    options = check_host(options, allow_remote=i_know)
    from ei_toolkit.studio.server import serve as serve_until_stopped  # FastAPI, which `prepare` has checked for

    configure_log(folder)

    env.console.note(f"data in {folder}, admin key of the first project in {key}")

    def announce(running: RunningServer, studio: Studio) -> None:
        env.console.note(
            f"API at {running.api_url}, uploads at {running.ingestion_url}, devices at {running.remote_management_url}"
        )
        own = studio.store.keys.find(read_secret(key))
        token = f"#token={studio.sessions.issue_token(own.id)}" if own else ""
        env.console.note(f"in a browser: {running.web_url}{token} (valid for one minute; later: eitk studio open)")

    serve_until_stopped(options, announce)


@group.command("open")
def open_(
    context: typer.Context,
    data: Data = None,
    project: ProjectId = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and start no browser.")] = False,
) -> None:
    """Open the studio in a browser, signed in. The address is valid once and for one minute.

    Starts the studio of the project's folder if none runs; the studio of another --data folder must run already.
    """
    env = Environment.of(context)
    config = env.config()
    folder = _folder(env, data)
    if folder == config.paths.studio:
        ensure(config.paths, config.settings.project.name)
    running = find_server(folder)
    if not isinstance(running, RunningServer):
        why = str(running) if running else "no studio serves this folder"
        raise ConfigurationError(f"{folder} cannot be opened", why=why, hint=f"eitk studio serve --data {folder}")
    url = sign_in_url(running, manage.browser_key(folder, project), project_settings(config.settings))
    if not no_browser and typer.launch(url) != 0:
        env.console.note("no browser could be started: open the address in one")
    env.console.result({"url": url}, url)


@group.command()
def status(context: typer.Context, data: Data = None) -> None:
    """Show whether a studio serves the data folder, and its addresses."""
    env = Environment.of(context)
    found = find_server(_folder(env, data))
    if found is None:
        env.console.result({"running": False}, "not running")
    elif isinstance(found, UnresponsiveServer):
        env.console.result({"running": False, "pid": found.pid}, f"not running: {found}; stop it with eitk studio stop")
    else:
        addresses = {
            "api_url": found.api_url, "ingestion_url": found.ingestion_url,
            "remote_management_url": found.remote_management_url,
        }  # fmt: skip
        view = f"running (pid {found.pid}): API {found.api_url}, uploads {found.ingestion_url}"
        view += f", devices {found.remote_management_url}"
        summary = {"pid": found.pid, **addresses, "version": found.version}
        env.console.result({"running": True, **summary}, view)


@group.command()
def stop(context: typer.Context, data: Data = None) -> None:
    """Stop the studio that serves the data folder."""
    env = Environment.of(context)
    stopped = end(_folder(env, data))
    env.console.result({"stopped": stopped}, "stopped" if stopped else "not running")


@group.command()
def projects(
    context: typer.Context,
    data: Data = None,
    add: Annotated[
        str | None, typer.Option(help="Create a project with this name; its key is shown only once.")
    ] = None,
) -> None:
    """List the projects, or create one."""
    env = Environment.of(context)
    folder = _folder(env, data)
    if add is not None:
        project, key = manage.add_project(folder, add)
        env.console.result({"project": project, "key": key}, f"project {project}, key {key}")
        return
    found = manage.projects(folder)
    rows = tuple((p.id, p.name, p.samples, p.keys, p.deployments) for p in found)
    table = Table("", ("id", "name", "samples", "keys", "deployments"), rows)
    env.console.result([asdict(project) for project in found], table.rich())


@group.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Zip file to write.")],
    data: Data = None,
    project: ProjectId = 0,
) -> None:
    """Write a project's samples into a zip that the official tools read."""
    from ei_toolkit.studio.transfer import export_project  # FastAPI, which the extra `local` installs

    env = Environment.of(context)
    file = (env.cwd / out).resolve()
    count = export_project(_folder(env, data), project, file)
    env.console.result({"samples": count, "file": str(file)}, f"{counted(count, 'sample')} in {file}")


@group.command("import")
def import_(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Zip file with info.labels.")],
    data: Data = None,
    project: ProjectId = 0,
) -> None:
    """Read a zip with info.labels into a project.

    Samples that exist already are skipped. Exit code 1 if a file was rejected; the others are imported.
    """
    from ei_toolkit.studio.transfer import import_project  # FastAPI, which the extra `local` installs

    env = Environment.of(context)
    with env.console.progress("importing") as progress:
        report = import_project(_folder(env, data), project, (env.cwd / source).resolve(), progress.advance)
    for reason in report.rejected:
        env.console.warn(f"rejected {reason}")
    if report.unlisted:
        files = "1 file of the zip is" if report.unlisted == 1 else f"{report.unlisted} files of the zip are"
        env.console.warn(f"{files} not in info.labels and not imported")
    view = f"{report.accepted} accepted, {report.known} exist already, {len(report.rejected)} rejected"
    env.console.result(asdict(report), view)
    if report.rejected:
        total = report.accepted + report.known + len(report.rejected)
        raise DataError(f"{len(report.rejected)} of {total} files of the zip were rejected", why=report.rejected[0])


@keys.command("list")
def list_keys(context: typer.Context, data: Data = None, project: ProjectId = 0) -> None:
    """List keys; the keys themselves are not stored."""
    env = Environment.of(context)
    found = find(_folder(env, data), project)
    rows = tuple((key["id"], key["name"], key["role"], key["key"], local_time(key["created"])) for key in found)
    table = Table("", ("id", "name", "role", "key", "created"), rows)
    env.console.result(found, table.rich())


@keys.command("add")
def add_key(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What the key allows.")] = "admin",
    name: Annotated[str, typer.Option(help="Name of the key.")] = "key",
    data: Data = None,
    project: ProjectId = 0,
) -> None:
    """Create a key, which is shown only once."""
    env = Environment.of(context)
    key = add(_folder(env, data), project, name, role)
    env.console.result({"key": key, "role": role}, key)


@keys.command("revoke")
def revoke_key(
    context: typer.Context,
    key: Annotated[int, typer.Argument(help="Id of the key.")],
    data: Data = None,
    project: ProjectId = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Revoke a key. Asks for confirmation if eitk itself uses it."""
    env = Environment.of(context)
    folder = _folder(env, data)
    if not yes and key == manage.own_key(folder):
        _confirm_own_key(env, key)
    manage.revoke_key(folder, project, key)
    env.console.result({"revoked": key}, f"key {key} is revoked")


def _confirm_own_key(env: Environment, key: int) -> None:
    what = f"key {key} is the one that eitk itself uses"
    after = "other programs that use it lose access, and the next eitk command makes a new key for the project"
    if not env.console.interactive:
        raise UsageError(what, why=after, hint="Confirm it with --yes.")
    typer.confirm(f"{what}: {after}. Revoke it?", abort=True, err=True)


def _folder(env: Environment, data: Path | None) -> Path:
    return (env.cwd / data).resolve() if data else env.config().paths.studio
