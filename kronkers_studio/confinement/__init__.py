"""Running a program so that it can harm nothing.

A model or a table of unknown origin is read by a process that has given up everything else first: it reads only what
its *policy* names, writes only into its scratch folder, opens no connection, starts no program, signals nobody, and has
bounded memory. What of this a system can give is its *means*.

``Policy``            what a confined process may still do
``Means``             what is in force, and what this system cannot give
``means_here``        what this system can give
``confine_process``   give everything else up, for good, in this very process
``confined_command``  how to start a Python module that is confined before its first line runs
``confined_program``  how to start a program that confines itself by ``confine_process``, first of all

How each system does it: ``linux`` (Landlock, seccomp, limits), ``bubblewrap`` (where Landlock is missing), ``macos``
(a sandbox profile), ``windows`` (a restricted token of low integrity in a job). See docs/decisions/0017.
"""

from kronkers_studio.confinement.means import confine_process, means_here
from kronkers_studio.confinement.policy import Level, Means, Policy
from kronkers_studio.confinement.start import confined_command, confined_program

__all__ = ["Level", "Means", "Policy", "confine_process", "confined_command", "confined_program", "means_here"]
