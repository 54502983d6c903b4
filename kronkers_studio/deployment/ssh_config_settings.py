"""Which settings of OpenSSH's client configuration are followed, and which need not be; others are named to people."""

from __future__ import annotations

_HOST_SETTINGS = """hostname port user identitiesonly identityagent hostkeyalias proxyjump proxycommand
    userknownhostsfile"""
FOLLOWED = frozenset(_HOST_SETTINGS.split())
_OWN_SETTINGS = """addkeystoagent batchmode checkhostip clearallforwardings compression connectionattempts
    connecttimeout
    controlmaster controlpath controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar
    exitonforwardfailure fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout
    forwardx11trusted gatewayports globalknownhostsfile gssapiauthentication gssapidelegatecredentials
    hashknownhosts ignoreunknown ipqos localcommand localforward loglevel logverbose numberofpasswordprompts
    obscurekeystroketiming permitlocalcommand permitremoteopen rekeylimit remotecommand remoteforward requesttty
    sendenv serveralivecountmax serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask
    streamlocalbindunlink stricthostkeychecking syslogfacility tag tcpkeepalive tunnel tunneldevice updatehostkeys
    usekeychain verifyhostkeydns visualhostkey warnweakcrypto xauthlocation"""
NO_MATTER = frozenset(_OWN_SETTINGS.split())
"""Settings for terminals, forwardings and OpenSSH's own habits: they do not change where a server is or who may log in.
Host keys are always confirmed, whatever StrictHostKeyChecking says."""
