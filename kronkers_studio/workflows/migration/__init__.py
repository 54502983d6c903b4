"""The parts of a migration, behind the verbs of ``workflows.migrating``, ``plans``, ``sources`` and ``watching``.

import_run        one run: read, stored, committed
commit_folders    folders become versions: one, or one for each conflict copy
plan_comparison   a plan beside the newest version of a branch
undo_check        what bringing a folder in would undo
carried_over      what stays although the folder does not have it here: what the cloud alone holds
sources           which folders a project is made of, and where each lies in it
folder_access     how a folder is scanned and read, with the stat cache
working_tree      a working copy beside its version, and the version that is made of it
seen_files        what was just written is known without being read
worker_process    a process beside this one that reads for it
"""
