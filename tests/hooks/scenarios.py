"""Backends that look at, or change, what a hook could share with another hook or with the host."""

from __future__ import annotations

from hosts import backend

# What a process can find out about itself, one thing a line.
PROBE = """\
import ctypes, gc, json, locale, os, resource, signal, sys, threading, warnings
main = sys.modules["__main__"]
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
seen = {
    "main": sorted((k, repr(v)) for k, v in vars(main).items() if k.startswith("__")),
    "main order": [k for k in vars(main) if k.startswith("__")],
    "main spec": repr(main.__spec__), "main file": main.__file__, "main type": repr(type(main)),
    "argv": repr(sys.argv), "argv type": str(type(sys.argv)), "orig_argv": repr(getattr(sys, "orig_argv", None)),
    "path": sys.path, "flags": str(sys.flags), "warnoptions": sys.warnoptions, "xoptions": repr(sys._xoptions),
    "meta_path": [repr(one).partition(" at ")[0] for one in sys.meta_path],
    "path_hooks": [repr(one).partition(" at ")[0] for one in sys.path_hooks],
    "filters": repr(warnings.filters), "showwarning": warnings.showwarning.__module__,
    "modules": sorted(MODULES), "executable": [sys.executable, sys.prefix, sys.base_prefix],
    "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__],
    "last": [hasattr(sys, name) for name in ("last_type", "last_value", "last_traceback", "last_exc")],
    "bytecode": [sys.dont_write_bytecode, sys.pycache_prefix],
    "trace": [sys.gettrace(), sys.getprofile()], "recursion": sys.getrecursionlimit(), "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.callbacks)],
    "switch": sys.getswitchinterval(),
    "threads": [threading.active_count(), threading.current_thread() is threading.main_thread(), threading.main_thread().name,
                threading.main_thread().ident == threading.get_ident(), len(os.listdir("/proc/self/task"))],
    "native": threading.main_thread().native_id == os.getpid(),
    "signals": {s: repr(signal.getsignal(s)) for s in sorted(signal.valid_signals())},
    "kernel": {k: v for k, v in status.items() if k in ("SigBlk", "SigIgn", "SigCgt", "ShdPnd", "SigPnd", "Umask", "Threads", "NoNewPrivs", "Seccomp", "Name", "Cpus_allowed", "TracerPid")},
    "wakeup": signal.set_wakeup_fd(-1),
    "mask": repr(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "timers": [signal.getitimer(t) for t in (0, 1, 2)],
    "descriptors": sorted((name, os.readlink("/proc/self/fd/" + name).partition(":")[0]) for name in os.listdir("/proc/self/fd") if os.path.lexists("/proc/self/fd/" + name)),
    "modes": {fd: [os.get_blocking(fd), os.get_inheritable(fd), os.isatty(fd)] for fd in (0, 1, 2)},
    "streams": [[s.encoding, s.errors, s.line_buffering, getattr(s, "write_through", None), s.isatty(), s.fileno(), s.name, s.mode] for s in (sys.stdin, sys.stdout, sys.stderr)],
    "original streams": [sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__],
    "stdin": sys.stdin.read(),
    "session": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
    "cwd": os.getcwd(), "nice": os.nice(0), "priority": os.getpriority(os.PRIO_PROCESS, 0), "affinity": sorted(os.sched_getaffinity(0)),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
    "ids": [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups()],
    "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
    "environ": sorted(os.environ.items()),
    "C environ": ctypes.CDLL(None).getenv(b"PYTHONPATH") is not None,
    "children": open("/proc/thread-self/children").read(),
    "shared": [line for line in open("/proc/self/maps") if " rw-s " in line],
    "user modules": sorted(name for name, m in sys.modules.items() if "host" in str(getattr(m, "__file__", "")).rpartition("/")[2]),
}
"""
LOOK = "import sys\nMODULES = list(sys.modules)\n" + PROBE + 'print(json.dumps(seen, indent=1))\nreturn "x"'

