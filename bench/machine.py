"""What a run was measured on and with: processor, caches, load, compiler, peers, commit."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

PEERS = ("libopenblas0-openmp", "libopenblas0-pthread", "libtorch-dev", "python3-torch", "libxsmm-dev", "libdnnl-dev",
         "libeigen3-dev", "libsystemc-dev", "libbenchmark-dev")  # fmt: skip


def said(*command):
    """What a command prints; empty if there is no such command or it fails."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = dict(re.findall(r"^([^\t:]+?)\s*: (.*)$", text.split("\n\n")[0], re.M))
    flags = found.get("flags", "").split()
    isa = "avx512" if "avx512bw" in flags else "avx2" if "avx2" in flags else "portable"
    return {
        # A virtual machine may leave out the name, so that only the numbers tell models apart.
        "cpu": f"{found.get('model name', platform.machine())}, family {found.get('cpu family', '?')} model {found.get('model', '?')}",
        "isa": isa + (" vnni" if "avx512_vnni" in flags and isa == "avx512" else ""),
        "cores": os.cpu_count(),
    }


def caches():
    sizes = {}
    for cache in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind = ((cache / part).read_text().strip() for part in ("level", "type"))
        if kind != "Instruction":
            sizes[f"L{level}"] = (cache / "size").read_text().strip()
    return sizes


def describe(root):
    versions = dict(line.split(" ", 1) for line in said("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PEERS).splitlines())
    changed = " and changes" if said("git", "-C", root, "status", "--porcelain", "--untracked-files=no") else ""
    return processor() | {
        "caches": caches(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "compiler": said(os.environ.get("CXX", "g++").split()[-1], "--version").partition("\n")[0],
        "peers": versions,
        "commit": said("git", "-C", root, "rev-parse", "--short", "HEAD") + changed,
        "date": datetime.datetime.now().isoformat(timespec="seconds"),
        "load_before": os.getloadavg(),
    }
