"""Which editors are installed on this computer, and what they are started with.

finding        all of them, in the order in which they are offered
kinds          the editors that are looked for, and what each is called on which system
windows        where programs lie on Windows: the registry's App Paths, Program Files
macos          bundles in the Applications folders
linux          the PATH, and the entries of the desktop's menu
environment    what a started editor gets of this program's environment
"""