# Each is compared with captured output.
EQUAL = {
    "all that a process knows of itself": backend(in_hook=LOOK),
    "all that it knows after an import that changes all it can": backend(
        """
        import builtins, faulthandler, gc, locale, logging, os, random, resource, signal, sys, threading, warnings
        os.umask(0o027)
        os.environ["MADE_AT_IMPORT"] = "1"
        os.environ.pop("HOME", None)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 100))
        os.nice(1)
        locale.setlocale(locale.LC_ALL, "C")
        gc.disable()
        gc.set_threshold(77)
        sys.setrecursionlimit(1234)
        sys.setswitchinterval(0.1)
        signal.signal(signal.SIGTERM, lambda *_: print("TERM"))
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGCHLD])
        sys.path.insert(0, "/made/at/import")
        sys.path.append("/also")
        sys.modules["alias"] = sys
        class Finder:
            def find_spec(self, *_): pass
        sys.meta_path.append(Finder())
        def hook(path): raise ImportError
        sys.path_hooks.append(hook)
        warnings.simplefilter("ignore", UserWarning)
        sys.dont_write_bytecode = True
        logging.basicConfig()
        builtins.made_at_import = 1
        sys.displayhook = print
        """,
        LOOK,
    ),
    "each hook changes what the next one must not see": backend(
        "import gc, locale, os, resource, signal, sys, warnings; state = []",
        """
        state.append(1)
        seen = [state, os.getcwd(), os.umask(0), os.environ.get("X"), locale.setlocale(locale.LC_ALL), gc.isenabled(),
                resource.getrlimit(resource.RLIMIT_NOFILE), signal.getsignal(signal.SIGUSR1), sys.path,
                "made" in sys.modules, sys.getrecursionlimit(), len(warnings.filters), os.nice(0)]
        os.mkdir("sub") if not os.path.exists("sub") else None
        os.chdir("sub")
        os.environ["X"] = "1"
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        gc.disable()
        resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        sys.path.append("/made")
        sys.modules["made"] = sys
        sys.setrecursionlimit(3000)
        warnings.simplefilter("error")
        os.nice(2)
        return repr(seen)
        """,
    ),
    "a process is started with each method": backend(
        "import multiprocessing, os, sys\nclass Worker:\n    def __call__(self, x): return x * 2\n"
        "def double(x):\n    return 2 * x\ndef say(x):\n    print('child', x, os.getppid() > 1, __name__, flush=True)",
        """
        found = []
        for method in ("fork", "spawn", "forkserver"):
            context = multiprocessing.get_context(method)
            process = context.Process(target=say, args=(method,))
            process.start()
            process.join()
            pool = context.Pool(1)
            found += pool.map(double, [1, 2]) + pool.map(Worker(), [3])
            pool.close()  # rather than terminated, which now and then shows a worker's traceback
            pool.join()
            found.append(process.exitcode)
        return repr([found, multiprocessing.get_start_method(allow_none=True), multiprocessing.process.ORIGINAL_DIR])
        """,
    ),
    "a spawned process sees the hook's main module": backend(
        "import multiprocessing, multiprocessing.spawn, os, sys\ndef look(queue):\n"
        "    main = sys.modules['__main__']\n    queue.put([main.__name__, main.__file__, sys.argv, sys.path, os.getcwd()])",
        """
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        process = context.Process(target=look, args=(queue,))
        process.start()
        found = queue.get()
        process.join()
        return repr([found, multiprocessing.spawn.get_preparation_data("x")["sys_argv"]])
        """,
    ),
    "a pool of processes is used with concurrent.futures": backend(
        "import concurrent.futures\ndef double(x):\n    return 2 * x",
        "with concurrent.futures.ProcessPoolExecutor(2) as pool:\n    return repr(list(pool.map(double, range(4))))",
    ),
    "threads are started, daemons and others": backend(
        "import threading, time",
        """
        def work(seconds, text):
            time.sleep(seconds)
            print(text, threading.current_thread().name, flush=True)
        threading.Thread(target=work, args=(0.2, "waited for")).start()
        threading.Thread(target=work, args=(60, "never"), daemon=True).start()
        print("main", threading.active_count(), flush=True)
        return "x"
        """,
    ),
    "an exception in a thread": backend(
        "import threading",
        "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); return 'x'",
    ),
    "asyncio is run with a process": backend(
        "import asyncio, sys",
        """
        async def main():
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=-1)
            out, _ = await process.communicate()
            await asyncio.to_thread(print, out) if hasattr(asyncio, "to_thread") else print(out)
            return process.returncode
        return repr(asyncio.run(main()))
        """,
    ),
    "a process inherits all descriptors": backend(
        "import subprocess, sys",
        """
        code = "import os; print(sorted(n for n in os.listdir('/proc/self/fd') if os.path.lexists('/proc/self/fd/' + n)))"
        return subprocess.run([sys.executable, "-c", code], close_fds=False, stdout=subprocess.PIPE).stdout.decode()
        """,
    ),
    "the next free descriptor": backend("import os", "return repr([os.open('/', os.O_RDONLY), os.dup(0), os.pipe()])"),
    "signals that are handled": backend(
        "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('at import', flush=True))",
        """
        signal.signal(signal.SIGUSR2, lambda *_: print("in hook", flush=True))
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        return "x"
        """,
    ),
    "SIGTERM and SIGCHLD are the hook's own": backend(
        "import os, signal, subprocess",
        """
        seen = []
        signal.signal(signal.SIGTERM, lambda *_: seen.append("TERM"))
        signal.signal(signal.SIGCHLD, lambda *_: seen.append("CHLD"))
        subprocess.run(["/bin/true"])
        os.kill(os.getpid(), signal.SIGTERM)
        return repr(seen)
        """,
    ),
    "exit handlers, in their order": backend(
        "import atexit, os\natexit.register(print, 'at import', flush=True)",
        """
        atexit.register(print, "in hook", flush=True)
        def fail():
            raise ValueError("at exit")
        atexit.register(fail)
        atexit.register(print, "last registered", flush=True)
        return "x"
        """,
    ),
    "an exit handler sees the main module without its file": backend(
        "import atexit, sys",
        """
        main = sys.modules["__main__"]
        atexit.register(lambda: print(sorted(k for k in vars(main) if k.startswith("__")), sys.modules["__main__"] is main))
        return "x"
        """,
    ),
    "an exit handler after a failure": backend(
        "import atexit, sys, traceback",
        """
        def show():
            print(sys.excepthook is sys.__excepthook__, sys.last_type, "__file__" in vars(sys.modules["__main__"]))
            traceback.print_tb(sys.last_traceback)
            traceback.print_last()
        atexit.register(show)
        raise LookupError("lost")
        """,
    ),
    "objects that are destroyed at exit use what they need": backend(
        """
        import os, weakref
        class Held:
            def __init__(self, name): self.name = name
            def __del__(self): print("destroyed", self.name, os.sep, flush=True)
        one = Held("at import")
        loop = Held("in a loop"); loop.me = loop
        weakref.finalize(one, print, "finalized", flush=True)
        """,
        "global two; two = Held('in hook'); return 'x'",
    ),
    "objects of the import are destroyed at exit": backend(
        """
        import os
        class Held:
            def __del__(self): print("destroyed", os.sep, flush=True)
        one = Held()
        one.me = one
        """
    ),
    "weak references tell of the end of what a hook made": backend(
        "import weakref\nclass Held: pass\nheld, told = [], []",
        """
        held.append(Held())
        told.append(weakref.ref(held[0], lambda _: print("gone", flush=True)))
        weakref.finalize(held[0], print, "finalized", flush=True).atexit = False
        return "x"
        """,
    ),
    "weak references tell of the end of what the import made": backend(
        "import weakref\nclass Held: pass\nheld = Held()\ntold = weakref.ref(held, lambda _: print('gone', flush=True))"
    ),
    "what is made at exit is destroyed": backend(
        """
        import atexit
        class Held:
            def __del__(self): print("destroyed", flush=True)
        kept = []
        """,
        "atexit.register(lambda: kept.append(Held())); return 'x'",
    ),
    "what is destroyed at exit fails and prints": backend(
        """
        class Held:
            def __init__(self, what): self.what = what
            def __del__(self):
                print("destroyed", self.what)
                raise ValueError(self.what)
        kept = []
        """,
        "loop = Held('a loop'); loop.me = loop; del loop; kept.append(Held('kept')); return 'x'",
    ),
    "a generator is not run to its end": backend(
        "kept = []\ndef steps():\n    try:\n        yield 1\n    finally:\n        print('finally', flush=True)",
        "kept.append(steps()); next(kept[0]); return 'x'",
    ),
    "a generator of the import is not run to its end": backend(
        "def steps():\n    try:\n        yield 1\n    finally:\n        print('finally', flush=True)\nit = steps()\nnext(it)"
    ),
    "threads are started at exit": backend(
        "import atexit, threading",
        """
        def work(): print("worked", flush=True)
        def begin():
            try:
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
            except RuntimeError as error:
                print(error, flush=True)
        atexit.register(begin)
        return "x"
        """,
    ),
    "a thread makes what is destroyed at exit": backend(
        """
        import threading, time
        class Held:
            def __del__(self): print("destroyed", flush=True)
        kept = []
        """,
        "threading.Thread(target=lambda: (time.sleep(0.1), kept.append(Held()))).start(); return 'x'",
    ),
    "an audit hook hears of the end": backend(
        "import sys",
        "sys.addaudithook(lambda event, _: event.startswith('cpython') and print(event, flush=True)); return 'x'",
    ),
    "the collector has callbacks": backend(
        "import gc", "gc.callbacks.append(lambda phase, info: print(phase, flush=True)); return 'x'"
    ),
    "the collector is asked to tell of what it cannot free": backend(
        "import gc", "gc.set_debug(gc.DEBUG_SAVEALL); return 'x'"
    ),
    "the collector is set at import to what turns it off": backend(
        "import gc\ngc.set_threshold(0)", "print(gc.get_threshold(), gc.isenabled(), flush=True); return 'x'"
    ),
    "the collector is set at import for one generation": backend(
        "import gc\ngc.set_threshold(gc.get_threshold()[0], 77)", "print(gc.get_threshold(), flush=True); return 'x'"
    ),
    "classes of its own cannot be hashed": backend(
        """
        Unhashable = type("Unhashable", (type,), {"__eq__": lambda *_: True, "__hash__": None})
        one = Unhashable("A", (), {})()
        """
    ),
    "classes of its own hear what they are asked": backend(
        """
        class Told(type):
            def __getattr__(self, name):
                print("asked for", name, flush=True)
                raise ZeroDivisionError
        one = Told("A", (), {})()
        """
    ),
    "a program is traced": backend("import sys", "sys.setprofile(lambda *_: None); return 'x'"),
    "C code has a function called at exit": backend(
        "import ctypes",
        """
        global called
        called = ctypes.CFUNCTYPE(None)(lambda: print("called", flush=True))
        ctypes.pythonapi.Py_AtExit(called)
        return "x"
        """,
    ),
    "C code has printed, and not flushed": backend("import ctypes", "ctypes.CDLL(None).printf(b'of C\\n'); return 'x'"),
    "text that cannot be printed at exit": backend(
        "import sys", "sys.stdout.reconfigure(write_through=False); print('\\udc80'); return 'x'"
    ),
    "a stream of its own, made at import": backend(
        "import io\nclass Told(io.BytesIO):\n    def close(self):\n        print(self.getvalue(), flush=True)\nout = io.TextIOWrapper(Told())",
        "out.write('pending'); return 'x'",
    ),
    "a stream over the same output, made at import": backend(
        "import io, sys\nout = io.TextIOWrapper(sys.stdout.buffer)", "out.write('pending'); return 'x'"
    ),
    "a stream that is replaced has something pending": backend(
        "import sys", "global h; h = sys.stdout; h.write('pending'); sys.stdout = sys.__stdout__ = None; return 'x'"
    ),
    "an object in place of a module": backend(
        "import sys",
        """
        class Odd:
            def __getattr__(self, name): raise ImportError(name)
        sys.modules["odd"] = Odd()
        return "x"
        """,
    ),
    "a lazy module stays unread": backend(
        "import importlib.util, sys",
        """
        spec = importlib.util.find_spec("this")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        sys.modules["this"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return "x"
        """,
    ),
    "imports are in the way": backend("import builtins, sys", "sys.meta_path = None; del sys.stdout; return 'x'"),
    "the way out is another": backend("import os", "os._exit = lambda code: print('mine'); return 'x'"),
    "a database is left open": backend(
        "import sqlite3",
        """
        global base
        base = sqlite3.connect("base")
        base.execute("create table t (a)")
        base.execute("insert into t values (1)")
        return "x"
        """,
    ),
    "a temporary folder and a file are left": backend(
        "import tempfile",
        "global a, b; a = tempfile.TemporaryDirectory(dir='.'); b = tempfile.NamedTemporaryFile(dir='.'); return 'x'",
    ),
    "the main module is imported by name": backend(
        "import __main__ as main, sys",
        "return repr([main is sys.modules['__main__'], main.__file__, sorted(vars(main))])",
    ),
    "a file is not closed": backend(
        "",
        "global f; f = open('unflushed', 'w'); f.write('text'); import os; os.write(1, b'early'); print('late'); return 'x'",
    ),
    "the stream of output is another": backend(
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'ascii', 'backslashreplace', line_buffering=False)",
        "print('\\u00e4'); print(sys.stdout.encoding, sys.stdout.seekable(), sys.stdout.isatty()); return 'x'",
    ),
    "the stream of output is opened anew": backend(
        "import sys\nsys.stdout = open(1, 'w', closefd=False)",
        "print('text', sys.stdout.seekable(), sys.stdout.isatty(), sys.stdout.line_buffering); return 'x'",
    ),
    "the stream of output is none": backend("import sys\nsys.stdout = None", "print('lost'); return 'x'"),
    "the streams are swapped": backend(
        "import sys\nsys.stdout, sys.stderr = sys.stderr, sys.stdout", "print('a'); return 'x'"
    ),
    "descriptor 1 is closed": backend("import os", "print('lost'); os.close(1); return 'x'"),
    "descriptor 1 is closed and taken": backend(
        "import os", "os.close(1); os.open('log', os.O_CREAT | os.O_WRONLY); print('kept'); return 'x'"
    ),
    "all descriptors are closed": backend("import os", "os.closerange(0, 1000); return 'x'"),
    "all but the streams are closed": backend("import os", "os.closerange(3, 1000); print('a'); return 'x'"),
    "faulthandler is enabled": backend(
        "import faulthandler\nfaulthandler.enable()", "import ctypes; print(faulthandler.is_enabled()); return 'x'"
    ),
    "logging set up at import": backend(
        "import logging\nlogging.basicConfig(format='%(name)s %(processName)s %(threadName)s %(message)s')",
        "logging.getLogger('a').warning('text'); return 'x'",
    ),
    "logging set up in the hook": backend(
        "import logging",
        "logging.basicConfig(); logging.getLogger('a').warning('text'); logging.warning('b'); return 'x'",
    ),
    "a child in the group outlives the hook": backend(
        "import subprocess", "subprocess.Popen(['/bin/sleep', '60']); print('a'); return 'x'"
    ),
    "a child that ignores SIGTERM outlives the hook": backend(
        "import subprocess", "subprocess.Popen(['/bin/sh', '-c', 'trap \"\" TERM; sleep 60']); return 'x'"
    ),
    "a forked child outlives the hook": backend("import os, time", "if not os.fork():\n    time.sleep(60)\nreturn 'x'"),
    "import hooks": backend(
        """
        import importlib.abc, importlib.util, sys
        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None):
                return importlib.util.spec_from_loader(name, self) if name == "invented" else None
            def create_module(self, spec): return None
            def exec_module(self, module): module.value = 7
        sys.meta_path.insert(0, Finder())
        """,
        "import invented; return repr([invented.value, type(sys.meta_path[0]).__name__, len(sys.meta_path)])",
    ),
    "sys.modules is changed": backend(
        "import sys, types\nsys.modules['made'] = types.ModuleType('made')\nsys.modules['json.tool'] = None",
        """
        import made
        try:
            import json.tool
        except ImportError as error:
            return str(error) + made.__name__
        """,
    ),
    "modules are found that the hook before made": backend(
        "import os, sys\nsys.path.append('mods')\ntry:\n    import missing\nexcept ImportError:\n    pass",
        """
        try:
            import made
            return repr(made.value)
        except ImportError as error:
            os.mkdir("mods")
            open("mods/made.py", "w").write("value = 1")
            return str(error)
        """,
    ),
    "a warning": backend("import warnings", "warnings.warn('new'); warnings.warn('new'); return 'x'"),
    "a warning of another kind": backend(
        "import warnings", "warnings.warn('new', DeprecationWarning); warnings.warn('b', FutureWarning); return 'x'"
    ),
    "filters set at import": backend(
        "import warnings\nwarnings.simplefilter('always')",
        "for _ in range(3): warnings.warn('more')\nwarnings.warn('old', DeprecationWarning); return 'x'",
    ),
    "filters that raise": backend(
        "import warnings\nwarnings.simplefilter('error')", "warnings.warn('raised'); return 'x'"
    ),
    "filters set at import are gone at exit": backend(
        "import atexit, warnings\nwarnings.simplefilter('always')\natexit.register(lambda: print(warnings.filters))",
        "atexit.register(lambda: (print(warnings.filters), warnings.warn('late', DeprecationWarning))); return 'x'",
    ),
    "random numbers are not those of the next hook": backend(
        "import os, random, tempfile",
        """
        import uuid  # on Python 3.8 it asks a program for the processor
        mine = [random.random(), next(tempfile._get_candidate_names()), str(uuid.uuid4())]
        theirs = open("numbers").read() if os.path.exists("numbers") else ""
        open("numbers", "w").write(repr(mine))
        found = [repr(one) in theirs for one in mine]
        os.remove("numbers") if theirs else None
        return repr(found)
        """,
    ),
    "a class is pickled by reference": backend(
        "import pickle\nfrom os import path\nclass Thing: pass",
        "return repr(pickle.loads(pickle.dumps([Thing, path.join, build_sdist]))[0] is Thing)",
    ),
    "a function of os is imported by name": backend(
        "from os import getcwd, getpid\nfrom sys import argv\nimport os, pathlib, pickle, sys",
        "return repr([getcwd is os.getcwd, getpid is os.getpid, argv is sys.argv, argv[1], getcwd(), pickle.loads("
        "pickle.dumps(getcwd)) is getcwd, str(pathlib.Path('a').absolute()), type(os.getcwd).__name__])",
    ),
    "the recursion limit is hit": backend(
        "", "def down(n): return down(n + 1)\ntry:\n    down(0)\nexcept RecursionError as error:\n    return str(error)"
    ),
    "the exec of another program": backend("import os", "os.execv('/bin/sh', ['sh', '-c', 'echo executed; exit 4'])"),
    "no answer": backend("import os", "print('a', flush=True); os._exit(0)"),
}
EXITS = {
    "sys.exit with a number": "import sys; sys.exit(3)",
    "sys.exit with a large number": "import sys; sys.exit(256 + 7)",
    "sys.exit with text": "import sys; sys.exit('a reason')",
    "sys.exit with nothing": "import sys; sys.exit()",
    "sys.exit with an object": "import sys; sys.exit([1, 'a'])",
    "os._exit": "import os; print('lost'); os._exit(5)",
    "os.abort": "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "an exception": "raise ValueError('no')",
    "an exception with a cause": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('b') from error",
    "an exception in an exception": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('b')",
    "a syntax error": "compile('x =', 'made.py', 'exec')",
    "an exception of its own": "class Own(BaseException): pass\nraise Own('own')",
    "an exception that cannot be shown": "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "a memory error": "raise MemoryError",
    "SIGINT": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM of its group": "import os, signal; os.killpg(0, signal.SIGTERM)",
    "an exception hook": "import sys; sys.excepthook = lambda *a: print('shown', a[0], a[1], a[2].tb_frame.f_code.co_name);"
    "raise ValueError('no')",
    "an exception hook that fails": "import sys\ndef hook(*_): raise LookupError('hook')\nsys.excepthook = hook\n"
    "raise ValueError('no')",
    "an exception hook that exits": "import sys\ndef hook(*_): sys.exit(9)\nsys.excepthook = hook\nraise ValueError('no')",
    "no exception hook": "import sys; del sys.excepthook; sys.exit(2)",
    "an unknown answer": "return object()",
    "a failing flush": "import sys; sys.stdout.write('a'); import os; os.close(1); raise ValueError('no')",
    "output text and a failure": "print('out'); import sys; print('err', file=sys.stderr); raise ValueError('no')",
}
EQUAL.update({name: backend(in_hook=code) for name, code in EXITS.items()})

# What depends on where the streams of the frontend lead.
PRINTING = [
    "all that a process knows of itself",
    "threads are started, daemons and others",
    "exit handlers, in their order",
    "the stream of output is another",
    "the stream of output is opened anew",
    "the streams are swapped",
    "descriptor 1 is closed",
    "logging set up at import",
    "a warning of another kind",
    "output text and a failure",
    "a failing flush",
    "sys.exit with text",
    "KeyboardInterrupt",
]
