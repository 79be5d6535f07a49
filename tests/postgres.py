"""A real PostgreSQL of Debian's package on this machine, in a directory of its own, reached by a Unix socket there.

It refuses to run as root: then it runs as the user `postgres`, who comes with the package.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import asyncpg

from hub.core.settings import PostgresSettings

START_SECONDS_MAX = 100.0
POLL_SECONDS = 0.02
SHARED = "TEST_POSTGRES"
"""The environment's name for the URL of the database that contract tests share: their processes find it there."""
_EMPTY = """
DO $$ DECLARE name text; BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR name IN SELECT format('DROP TABLE %I, %I', 'first_' || id, 'repeat_' || id) FROM slice LOOP
        EXECUTE name;
    END LOOP;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    INSERT INTO head VALUES (0);
    INSERT INTO view_number VALUES (0);
END $$
"""
"""What a new database holds after its migrations; a hundred times faster than making one."""


class PostgresCluster:
    """One server and its databases; fsync and all else as the package has it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._data = directory / "data"
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def make(self) -> None:
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        command = [_program("initdb"), "-D", str(self._data), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **_user())

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises `RuntimeError` with what it wrote."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self.directory), "max_connections": "50"}
        command = [_program("postgres"), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, **_user())
        asked = [_program("pg_isready"), "-q", "-h", str(self.directory)]
        until = time.monotonic() + START_SECONDS_MAX
        while subprocess.run(asked, check=False).returncode:
            if self._server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.directory / "log").read_text())
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """End every process of the server at once, as the loss of its machine would."""
        ended = self._signal_all(signal.SIGKILL)
        assert self._server is not None
        self._server.wait()
        while any(_runs(pid) for pid in ended):  # Or what they share would keep the next server from starting.
            time.sleep(POLL_SECONDS)

    def freeze(self) -> None:
        """Let it answer nobody until it is thawed."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """End it without waiting for its clients or tidying up: nothing of it is needed any more."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(START_SECONDS_MAX)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What a statement answers, a line a row."""
        command = [_program("psql"), "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def database(self, name: str) -> PostgresSettings:
        """A new database without tables."""
        self.sql(f"CREATE DATABASE {name}")
        return PostgresSettings(url=self.url(name))

    def dump(self, directory: Path) -> None:
        """Each of its databases as SQL. A server that a test ended or froze tells nothing any more."""
        if subprocess.run([_program("pg_isready"), "-q", "-h", str(self.directory)], check=False).returncode == 0:
            for name in self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate").splitlines():
                command = [_program("pg_dump"), "--inserts", "-d", self.url(name), "-f", str(directory / f"{name}.sql")]
                subprocess.run(command, check=True)

    def _signal_all(self, number: signal.Signals) -> list[int]:
        """Its children lead sessions of their own; stopped, it starts no more of them. Returns whom it reached."""
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGSTOP)
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        found = [*map(int, children), self._server.pid]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return found[:-1]


def _runs(pid: int) -> bool:
    """Whether there is more of a process than what is left of one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def settings_in(directory: Path) -> PostgresSettings:
    """The shared database, which was emptied when the directory asked for the first time."""
    url = os.environ[SHARED]
    mark = directory / "postgres"
    if not mark.exists():
        connection = await asyncpg.connect(url)
        await connection.execute(_EMPTY)
        await connection.close()
        mark.touch()
    return PostgresSettings(url=url)


@contextmanager
def running_postgres(left: Path) -> Iterator[PostgresCluster]:
    """A cluster of its own. When the block ends, its files and a dump of each database are in the directory `left`."""
    directory = Path(mkdtemp(prefix="postgres-"))
    if account := _account():
        os.chown(directory, account.pw_uid, account.pw_gid)
    cluster = PostgresCluster(directory)
    try:
        cluster.make()
        cluster.start()
        yield cluster
        cluster.dump(left)
    finally:
        cluster.stop()
        shutil.move(directory, left)


def _program(name: str) -> str:
    """Debian keeps what belongs to one version of the server out of the path. Raises `RuntimeError`."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise RuntimeError(f"there is no PostgreSQL here ({name}): install it (Debian: apt-get install postgresql)")
    return found


def _account() -> pwd.struct_passwd | None:
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _user() -> dict[str, Any]:
    """Whom a program of the server runs as, and where: what he cannot enter is no place for him."""
    account = _account()
    whom = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    return {**whom, "cwd": "/"}
