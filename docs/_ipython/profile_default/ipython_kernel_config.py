"""How notebooks of the site run; IPython reads this file, of a copy in build/."""

c = get_config()  # noqa: F821
c.IPKernelApp.log_level = "ERROR"  # it warns of sockets that never leave the machine
c.HistoryManager.enabled = False
c.InlineBackend.rc = {"figure.dpi": 144}
