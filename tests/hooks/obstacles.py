"""What backends do while they are imported that keeps them from being hosted."""

from __future__ import annotations

# What is done while the backend is imported, and why it cannot be hosted.
UNSAFE = {
    "starts a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "it starts threads while it is imported",
    ),
    "sets a watchdog": (
        "import faulthandler\nfaulthandler.dump_traceback_later(60)",
        "it starts threads while it is imported",
    ),
    "prints": ("print('hello')", "it prints something while it is imported"),
    "prints an error": ("import sys\nprint('hello', file=sys.stderr)", "it prints something while it is imported"),
    "prints by descriptor": ("import os\nos.write(1, b'hello')", "it prints something while it is imported"),
    "prints a lot": (
        "print('0123456789' * 100_000)\nprint('end', flush=True)",
        "it prints something while it is imported",
    ),
    "warns": ("import warnings\nwarnings.warn('at import')", "it prints something while it is imported"),
    "has warnings logged": ("import logging\nlogging.captureWarnings(True)", "it shows warnings itself"),
    "opens a file": ("f = open(__file__)", "it opens or closes files while it is imported"),
    "closes descriptors": ("import os\nos.closerange(3, 1000)", "its host ended"),
    "closes stdin": ("import os\nos.close(0)", "it opens or closes files while it is imported"),
    "turns stdout to stderr": ("import os\nos.dup2(2, 1)", "it replaces its standard streams while it is imported"),
    "changes the folder": ("import os\nos.chdir('/')", "it changes the current folder while it is imported"),
    "asks for the folder": ("import os\nhere = os.getcwd()", "it asks for the current folder while it is imported"),
    "makes a path absolute": (
        "import os\nhere = os.path.abspath('x')",
        "it asks for the current folder while it is imported",
    ),
    "asks pathlib for the folder": (
        "import pathlib\nhere = pathlib.Path.cwd()",
        "it asks for the current folder while it is imported",
    ),
    "asks for its id": ("import os\npid = os.getpid()", "it asks for its process id while it is imported"),
    "asks for the command line": (
        "import sys\nname = sys.argv[0]",
        "it asks for the command line while it is imported",
    ),
    "looks for something on the command line": (
        "import sys\nfound = 'build_wheel' in sys.argv",
        "it asks for the command line while it is imported",
    ),
    "looks at the source tree": (
        "import os\nfound = os.path.exists('PKG-INFO')",
        "it reads the source tree while it is imported",
    ),
    "asks whether it may write there": (
        "import os\nfound = os.access('.', os.W_OK)",
        "it reads the source tree while it is imported",
    ),
    "looks at its process": (
        "import os\npid = os.readlink('/proc/self')",
        "it asks about its process while it is imported",
    ),
    "makes a name of its own": (
        "import os\nname = os.urandom(4).hex()",
        "it asks for random bytes while it is imported",
    ),
    "asks for its session": ("import os\nsession = os.getsid(0)", "it asks for its session while it is imported"),
    "changes the command line": ("import sys\nsys.argv = ['a']", "it changes the command line while it is imported"),
    "wants to know of forks": (
        "import os\nos.register_at_fork(after_in_child=lambda: print('forked'))",
        "it wants to know of forks while it is imported",
    ),
    "makes a folder": (
        "import atexit, shutil, tempfile\nfolder = tempfile.mkdtemp()\natexit.register(shutil.rmtree, folder)",
        "it asks for the current folder while it is imported",
    ),
    "makes a folder and hides it": (
        "import os\ntry:\n    os.mkdir('made')\nexcept BaseException:\n    pass",
        "it changes something outside of its process (os.mkdir) while it is imported",
    ),
    "writes a file": (
        "with open('/tmp/../tmp/host-test-never', 'w'): pass\nimport os; os.remove('/tmp/host-test-never')",
        "it writes to /tmp/../tmp/host-test-never while it is imported",
    ),
    "writes what is only called like bytecode": (
        "open('/tmp/__pycache__.host-test-never', 'w')",
        "it writes to /tmp/__pycache__.host-test-never while it is imported",
    ),
    "makes a database": (
        "import sqlite3\nsqlite3.connect('/tmp/host-test-never.db')",
        "it changes something outside of its process (sqlite3.connect) while it is imported",
    ),
    "reads the source tree": (
        "import os\nfound = [name for name in os.listdir('.')]",
        "it reads the source tree while it is imported",
    ),
    "reads the source tree by its path": (
        "import os\nfound = [one.name for one in os.scandir(os.environ['TMPDIR'] + '/../source')]",
        "it reads the source tree while it is imported",
    ),
    "reads a file of the source tree by its path": (
        "import os\ntry:\n    open(os.environ['TMPDIR'] + '/../source/pyproject.toml')\nexcept OSError:\n    pass",
        "it reads the source tree while it is imported",
    ),
    "copies the command line": (
        "import sys\nargv = list(sys.argv)",
        "it asks for the command line while it is imported",
    ),
    "counts the command line": ("import sys\nn = len(sys.argv)", "it asks for the command line while it is imported"),
    "runs a program": (
        "import subprocess\nsubprocess.run(['/bin/true'])",
        "it changes something outside of its process (subprocess.Popen) while it is imported",
    ),
    "forks": (
        "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
        "it changes something outside of its process (os.fork) while it is imported",
    ),
    "sets a timer": (
        "import signal\nsignal.setitimer(signal.ITIMER_VIRTUAL, 60)",
        "it sets a timer while it is imported",
    ),
    "shares memory": ("import mmap\nm = mmap.mmap(-1, 4096)", "it shares memory while it is imported"),
    "traces": ("import sys\nsys.settrace(lambda *_: None)", "it traces what is run while it is imported"),
    "listens to audit events": (
        "import sys\nsys.addaudithook(lambda *_: None)",
        "it listens to audit events while it is imported",
    ),
    "fails": ("raise RuntimeError('no')", "it cannot be imported (RuntimeError)"),
    "imports what is missing": ("import no_such_module", "it cannot be imported (ModuleNotFoundError)"),
    "exits": ("import sys\nsys.exit(3)", "it cannot be imported (SystemExit)"),
    "exits at once": ("import os\nos._exit(3)", "its host ended"),
    "kills itself": ("import os, signal\nsignal.raise_signal(signal.SIGKILL)", "its host ended"),
    "is interrupted": ("raise KeyboardInterrupt", "it cannot be imported (KeyboardInterrupt)"),
}
