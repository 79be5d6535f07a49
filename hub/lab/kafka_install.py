"""Apache Kafka from Maven's jars: what `customs-hub kafka up` runs where there is no Docker and no package of Kafka."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from hub.core.errors import HubError

_RESOLVE_SECONDS_MAX = 600
_FORMAT_SECONDS_MAX = 120


class KafkaLabError(HubError):
    """The Kafka of this machine cannot be started; the message says what to do."""


def pom() -> Path:
    """The file that names the jars: inside the installed package, or in the source tree."""
    installed = Path(__file__).with_name("kafka_pom.xml")
    return installed if installed.exists() else Path(__file__).parents[2] / "deploy" / "kafka" / "pom.xml"


def program(name: str, debian_package: str) -> str:
    """The full path of a program. Raises `KafkaLabError` with the package to install."""
    found = shutil.which(name)
    if found is None:
        raise KafkaLabError(f"{name} is not installed; on Debian or Ubuntu: apt-get install {debian_package}")
    return found


def java() -> str:
    return program("java", "openjdk-17-jre-headless")


def jars() -> Path:
    """The directory with Kafka's jars, fetched once per version of the pom into the user's cache.

    Raises `KafkaLabError` if Maven is missing or cannot fetch them.
    """
    description = pom()
    version = hashlib.sha256(description.read_bytes()).hexdigest()[:12]
    directory = Path.home() / ".cache" / "customs-hub" / f"kafka-{version}"
    if directory.is_dir():
        return directory
    maven = program("mvn", "maven")
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Complete or absent: jars arrive under another name, so that an interrupted download is never taken for all of it.
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        arriving = Path(scratch, "jars")
        command = [maven, "-q", "-B", "-f", str(description), "dependency:copy-dependencies"]
        _run([*command, f"-DoutputDirectory={arriving}"], _RESOLVE_SECONDS_MAX, "fetch Kafka's jars")
        try:
            arriving.rename(directory)
        except OSError:
            if not directory.is_dir():  # Another command brought them meanwhile.
                raise
    return directory


def format_storage(classpath: str, properties: Path, cluster_id: str) -> None:
    """Prepare an empty log directory for KRaft. Raises `KafkaLabError` with what Kafka's own tool says."""
    tool = [java(), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath]
    arguments = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", str(properties)]
    _run([*tool, *arguments], _FORMAT_SECONDS_MAX, "format Kafka's storage")


def _run(command: list[str], seconds_max: int, purpose: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds_max, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise KafkaLabError(f"could not {purpose} within {seconds_max} s: {' '.join(command)}") from error
    if done.returncode:
        words = (done.stdout + done.stderr).strip()[-2_000:]
        raise KafkaLabError(f"could not {purpose}: {words}")
